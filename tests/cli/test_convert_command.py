"""convert: the guide's second step under its flags, one line an error, nothing half-written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles

from validation.cli import main
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_NAME
from validation.tflite.facts import TfliteFile, read_tflite

Capture = pytest.CaptureFixture[str]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _converted(folder: Path, *arguments: str, name: str = "m.tflite") -> TfliteFile:
    out = folder / name
    assert main(["convert", *arguments, f"--output_file={out}"]) == 0
    assert _names(folder) == [name]
    return read_tflite(out)


def test_convert(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    """The graph's own ends by default; the file and its size are reported."""
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
    outputs = ",".join([POSTPROCESS_NAME, *(f"{POSTPROCESS_NAME}:{index}" for index in (1, 2, 3))])
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
    """The file is made as it was asked for, and what it lacks is reported."""
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
    assert json.loads((folder / "tflite_graph.json").read_text())["add_postprocessing_op"] is False
    file = _converted(tmp_path / "out", f"--graph_def_file={folder / 'tflite_graph.pb'}")
    assert [spec.name for spec in file.outputs] == [
        "raw_outputs/box_encodings",
        "raw_outputs/class_predictions",
    ]
    assert file.postprocess is None


def test_raw_variant_of_a_graph_with_the_op(
    exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    """The two outputs in the guide's order cut the op off as --variant=raw does, and say so."""
    graph = f"--graph_def_file={exported / 'tflite_graph.pb'}"
    names = "raw_outputs/class_predictions,raw_outputs/box_encodings"
    file = _converted(tmp_path, graph, f"--output_arrays={names}")
    assert len(file.outputs) == 2
    assert "converting tflite_graph.pb to raw\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--variant=int3"], 2, "unknown variant: expected float | raw | float16"),
        (["--input_shapes=1,48"], 1, "error: "),
        (["--input_shapes=1,x,64,3"], 2, "a shape for each input is needed"),
        (["--input_shapes=1,48,64,3:1"], 2, "(--input_shapes)"),
        (["--input_arrays=image"], 1, "no node for input array 'image' (tflite_graph.pb)"),
        (["--output_arrays=detection_boxes"], 1, "no node for output array 'detection_boxes'"),
        (["--output_arrays=x,'TFLite_Detection_PostProcess'"], 1, "no node for output array"),
        (["--allow_custom_ops=false"], 1, "is a custom op of TFLite"),
    ],
)
def test_conversion_that_is_refused(
    exported: Path,
    tmp_path: Path,
    failed_line: Callable[[], str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    """Wrong use is 2, a graph that does not convert is 1; the file of before stays."""
    (tmp_path / "m.tflite").write_text("of an earlier conversion")
    command = ["convert", f"--graph_def_file={exported / 'tflite_graph.pb'}", *arguments]
    assert main([*command, f"--output_file={tmp_path / 'm.tflite'}"]) == code
    assert said in failed_line()
    assert _names(tmp_path) == ["m.tflite"]
    assert (tmp_path / "m.tflite").read_text() == "of an earlier conversion"


def test_inference_graph_is_not_converted(
    graph: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """The frozen graph of the archive needs the export first; the message says so."""
    out = tmp_path / "m.tflite"
    assert main(["convert", f"--graph_def_file={graph}", f"--output_file={out}"]) == 1
    assert "export it first: python -m validation export" in failed_line()
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
    """Of an export made here; what they map bytes to is reported beside what is wanted."""
    import fake_quant_graph

    from validation.export.exported import load_export

    graph = fake_quant_graph.write_export(tmp_path / "export")
    assert load_export(graph.parent).contract == fake_quant_graph.CONTRACT
    out = f"--output_file={tmp_path / 'm.tflite'}"
    assert main(["convert", f"--graph_def_file={graph}", out]) == 0
    message = "validation: 127.5/127.5 maps uint8 to [-1, 1], as the extractor wants"
    assert message in capsys.readouterr().err.splitlines()
    guide = ["--mean_values=128", "--std_dev_values=127"]
    assert main(["convert", f"--graph_def_file={graph}", *guide, out]) == 0
    message = "validation: 128/127 maps uint8 to [-1.008, 1], extractor wants [-1, 1]"
    assert message in capsys.readouterr().err.splitlines()


def test_quantised_graph_without_mean_and_std(
    fake_quant: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """Fault V09: the flags are named, and half a pair is none."""
    arguments = ["convert", f"--graph_def_file={fake_quant}", f"--output_file={tmp_path / 'm'}"]
    assert main(arguments) == 1
    assert "needs mean and std" in (line := failed_line())
    assert "--mean_values and --std_dev_values; 127.5/127.5 for an extractor" in line
    assert main([*arguments, "--std_dev_values=127"]) == 2
    assert "mean and std belong together" in (line := failed_line())
    assert "or neither, got --std_dev_values; " in line
    assert main([*arguments, "--mean_values=127"]) == 2
    assert "or neither, got --mean_values; " in failed_line()


def test_convert_with_representative_images(
    exported: Path, miniature: MiniatureFiles, tmp_path: Path, capsys: Capture
) -> None:
    """Prepared by the contract beside the graph; how many is reported."""
    graph = f"--graph_def_file={exported / 'tflite_graph.pb'}"
    images = f"--representative_images={miniature.images}"
    file = _converted(tmp_path, graph, "--variant=int8", images)
    assert file.inputs[0].dtype == "uint8"
    count = len(list(miniature.images.iterdir()))
    assert f"calibrating on {count} images of {miniature.images.name}" in capsys.readouterr().err


def test_representative_images_need_the_contract(
    fake_quant: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """A graph from elsewhere does not say how its images are prepared."""
    arguments = ["convert", f"--graph_def_file={fake_quant}", f"--output_file={tmp_path / 'm'}"]
    assert main([*arguments, f"--representative_images={tmp_path}", "--variant=int8"]) == 1
    line = failed_line()
    assert "the preprocessing of the representative images is not known" in line
    assert "expected tflite_graph.json; export the graph here" in line


def test_folder_without_images(
    exported: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """Reported before TensorFlow is loaded."""
    arguments = [
        "convert",
        f"--graph_def_file={exported / 'tflite_graph.pb'}",
        f"--output_file={tmp_path / 'm'}",
        "--variant=int8",
    ]
    assert main([*arguments, f"--representative_images={tmp_path}"]) == 1
    assert "too few representative images: expected 1 or more, got 0" in failed_line()


def test_conversion_that_cannot_be_written(
    exported: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """A file in the folder's place, and a folder in the file's, are one line each."""
    (tmp_path / "file").touch()
    arguments = [f"--graph_def_file={exported / 'tflite_graph.pb'}"]
    for output in (tmp_path / "file" / "m.tflite", tmp_path):
        assert main(["convert", *arguments, f"--output_file={output}"]) == 1
        assert "the file cannot be written" in failed_line()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
