"""The guide's two steps as commands: its flags, one line an error, nothing half-written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import small_ssd
from miniature_cases import MiniatureFiles

from validation import __version__
from validation.cli import main
from validation.errors import ArtefactMissing, CorruptGraph, UsageError
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_NAME
from validation.tflite.facts import TfliteFile, read_tflite

_ROOT = Path(__file__).parents[2]
_EXPORTED = ["anchors.npy", "tflite_graph.json", "tflite_graph.pb", "tflite_graph.pbtxt"]

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def graph(miniature: MiniatureFiles) -> Path:
    """The miniature's frozen graph."""
    return miniature.archive / "frozen_inference_graph.pb"


@pytest.fixture(scope="module")
def exported(miniature: MiniatureFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an export by the guide's command line, no flag set."""
    folder = tmp_path_factory.mktemp("export")
    graph = miniature.archive / "frozen_inference_graph.pb"
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={folder}"]) == 0
    yield folder


def _contract(folder: Path) -> dict[str, object]:
    table: dict[str, object] = json.loads((folder / "tflite_graph.json").read_text())
    return table


def _error(capsys: Capture) -> str:
    """The one line that a failed command ends in."""
    out, err = capsys.readouterr()
    assert out == ""
    # What is done is told in small letters; an error begins with its class.
    (line,) = [line for line in err.splitlines() if not re.match(r"validation: [a-z]", line)]
    assert re.match(r"validation: [A-Z]\w+: ", line)
    return line


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_export_writes_what_the_guide_promises(exported: Path) -> None:
    """Graph, text, contract and anchors; ten detections unless asked for more."""
    assert _names(exported) == _EXPORTED
    contract = _contract(exported)
    assert contract["add_postprocessing_op"] is True
    postprocess = contract["postprocess"]
    assert isinstance(postprocess, dict)
    assert postprocess["max_detections"] == 10
    assert postprocess["max_classes_per_detection"] == 1
    assert postprocess["detections_per_class"] == 100
    assert postprocess["use_regular_nms"] is False
    assert np.load(exported / "anchors.npy").shape == (contract["num_anchors"], 4)


def test_export_tells_what_it_made(graph: Path, tmp_path: Path, capsys: Capture) -> None:
    """Results on standard output, progress on standard error."""
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={tmp_path}"]) == 0
    out, err = capsys.readouterr()
    first, *paths = out.splitlines()
    assert re.fullmatch(rf"{tmp_path}/tflite_graph.pb: 48x64, 132 anchors, 2 classes", first)
    assert sorted(Path(path).name for path in paths) == sorted(set(_EXPORTED) - {"tflite_graph.pb"})
    assert "exporting frozen_inference_graph.pb" in err
    assert re.search(r"done in \d+\.\d s", err)


def test_flags_as_in_the_guide(graph: Path, miniature: MiniatureFiles, tmp_path: Path) -> None:
    """Each flag reaches the post-processing node; the output folder is made."""
    arguments = [
        "export",
        f"--frozen_graph={graph}",
        f"--pipeline_config_path={miniature.archive / 'pipeline.config'}",
        f"--output_directory={tmp_path / 'new' / 'folder'}",
        "--max_detections=7",
        "--max_classes_per_detection=2",
        "--detections_per_class=5",
        "--use_regular_nms=true",
        "--add_postprocessing_op",
    ]
    assert main(arguments) == 0
    postprocess = _contract(tmp_path / "new" / "folder")["postprocess"]
    assert isinstance(postprocess, dict)
    assert postprocess["max_detections"] == 7
    assert postprocess["max_classes_per_detection"] == 2
    assert postprocess["detections_per_class"] == 5
    assert postprocess["use_regular_nms"] is True


def test_export_from_a_checkpoint(tmp_path: Path) -> None:
    """--trained_checkpoint_prefix takes the graph from the .meta beside the values."""
    import miniatures

    prefix = miniatures.write_checkpoint(tmp_path / "trained")
    out = tmp_path / "out"
    assert (
        main(["export", f"--trained_checkpoint_prefix={prefix}", f"--output_directory={out}"]) == 0
    )
    assert _names(out) == _EXPORTED


def _converted(folder: Path, *arguments: str, name: str = "m.tflite") -> TfliteFile:
    out = folder / name
    assert main(["convert", *arguments, f"--output_file={out}"]) == 0
    assert _names(folder) == [name]
    return read_tflite(out)


def test_convert(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """The graph's own ends by default; the file and its size are told."""
    file = _converted(tmp_path, f"--graph_def_file={exported / 'tflite_graph.pb'}")
    assert [spec.name for spec in file.inputs] == [INPUT_NAME]
    assert file.outputs[0].name == POSTPROCESS_NAME
    assert file.postprocess is not None
    assert file.postprocess.max_detections == 10
    assert capsys.readouterr().out == f"{tmp_path / 'm.tflite'}: {file.size_bytes} bytes\n"


def test_convert_with_the_guides_flags(exported: Path, tmp_path: Path) -> None:
    """Input and output arrays and shapes by hand give the same bytes as none at all."""
    graph = exported / "tflite_graph.pb"
    usual = _converted(tmp_path / "a", f"--graph_def_file={graph}")
    outputs = ",".join([POSTPROCESS_NAME, *(f"{POSTPROCESS_NAME}:{place}" for place in (1, 2, 3))])
    by_hand = _converted(
        tmp_path / "b",
        f"--graph_def_file={graph}",
        f"--input_arrays={INPUT_NAME}",
        f"--output_arrays={outputs}",
        "--input_shapes=1,48,64,3",
        "--allow_custom_ops",
    )
    assert by_hand == usual
    assert (tmp_path / "a" / "m.tflite").read_bytes() == (tmp_path / "b" / "m.tflite").read_bytes()


def test_output_arrays_that_leave_some_out(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """The file is made as it was asked for, and what it lacks is told."""
    output = tmp_path / "detect.tflite"
    arguments = [f"--graph_def_file={exported / 'tflite_graph.pb'}", f"--output_file={output}"]
    outputs = f"{POSTPROCESS_NAME}, {POSTPROCESS_NAME}:1, {POSTPROCESS_NAME}:2"
    assert main(["convert", *arguments, f"--output_arrays={outputs}"]) == 0
    assert len(read_tflite(output).outputs) == 3
    assert f"the file will lack {POSTPROCESS_NAME}:3: apps read" in capsys.readouterr().err


def test_raw_outputs(graph: Path, tmp_path: Path) -> None:
    """--add_postprocessing_op=false ends in the raw outputs, and convert takes them so."""
    folder = tmp_path / "export"
    arguments = [f"--frozen_graph={graph}", f"--output_directory={folder}"]
    assert main(["export", *arguments, "--add_postprocessing_op=false"]) == 0
    assert _contract(folder)["add_postprocessing_op"] is False
    file = _converted(tmp_path / "out", f"--graph_def_file={folder / 'tflite_graph.pb'}")
    assert [spec.name for spec in file.outputs] == [
        "raw_outputs/box_encodings",
        "raw_outputs/class_predictions",
    ]
    assert file.postprocess is None


def test_raw_variant_of_a_graph_with_the_op(exported: Path, tmp_path: Path) -> None:
    """--variant=raw cuts the op off."""
    graph = exported / "tflite_graph.pb"
    file = _converted(tmp_path, f"--graph_def_file={graph}", "--variant=raw")
    assert len(file.outputs) == 2


def _truncated(folder: Path, graph: Path) -> Path:
    path = folder / "cut.pb"
    path.write_bytes(graph.read_bytes()[:-1000])
    return path


def _faster_rcnn(folder: Path, _: Path) -> Path:
    import miniatures

    model = miniatures.Miniature(architecture="faster_rcnn")
    return Path(miniatures.write_frozen_graph(folder / "rcnn.pb", model))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder, _: folder / "none.pb", r"ArtefactMissing: no such graph \(.*none\.pb\)"),
        (lambda folder, _: folder, "ArtefactMissing: no such graph"),
        (_truncated, r"CorruptGraph: .*\(cut\.pb\)"),
        (_faster_rcnn, r"NotSsdGraph: .*\(rcnn\.pb\)"),
    ],
    ids=["missing", "folder", "truncated", "faster rcnn"],
)
def test_graph_that_cannot_be_exported(
    graph: Path,
    tmp_path: Path,
    capsys: Capture,
    make: Callable[[Path, Path], Path],
    said: str,
) -> None:
    """Exit code 1, one line that names the file, and an output folder as it was."""
    source = make(tmp_path, graph)
    out = tmp_path / "out"
    out.mkdir()
    (out / "tflite_graph.pb").write_text("of an earlier export")
    capsys.readouterr()
    assert main(["export", f"--frozen_graph={source}", f"--output_directory={out}"]) == 1
    assert re.search(said, _error(capsys))
    assert _names(out) == ["tflite_graph.pb"]
    assert (out / "tflite_graph.pb").read_text() == "of an earlier export"


