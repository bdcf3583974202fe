"""A reference is what was named, or the one file that a model's folder is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest
from kind_samples import FILES, GRAPH, META_GRAPH, TFLITE, folder_of
from protobuf_wire import field

from validation.errors import ArtefactError
from validation.kinds.kind import Kind
from validation.kinds.reference import recognise_reference

_SAVED_MODEL = field(1, 1) + field(2, META_GRAPH)
_TF2 = ("pipeline.config", "checkpoint/ckpt-0.index", "saved_model/saved_model.pb")


def _sample(kind: Kind) -> bytes:
    return next(content for each, _, content in FILES if each is kind)


@pytest.mark.parametrize(
    "kind",
    [Kind.TFLITE, Kind.GRAPH, Kind.EXPORTED_GRAPH, Kind.COCO_RESULTS, Kind.TAR, Kind.META_GRAPH],
)
def test_a_file_is_what_its_content_is(tmp_path: Path, kind: Kind) -> None:
    """Whatever its name."""
    path = tmp_path / "given"
    path.write_bytes(_sample(kind))
    found = recognise_reference(path)
    assert (found.kind, found.path) == (kind, path)


@pytest.mark.parametrize("part", ["", "saved_model", "saved_model/saved_model.pb"])
@pytest.mark.parametrize("names", [_TF2, ("saved_model/saved_model.pb",)])
def test_a_saved_model_is_its_folder(tmp_path: Path, names: tuple[str, ...], part: str) -> None:
    """Named itself, by its file, or by the export around it, as archives of TensorFlow 2 are."""
    folder = folder_of(tmp_path, names)
    (folder / "saved_model" / "saved_model.pb").write_bytes(_SAVED_MODEL)
    found = recognise_reference(folder / part)
    assert (found.kind, found.path) == (Kind.SAVED_MODEL, folder / "saved_model")


def test_an_unpacked_archive_may_have_one_folder_around_it(tmp_path: Path) -> None:
    """As tar archives of the zoo have."""
    folder = folder_of(tmp_path, tuple(f"ssd_2020/{name}" for name in _TF2))
    found = recognise_reference(folder)
    assert (found.kind, found.path) == (Kind.SAVED_MODEL, folder / "ssd_2020" / "saved_model")


@pytest.mark.parametrize(
    "name", ["frozen_inference_graph.pb", "model.ckpt.index", "model.ckpt.meta", "tflite_graph.pb"]
)
def test_a_graph_of_tensorflow_1_goes_before_the_saved_model(tmp_path: Path, name: str) -> None:
    """It can be cut as well as run: the folder is an archive."""
    folder = folder_of(tmp_path, (name, "pipeline.config", "saved_model/saved_model.pb"))
    found = recognise_reference(folder)
    assert (found.kind, found.path) == (Kind.MODEL_FOLDER, folder)


def test_a_folder_with_one_tflite_is_that_file(tmp_path: Path) -> None:
    """Of several only the caller knows which."""
    folder = folder_of(tmp_path, ("detect.tflite", "labelmap.txt"))
    (folder / "detect.tflite").write_bytes(TFLITE)
    found = recognise_reference(folder)
    assert (found.kind, found.path) == (Kind.TFLITE, folder / "detect.tflite")
    (folder / "other.tflite").write_bytes(TFLITE)
    with pytest.raises(ArtefactError, match=r"2 \.tflite files and no graph.*name one of them"):
        recognise_reference(folder)


def test_a_saved_model_under_another_name_is_refused(tmp_path: Path) -> None:
    """TensorFlow loads it by its folder."""
    path = tmp_path / "model.pb"
    path.write_bytes(_SAVED_MODEL)
    with pytest.raises(ArtefactError, match=r"by its folder.*got model\.pb.*rename the file"):
        recognise_reference(path)


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        (Kind.CONFIG, "name the folder that it lies in"),
        (Kind.ONNX, "detections in COCO's results format"),
        (Kind.LABEL_MAP, "--label_map="),
        (Kind.EDGE_TPU, "without|give the file that it was compiled from"),
        (Kind.KERAS, "export it as a SavedModel"),
    ],
)
def test_what_nothing_can_be_judged_by_is_refused(tmp_path: Path, kind: Kind, step: str) -> None:
    """With what to give instead."""
    path = tmp_path / "given"
    path.write_bytes(_sample(kind))
    with pytest.raises(ArtefactError, match=step):
        recognise_reference(path)


def test_part_of_a_graph_is_no_reference(tmp_path: Path) -> None:
    """It would judge by what is left of it."""
    path = tmp_path / "frozen_inference_graph.pb"
    path.write_bytes(GRAPH[:-5])
    with pytest.raises(ArtefactError, match="only part of a TensorFlow graph"):
        recognise_reference(path)
