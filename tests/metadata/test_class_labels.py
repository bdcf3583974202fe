"""Label lists by name: a file, a .tflite with labels in its metadata, or COCO's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from validation.errors import ConversionError, DatasetError
from validation.labels.alignment import align
from validation.labels.label_list import LabelList
from validation.metadata.class_labels import labels_named, labels_of
from validation.metadata.model_metadata import (
    FileType,
    ModelMetadata,
    PackedFile,
    TensorMetadata,
)
from validation.metadata.unpacking import read_metadata

_VALUES, _AXIS = FileType.TENSOR_VALUE_LABELS, FileType.TENSOR_AXIS_LABELS


def _metadata(kind: FileType, lines: tuple[str, ...]) -> ModelMetadata:
    output = TensorMetadata("category", files=(PackedFile("l.txt", kind, lines=lines),))
    return ModelMetadata(outputs=(TensorMetadata("x"), output))


def test_labels_of_another_tools_file(data: Path, labels: LabelList) -> None:
    """Line 0 is the op's class 0 and class id 1; ``???`` is no name."""
    foreign = read_metadata(data / "foreign.tflite")
    assert foreign is not None
    read = labels_of(foreign)
    assert read is not None
    assert align(read, 3).names == align(labels, 3).names


@pytest.mark.parametrize(
    ("kind", "lines", "classes", "expected"),
    [
        (_VALUES, ("a", "b"), 2, {1: "a", 2: "b"}),
        (_VALUES, ("???", "b"), 2, {2: "b"}),
        (_VALUES, ("background", "a", "b"), 2, {1: "a", 2: "b"}),
        (_VALUES, ("???", "a", "b", "", ""), 2, {1: "a", 2: "b"}),
        (_AXIS, ("background", "a"), 1, {1: "a"}),
        (_AXIS, ("???", "a", "", "c"), 3, {1: "a", 3: "c"}),
        (_AXIS, ("a", "b"), 2, {1: "a", 2: "b"}),
    ],
)
def test_count_of_classes_decides_about_the_background(
    kind: FileType, lines: tuple[str, ...], classes: int, expected: dict[int, str]
) -> None:
    """One line more than classes, and the first calls itself the background: it is no class."""
    labels = labels_of(_metadata(kind, lines))
    assert labels is not None
    assert align(labels, classes).names == expected


@pytest.mark.parametrize("lines", [(), ("",), ("???", "n/a")])
def test_metadata_may_have_no_names(lines: tuple[str, ...]) -> None:
    """A file of gaps names nothing, nor does one of another kind."""
    assert labels_of(_metadata(_VALUES, lines)) is None
    assert labels_of(_metadata(FileType.DESCRIPTIONS, ("a", "b"))) is None


def test_list_is_named_as_a_file_or_coco(data: Path, tmp_path: Path) -> None:
    """A .tflite is known by its content, too; COCO's list has ids and names."""
    coco = align(labels_named("coco"), 90)
    assert coco.describe() == "80 names for 90 classes; 10 unnamed: 12, 26, 29 and 7 more"
    assert (coco.names[13], coco.names[90]) == ("stop sign", "toothbrush")
    for name in ("m.tflite", "detect.lite"):
        shutil.copy(data / "foreign.tflite", tmp_path / name)
        labels = labels_named(str(tmp_path / name))
        assert (labels.names, labels.source) == (("ball", "???", "ring"), name)
    (tmp_path / "labels.txt").write_text("ball\nring")
    assert labels_named(str(tmp_path / "labels.txt")).names == ("ball", "ring")


def test_what_names_no_list_is_refused(data: Path, tmp_path: Path) -> None:
    """With what was expected there."""
    with pytest.raises(DatasetError, match=r"no such label map: expected a file, or 'coco', got x"):
        labels_named("x")
    with pytest.raises(DatasetError, match=r"this is a folder .*expected a list of class names"):
        labels_named(str(tmp_path))
    with pytest.raises(DatasetError, match="no labels in its metadata"):
        labels_named(str(data / "tiny.tflite"))
    (tmp_path / "m.tflite").write_bytes(b"x")
    with pytest.raises(ConversionError, match=r"m\.tflite"):
        labels_named(str(tmp_path / "m.tflite"))