def test_config_of_another_model(
    graph: Path, miniature: MiniatureFiles, tmp_path: Path, capsys: Capture
) -> None:
    """Graph and pipeline.config disagree: both values are told, nothing is written."""
    text = (miniature.archive / "pipeline.config").read_text()
    config = tmp_path / "pipeline.config"
    config.write_text(text.replace("num_classes: 2", "num_classes: 90"))
    arguments = [f"--frozen_graph={graph}", f"--pipeline_config_path={config}"]
    assert main(["export", *arguments, f"--output_directory={tmp_path / 'out'}"]) == 1
    assert "num_classes: graph 2, config 90" in _error(capsys)
    assert not (tmp_path / "out").exists()


def test_checkpoint_without_meta(tmp_path: Path, capsys: Capture) -> None:
    """Half a checkpoint is told before TensorFlow is loaded."""
    for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        (tmp_path / name).touch()
    arguments = [f"--trained_checkpoint_prefix={tmp_path / 'model.ckpt'}"]
    assert main(["export", *arguments, f"--output_directory={tmp_path / 'out'}"]) == 2
    error = _error(capsys)
    assert "a checkpoint alone does not say what graph it belongs to" in error
    assert "expected --pipeline_config_path, or model.ckpt.meta beside" in error


def test_bare_checkpoint_with_its_config(tmp_path: Path, capsys: Capture) -> None:
    """As the old exporter was called: the graph is built from the config."""
    archive = small_ssd.write_small_archive(tmp_path / "small")
    (archive / "model.ckpt.meta").unlink()
    out = tmp_path / "out"
    arguments = [
        f"--trained_checkpoint_prefix={archive / 'model.ckpt'}",
        f"--pipeline_config_path={archive / 'pipeline.config'}",
        f"--output_directory={out}",
    ]
    assert main(["export", *arguments]) == 0
    told = capsys.readouterr()
    assert "64x96" in told.out
    assert "3 classes" in told.out
    assert "route: built from small/pipeline.config and model.ckpt" in told.err
    assert (out / "tflite_graph.pb").is_file()


