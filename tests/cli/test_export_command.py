"""export: the guide's first step under its flags, one line an error, nothing half-written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from miniature_cases import MiniatureFiles

from validation.cli import main

_EXPORTED = ["anchors.npy", "tflite_graph.json", "tflite_graph.pb", "tflite_graph.pbtxt"]

Capture = pytest.CaptureFixture[str]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _truncated(folder: Path, graph: Path) -> Path:
    path = folder / "cut.pb"
    path.write_bytes(graph.read_bytes()[:-1000])
    return path


def _contract(folder: Path) -> dict[str, object]:
    table: dict[str, object] = json.loads((folder / "tflite_graph.json").read_text())
    return table


def test_export_writes_what_the_guide_describes(exported: Path) -> None:
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


def test_export_and_convert_tell_programs(graph: Path, tmp_path: Path, capsys: Capture) -> None:
    """One document each on standard output, with the paths of what was written."""
    assert (
        main(["export", f"--frozen_graph={graph}", f"--output-directory={tmp_path}", "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert (told["contract"]["num_anchors"], told["contract"]["num_classes"]) == (132, 2)
    assert all(Path(path).is_file() for path in [told["graph"], *told["files"]])
    file = tmp_path / "m.tflite"
    graph_file, output = f"--graph_def_file={told['graph']}", f"--output_file={file}"
    assert main(["convert", graph_file, output, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(file), "bytes": file.stat().st_size, "variant": "float"}


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


def _faster_rcnn(folder: Path, _: Path) -> Path:
    import miniatures

    model = miniatures.Miniature(architecture="faster_rcnn")
    return Path(miniatures.write_frozen_graph(folder / "rcnn.pb", model))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder, _: folder / "none.pb", r"no such graph \(.*none\.pb\)"),
        (lambda folder, _: folder, "this is a folder with a model's files"),
        (_truncated, r"only part of a TensorFlow graph \(.*cut\.pb\)"),
        (_faster_rcnn, r".*\(rcnn\.pb\)"),
    ],
    ids=["missing", "folder", "truncated", "faster rcnn"],
)
def test_graph_that_cannot_be_exported(
    graph: Path,
    tmp_path: Path,
    capsys: Capture,
    failed_line: Callable[[], str],
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
    assert re.search(said, failed_line())
    assert _names(out) == ["tflite_graph.pb"]
    assert (out / "tflite_graph.pb").read_text() == "of an earlier export"


def test_config_of_another_model(
    graph: Path, miniature: MiniatureFiles, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """Graph and pipeline.config disagree: both values are named, nothing is written."""
    text = (miniature.archive / "pipeline.config").read_text()
    config = tmp_path / "pipeline.config"
    config.write_text(text.replace("num_classes: 2", "num_classes: 90"))
    arguments = [f"--frozen_graph={graph}", f"--pipeline_config_path={config}"]
    assert main(["export", *arguments, f"--output_directory={tmp_path / 'out'}"]) == 1
    assert "num_classes: graph 2, config 90" in failed_line()
    assert not (tmp_path / "out").exists()


def test_checkpoint_without_meta(tmp_path: Path, failed_line: Callable[[], str]) -> None:
    """Half a checkpoint is reported before TensorFlow is loaded."""
    for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        (tmp_path / name).touch()
    arguments = [f"--trained_checkpoint_prefix={tmp_path / 'model.ckpt'}"]
    assert main(["export", *arguments, f"--output_directory={tmp_path / 'out'}"]) == 2
    error = failed_line()
    assert "a checkpoint alone does not say what graph it belongs to" in error
    assert "expected --pipeline_config_path, or model.ckpt.meta beside" in error


def test_bare_checkpoint_with_its_config(small_zoo: Path, tmp_path: Path, capsys: Capture) -> None:
    """As the old exporter was called: the graph is built from the config."""
    archive = shutil.copytree(small_zoo / "small", tmp_path / "small")
    (archive / "model.ckpt.meta").unlink()
    out = tmp_path / "out"
    arguments = [
        f"--trained_checkpoint_prefix={archive / 'model.ckpt'}",
        f"--pipeline_config_path={archive / 'pipeline.config'}",
        f"--output_directory={out}",
    ]
    assert main(["export", *arguments]) == 0
    printed = capsys.readouterr()
    assert "64x96" in printed.out
    assert "3 classes" in printed.out
    assert "route: built from small/pipeline.config and model.ckpt" in printed.err
    assert (out / "tflite_graph.pb").is_file()


def test_export_folder_that_cannot_be_written(
    graph: Path, tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """A file in the folder's place is one line; nothing else is touched."""
    (tmp_path / "file").touch()
    arguments = [f"--frozen_graph={graph}", f"--output_directory={tmp_path / 'file'}"]
    assert main(["export", *arguments]) == 1
    assert re.search(r".*\(.*file\): got (File exists|Not a directory)", failed_line())
    assert _names(tmp_path) == ["file"]
