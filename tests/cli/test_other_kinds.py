"""Commands that are given a file of another kind say what it is, before TensorFlow is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from kind_samples import CORE_ML, GRAPH, LFS, META_GRAPH, ONNX, TFLITE
from protobuf_wire import field

from validation.cli import main

_COMMANDS = {
    "export": ["export", "--frozen_graph={file}", "--output_directory={folder}/out"],
    "convert": ["convert", "--graph_def_file={file}", "--output_file={folder}/m.tflite"],
    "inspect": ["inspect", "{file}"],
    "visualize": ["visualize", "{file}", "--output_file={folder}/m.dot"],
    "detect": ["detect", "{file}", "{file}"],
    "compare": ["compare", "{file}", "{file}"],
    "explain": ["explain", "{file}", "{file}"],
    "report": ["report", "{file}"],
    "zoo show": ["zoo", "show", "{file}"],
    "evaluate": ["evaluate", "{file}", "--coco-annotations={file}", "--coco-images={folder}"],
    "fakequant": [
        "fakequant",
        "--frozen_graph={file}",
        "--pipeline_config_path={file}",
        "--representative_images={folder}",
        "--output_directory={folder}/out",
    ],
    "checkpoint": [
        "export",
        "--trained_checkpoint_prefix={file}",
        "--output_directory={folder}/out",
    ],
}
_PAGE = b"<!DOCTYPE html><html><head><title>404</title></head></html>"
_OPENCV = b'node { name: "a"\n op: "Placeholder" }\nnode { name: "b"\n op: "DetectionOutput" }'


@pytest.mark.parametrize("command", _COMMANDS)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LFS, "a Git LFS pointer to a file of 27381234 bytes that is not here .*git lfs pull"),
        (_PAGE, "a web page with the title '404'"),
        (b"", "an empty file"),
        (ONNX, "an ONNX model"),
        (CORE_ML, "a Core ML model"),
        (b"\x89HDF\r\n\x1a\n", "a Keras model or another HDF5 file"),
        (field(1, 1) + field(2, field(1, b"x" * 9)), "a TensorFlow SavedModel"),
        (_OPENCV, "rewritten for OpenCV's DNN module, without weights"),
        (TFLITE + b"edgetpu-custom-op", "compiled for the Edge TPU"),
    ],
    ids=["lfs", "page", "empty", "onnx", "coreml", "keras", "saved model", "opencv", "edge tpu"],
)
def test_it_is_called_by_its_name(
    tmp_path: Path,
    command: str,
    content: bytes,
    said: str,
    failed_line: Callable[[], str],
) -> None:
    """One line, whatever the file's suffix promises."""
    if command in ("inspect", "visualize") and b"edgetpu" in content:
        pytest.skip("takes such a file")
    file = tmp_path / "frozen_inference_graph.pb"
    file.write_bytes(content)
    words = [word.format(file=file, folder=tmp_path) for word in _COMMANDS[command]]
    assert main(words) in (1, 2)
    line = failed_line()
    assert re.search(said, line)


@pytest.mark.parametrize("command", ["export", "convert", "inspect", "visualize", "compare"])
def test_half_a_graph_is_called_one(
    tmp_path: Path, command: str, failed_line: Callable[[], str]
) -> None:
    """With how much is missing at the least."""
    file = tmp_path / "frozen_inference_graph.pb"
    file.write_bytes(GRAPH[:-4])
    words = [word.format(file=file, folder=tmp_path) for word in _COMMANDS[command]]
    assert main(words) == 1
    assert "only part of a TensorFlow graph" in failed_line()


@pytest.mark.parametrize("command", ["export", "convert", "detect", "visualize", "inspect"])
def test_a_folder_of_that_name_is_called_one(
    tmp_path: Path, command: str, failed_line: Callable[[], str]
) -> None:
    """Some programs unpack a file into a folder of its name."""
    file = tmp_path / "frozen_inference_graph.pb"
    file.mkdir()
    words = [word.format(file=file, folder=tmp_path) for word in _COMMANDS[command]]
    assert main(words) == 1
    assert "this is a folder" in failed_line()


@pytest.mark.parametrize(
    ("flag", "content", "said"),
    [
        ("--label_map", b"model { ssd {} }", "a pipeline.config .*calls label_map_path"),
        ("--label_map", GRAPH, "a TensorFlow graph .*name the archive's label map"),
        ("--label_map", b"", "an empty file .*expected a list of class names"),
        ("--pipeline_config_path", b"person\ncar\n", "a list of names .*--label_map="),
        ("--pipeline_config_path", b"item { id: 1 name: 'a' }", "a label map .*--label_map="),
        ("--pipeline_config_path", b"", "an empty file .*expected a pipeline.config"),
    ],
)
def test_what_a_flag_got_is_called_by_its_name(
    tmp_path: Path, flag: str, content: bytes, said: str, failed_line: Callable[[], str]
) -> None:
    """A flag that names another of a model's files."""
    file, model = tmp_path / "given", tmp_path / "m.tflite"
    file.write_bytes(content)
    model.write_bytes(TFLITE)
    words = {
        "--label_map": ["evaluate", str(model), f"--coco-annotations={tmp_path}"],
        "--pipeline_config_path": [
            "export",
            "--trained_checkpoint_prefix=c",
            "--output_directory=out",
        ],
    }
    assert main([*words[flag], f"{flag}={file}"]) in (1, 2)
    assert re.search(f"this is {said}", failed_line())


def test_a_list_of_names_given_as_model_goes_with_its_flag(
    tmp_path: Path, failed_line: Callable[[], str]
) -> None:
    """The list that belongs to a model is often beside it."""
    file = tmp_path / "labelmap.txt"
    file.write_text("person\nbicycle\n")
    assert main(["evaluate", str(file), f"--coco-annotations={tmp_path}"]) == 1
    assert f"goes with --label_map={file}" in failed_line()


def test_a_saved_model_is_no_checkpoint(tmp_path: Path, failed_line: Callable[[], str]) -> None:
    """Its variables look like one."""
    (tmp_path / "saved_model.pb").write_bytes(field(1, 1) + field(2, META_GRAPH))
    assert main(["export", f"--trained_checkpoint_prefix={tmp_path}", "--output_directory=o"]) == 1
    assert "this is a TensorFlow SavedModel" in failed_line()


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate", "m.tflite", "--coco-annotations=m.tflite"],
        ["evaluate", "m.tflite", "--coco-annotations=set.json", "--coco-images=set.json"],
        ["compare", "m.tflite", "set.json"],
        ["compare", "m.tflite", "m.tflite", "--images=set.json"],
        ["explain", "m.tflite", "m.tflite", "--images=set.json"],
        ["explain", "m.tflite", "m.tflite", "--coco-annotations=m.tflite"],
    ],
)
def test_all_kinds_are_seen_before_a_model_is_opened(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    failed_line: Callable[[], str],
) -> None:
    """A damaged model is found out where it is opened."""
    monkeypatch.chdir(tmp_path)
    Path("m.tflite").write_bytes(TFLITE)
    Path("set.json").write_text('{"images": [], "annotations": [], "categories": []}')
    assert main(words) == 1
    assert "damaged" not in failed_line()


@pytest.mark.parametrize("content", [b"\xff\x00" * 50, TFLITE])
def test_inspect_does_not_send_to_inspect(
    tmp_path: Path, content: bytes, failed_line: Callable[[], str]
) -> None:
    """Neither for an unknown kind nor for a damaged file."""
    file = tmp_path / "m.tflite"
    file.write_bytes(content)
    assert main(["inspect", str(file)]) == 1
    assert "validation inspect" not in failed_line()