def test_output_folder_that_cannot_be_written(
    graph: Path, exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A file in the folder's place is one line; nothing else is touched."""
    (tmp_path / "file").touch()
    arguments = [f"--frozen_graph={graph}", f"--output_directory={tmp_path / 'file'}"]
    assert main(["export", *arguments]) == 1
    assert re.search(r"GraphError: .*\(.*file\): got (File exists|Not a directory)", _error(capsys))
    arguments = [f"--graph_def_file={exported / 'tflite_graph.pb'}"]
    assert main(["convert", *arguments, f"--output_file={tmp_path / 'file' / 'm.tflite'}"]) == 1
    assert "ConversionError: the .tflite file cannot be written" in _error(capsys)
    assert main(["convert", *arguments, f"--output_file={tmp_path}"]) == 1
    assert "ConversionError: the .tflite file cannot be written" in _error(capsys)
    assert _names(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--variant=int3"], 2, "UsageError: unknown variant: expected float | raw | float16"),
        (["--input_shapes=1,48"], 1, "ConversionError"),
        (["--input_shapes=1,x,64,3"], 2, "UsageError: a shape for each input is needed"),
        (["--input_shapes=1,48,64,3:1"], 2, "(--input_shapes)"),
        (["--input_arrays=image"], 1, "no node for input array 'image' (tflite_graph.pb)"),
        (["--output_arrays=detection_boxes"], 1, "no node for output array 'detection_boxes'"),
        (["--output_arrays='TFLite_Detection_PostProcess'"], 1, "(the quotes belong to the name)"),
        (["--allow_custom_ops=false"], 1, "is a custom op of TFLite"),
    ],
)
def test_conversion_that_is_refused(
    exported: Path, tmp_path: Path, capsys: Capture, arguments: list[str], code: int, said: str
) -> None:
    """Wrong use is 2, a graph that does not convert is 1; the file of before stays."""
    (tmp_path / "m.tflite").write_text("of an earlier conversion")
    command = ["convert", f"--graph_def_file={exported / 'tflite_graph.pb'}", *arguments]
    assert main([*command, f"--output_file={tmp_path / 'm.tflite'}"]) == code
    assert said in _error(capsys)
    assert _names(tmp_path) == ["m.tflite"]
    assert (tmp_path / "m.tflite").read_text() == "of an earlier conversion"


def test_inference_graph_is_not_converted(graph: Path, tmp_path: Path, capsys: Capture) -> None:
    """The frozen graph of the archive needs the export first; the message says so."""
    out = tmp_path / "m.tflite"
    assert main(["convert", f"--graph_def_file={graph}", f"--output_file={out}"]) == 1
    assert "export it first: python -m validation export" in _error(capsys)
    assert not out.exists()


@pytest.fixture(scope="module")
def fake_quant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantised graph as archives ship it: no contract beside it."""
    import fake_quant_graph

    return fake_quant_graph.write_graph(tmp_path_factory.mktemp("shipped") / "tflite_graph.pb")


@pytest.mark.parametrize("word", ["--inference_type=QUANTIZED_UINT8", "--variant=uint8", ""])
def test_convert_a_quantised_graph(fake_quant: Path, tmp_path: Path, word: str) -> None:
    """The guide's command; the graph says itself that it is for uint8."""
    arguments = [f"--graph_def_file={fake_quant}", "--mean_values=128", "--std_dev_values=127"]
    file = _converted(tmp_path, *arguments, *[word] * bool(word))
    (image,) = file.inputs
    assert (image.dtype, image.zero_point) == ("uint8", 128)
    assert image.scale == pytest.approx(1 / 127)
    assert file.postprocess is not None


def test_mean_and_std_come_from_the_contract(tmp_path: Path, capsys: Capture) -> None:
    """Of an export made here; what they map bytes to is told beside what is wanted."""
    import fake_quant_graph

    from validation.export.exported import load_export

    graph = fake_quant_graph.write_export(tmp_path / "export")
    assert load_export(graph.parent).contract == fake_quant_graph.CONTRACT
    out = f"--output_file={tmp_path / 'm.tflite'}"
    assert main(["convert", f"--graph_def_file={graph}", out]) == 0
    told = "validation: 127.5/127.5 maps uint8 to [-1, 1], as the extractor wants"
    assert told in capsys.readouterr().err.splitlines()
    guide = ["--mean_values=128", "--std_dev_values=127"]
    assert main(["convert", f"--graph_def_file={graph}", *guide, out]) == 0
    told = "validation: 128/127 maps uint8 to [-1.008, 1], extractor wants [-1, 1]"
    assert told in capsys.readouterr().err.splitlines()


def test_quantised_graph_without_mean_and_std(
    fake_quant: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Fault V09: the flags are named, and half a pair is none."""
    arguments = ["convert", f"--graph_def_file={fake_quant}", f"--output_file={tmp_path / 'm'}"]
    assert main(arguments) == 1
    assert "needs mean and std" in (line := _error(capsys))
    assert "--mean_values and --std_dev_values; 127.5/127.5 for an extractor" in line
    assert main([*arguments, "--std_dev_values=127"]) == 2
    assert "mean and std belong together" in (line := _error(capsys))
    assert line.endswith("or neither, got --std_dev_values")
    assert main([*arguments, "--mean_values=127"]) == 2
    assert _error(capsys).endswith("or neither, got --mean_values")


def test_convert_with_representative_images(
    exported: Path, miniature: MiniatureFiles, tmp_path: Path, capsys: Capture
) -> None:
    """Prepared by the contract beside the graph; how many is told."""
    graph = f"--graph_def_file={exported / 'tflite_graph.pb'}"
    images = f"--representative_images={miniature.images}"
    file = _converted(tmp_path, graph, "--variant=int8", images)
    assert file.inputs[0].dtype == "uint8"
    count = len(list(miniature.images.iterdir()))
    assert f"calibrating on {count} images of {miniature.images.name}" in capsys.readouterr().err


def test_representative_images_need_the_contract(
    fake_quant: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A graph from elsewhere does not say how its images are prepared."""
    arguments = ["convert", f"--graph_def_file={fake_quant}", f"--output_file={tmp_path / 'm'}"]
    assert main([*arguments, f"--representative_images={tmp_path}", "--variant=int8"]) == 1
    line = _error(capsys)
    assert "nothing says how representative images are to be prepared" in line
    assert "expected tflite_graph.json; export the graph here" in line


def test_folder_without_images(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """Told before TensorFlow is loaded."""
    arguments = [
        "convert",
        f"--graph_def_file={exported / 'tflite_graph.pb'}",
        f"--output_file={tmp_path / 'm'}",
        "--variant=int8",
    ]
    assert main([*arguments, f"--representative_images={tmp_path}"]) == 1
    assert "too few representative images: expected 1 or more, got 0" in _error(capsys)


def test_debug_shows_the_trace(tmp_path: Path, graph: Path) -> None:
    """--debug raises what was one line without it."""
    out = f"--output_directory={tmp_path / 'out'}"
    with pytest.raises(ArtefactMissing, match="no such graph"):
        main(["export", "--debug", f"--frozen_graph={tmp_path / 'none.pb'}", out])
    with pytest.raises(CorruptGraph, match=r"cut\.pb"):
        main(["export", "--debug", f"--frozen_graph={_truncated(tmp_path, graph)}", out])
    with pytest.raises(UsageError, match="unknown variant"):
        main(
            [
                "convert",
                "--debug",
                f"--graph_def_file={graph}",
                "--variant=int3",
                f"--output_file={tmp_path / 'm.tflite'}",
            ]
        )


def test_interrupt(graph: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Ctrl-C is the shell's own 130, without a trace."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("validation.export.routes.read_graph", interrupted)
    assert main(["export", f"--frozen_graph={graph}", "--output_directory=out"]) == 130
    assert "interrupted; nothing half-written is left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["quantize"], "invalid choice: 'quantize'"),
        (["export", "--output_directory=out"], "one of the arguments --frozen_graph"),
        (["export", "--frozen_graph=a.pb"], "required: --output_directory"),
        (
            ["export", "--frozen_graph=a", "--trained_checkpoint_prefix=b", "--output_directory=c"],
            "not allowed with argument",
        ),
        (
            ["export", "--frozen_graph=a", "--output_directory=c", "--max_detections=0"],
            "'0' is no number from 1 on",
        ),
        (
            ["export", "--frozen_graph=a", "--output_directory=c", "--use_regular_nms=maybe"],
            "'maybe' is neither true nor false",
        ),
        (["convert", "--graph_def_file=a"], "required: --output_file"),
    ],
)
def test_wrong_use(capsys: Capture, arguments: list[str], said: str) -> None:
    """Exit code 2 as argparse has it, with the flag that is wrong."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "flags"),
    [
        (
            "export",
            [
                "--frozen_graph",
                "--trained_checkpoint_prefix",
                "--pipeline_config_path",
                "--output_directory",
                "--add_postprocessing_op",
                "--max_detections",
                "--max_classes_per_detection",
                "--detections_per_class",
                "--use_regular_nms",
            ],
        ),
        (
            "convert",
            [
                "--graph_def_file",
                "--output_file",
                "--input_arrays",
                "--output_arrays",
                "--input_shapes",
                "--allow_custom_ops",
                "--inference_type",
                "--mean_values",
                "--std_dev_values",
            ],
        ),
    ],
)
def test_help(capsys: Capture, command: str, flags: list[str]) -> None:
    """Every flag of the guide is there, and an example that can be copied."""
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert [flag for flag in flags if flag not in text] == []
    assert f"example:\n  python -m validation {command}" in text


def test_examples_parse(capsys: Capture) -> None:
    """The examples of the help texts are accepted as far as their files."""
    for command in ("export", "convert"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        _, _, example = capsys.readouterr().out.partition("python -m validation ")
        assert main(example.replace("\\\n", " ").split()) == 1
        assert re.search(r"no such|cannot be read", _error(capsys))


def test_version(capsys: Capture) -> None:
    """The version is the package's."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_module_runs_as_a_program(tmp_path: Path) -> None:
    """Started as a module: the error is all there is on standard error."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "validation",
            "export",
            f"--frozen_graph={tmp_path / 'none.pb'}",
            f"--output_directory={tmp_path / 'out'}",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=_ROOT,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (f"validation: ArtefactMissing: no such graph ({tmp_path / 'none.pb'})\n")
