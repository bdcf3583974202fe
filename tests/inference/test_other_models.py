"""Files that are no SSD are called what they seem to be, in one sentence, by every command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strangers
from foreign_tflite import write_foreign
from hypothesis import given
from hypothesis import strategies as st
from miniature_cases import MiniatureFiles
from other_kinds import KINDS, SAVED_MODEL, write_kind, write_outputs

from validation.cli import main
from validation.errors import ConversionError
from validation.inference.file_notices import FileNoticeKind
from validation.inference.model_file import open_tflite
from validation.inference.other_models import seeming
from validation.inspection.of_tflite import inspect_tflite
from validation.metadata.model_metadata import ModelMetadata, TensorMetadata
from validation.metadata.packing import write_with_metadata
from validation.specs.tensors import TensorSpec

_IMAGE = np.zeros((64, 64, 3), np.uint8)
_JUDGE = "python -m validation judge m.tflite REFERENCE"
_SAID = {
    "classifier": "seems to be an image classifier: one score for each of 1001 classes",
    "classifier_head": "seems to be an image classifier: one score for each of 5 classes",
    "embedder": "seems to describe a whole image by 1280 features",
    "segmentation": "segmentation, or of masks or depth: 21 numbers for each of 65x65 points",
    "mask": "segmentation, or of masks or depth: a number for each of 64x64 points",
    "posenet": "key points or poses: heatmaps and offsets of 17 key points",
    "movenet": "key points or poses: 17 key points of 3 numbers",
    "movenet_multipose": "17 key points and a box for each of 6 people",
    "blazepose": "key points or poses: 39 points of 3 numbers",
    "face_mesh": "key points or poses: 468 points of 3 numbers",
    "iris": "key points or poses: 71 points and 5 points of 3 numbers",
    "yolov3": "a YOLO or another detector without its last steps: grids of 13 and 26 cells",
    "yolov4": "a YOLO: boxes that are decoded already and 80 scores for each of 2535 candidates",
    "yolov5": "a YOLO: one table with 85 numbers for each of 1575 boxes",
    "yolov8": "a YOLO: one table with 84 numbers for each of 2100 boxes",
    "blazeface": "a detector of MediaPipe: a box with 6 key points and one score for each of 896",
    "efficientdet_mediapipe": f"encoded boxes and 90 scores for each of 1227 anchors.*{_JUDGE}",
    "centernet": "seems to be a CenterNet: heatmaps of 90 classes",
    "raw_ssd": f"as an SSD.*encoded boxes and 91 scores for each of 1917 anchors.*{_JUDGE}",
    "raw_ssd_squeezed": f"encoded boxes and 91 scores for each of 1917 anchors.*{_JUDGE}",
    "nms_in_graph": "100 detections of non-maximum suppression that is part of its graph.*metadata "
    "that names them",
    "nms_in_graph_with_masks": "100 detections of non-maximum suppression that is part of its",
    "super_resolution": "seems to make an image of 200x200",
    "depth": "segmentation, or of masks or depth",
    "number": "gives one number for the whole image",
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_seems_to_be(tmp_path: Path, kind: str) -> None:
    """From its shapes: what gives it away, and what to give in its place or beside it."""
    path = write_kind(tmp_path / "m.tflite", kind)
    with pytest.raises(ConversionError) as refused:
        open_tflite(path)
    text = str(refused.value)
    assert re.search(_SAID[kind], text)
    assert refused.value.next_step
    (note,) = (each for each in inspect_tflite(path).notes if "do not run it" in each)
    assert refused.value.what in note
    assert refused.value.next_step in note


@pytest.mark.parametrize("kind", ["classifier", "posenet", "yolov5", "raw_ssd", "nms_in_graph"])
def test_every_command_says_it_in_one_line(
    tmp_path: Path, miniature: MiniatureFiles, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """The same sentence, exit code 1, and no traceback."""
    path = str(write_kind(tmp_path / "m.tflite", kind))
    labelled = [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]
    image = str(next(miniature.images.iterdir()))
    for command in (["detect", path, image], ["evaluate", path, *labelled]):
        assert main(command) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert re.search(_SAID[kind], line)
    assert main(["inspect", path]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert re.search(_SAID[kind], out)


def test_strangers_that_are_no_whole_ssd(tmp_path: Path) -> None:
    """An empty graph, and heads under unknown names: what is missing is said."""
    source = write_foreign(tmp_path / "source.tflite")
    with pytest.raises(ConversionError, match="has no outputs"):
        open_tflite(strangers.empty_graph(source, tmp_path / "m.tflite"))
    with pytest.raises(ConversionError, match=rf"3 scores for each of 12 anchors.*{_JUDGE}"):
        open_tflite(strangers.two_outputs(source, tmp_path / "m.tflite"))


def test_ops_of_its_maker_do_not_hide_what_it_is(tmp_path: Path) -> None:
    """To convert it without them would not make a detector of it."""
    path = tmp_path / "m.tflite"
    write_outputs(path, {"mask": np.zeros((1, 64, 64, 1))}, custom=b"Convolution2DTransposeBias")
    with pytest.raises(ConversionError, match="segmentation"):
        open_tflite(path)
    notes = inspect_tflite(path).notes
    assert any("do not run it" in note and "segmentation" in note for note in notes)
    assert any(note.startswith("Convolution2DTransposeBias") for note in notes)
    write_outputs(path, {"mask": np.zeros((1, 64, 64, 1))}, custom=b"FlexSplit")
    with pytest.raises(ConversionError, match="Flex delegate"):
        open_tflite(path)


def test_files_of_other_inputs(tmp_path: Path) -> None:
    """No image goes in; or one of any size."""
    path = tmp_path / "m.tflite"
    write_outputs(path, {"scores": np.zeros((1, 521))}, image=(1, 15600))
    with pytest.raises(ConversionError, match=r"no model of images: it takes \[1, 15600\]"):
        open_tflite(path)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ((1, 0, 0, 3), "an image of one size as its input"),
        ((8, 64, 64, 3), "one image as its input"),
        ((1, 3, 64, 64), "channels come first"),
        ((1, 64, 64, 1), "RGB"),
    ],
)
def test_images_of_other_layouts(tmp_path: Path, image: tuple[int, ...], said: str) -> None:
    """What to convert otherwise; nothing is fed and fails."""
    path = _called(_saved_model(), tmp_path / "m.tflite", image=image)
    with pytest.raises(ConversionError, match=rf"not an image.*{said}"):
        open_tflite(path)
    assert any(said in note for note in inspect_tflite(path).notes if "do not run it" in note)


@given(
    st.lists(st.lists(st.integers(-1, 40), max_size=5).map(tuple), max_size=8),
    st.lists(st.sampled_from(["", "Identity", "heatmap"]), max_size=3),
)
def test_any_shapes_get_a_sentence(shapes: list[tuple[int, ...]], names: list[str]) -> None:
    """Whatever a file declares."""
    outputs = [TensorSpec(f"x{at}", "float32", shape) for at, shape in enumerate(shapes)]
    found = seeming([TensorSpec("image", "float32", (1, 8, 8, 3))], outputs, names)
    assert found.what.split()[0] in ("seems", "gives", "has")
    assert "{" not in found.next_step
    assert "-1" not in found.what


def _saved_model(**changes: np.ndarray) -> dict[str, np.ndarray]:
    """What a TensorFlow 2 detector gives: one object of class 2, the rest of the slots empty."""
    arrays = {name: np.zeros(shape) for name, shape in SAVED_MODEL.items()}
    arrays["detection_classes"] += 1
    arrays["detection_boxes"][0, 0] = (0.1, 0.2, 0.5, 0.6)
    arrays["detection_classes"][0, 0], arrays["detection_scores"][0, 0] = 2, 0.75
    arrays["num_detections"][0] = 1
    return arrays | changes


def _called(arrays: dict[str, np.ndarray], path: Path, *names: str, **kwargs: Any) -> Path:
    """The file with tensor names of TensorFlow 2's converter and a signature."""
    kept = [name for name in arrays if not names or name in names]
    tensors = {f"StatefulPartitionedCall:{at}": arrays[name] for at, name in enumerate(kept)}
    return write_outputs(path, tensors, signature=dict(zip(tensors, kept, strict=True)), **kwargs)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_converted_saved_model_is_known_by_its_signature(tmp_path: Path, dtype: str) -> None:
    """Eight outputs of any order; its classes count from 1, unlike the op's."""
    model = open_tflite(_called(_saved_model(), tmp_path / "m.tflite", dtype=dtype))
    found = model.detector().detect(_IMAGE)
    assert (found.classes.tolist(), found.scores.tolist()) == ([2], [0.75])
    np.testing.assert_allclose(found.boxes, [(0.1, 0.2, 0.5, 0.6)], atol=1e-6)
    kinds = {notice.kind for notice in model.notices}
    assert {FileNoticeKind.OUTPUTS_BY_SIGNATURE, FileNoticeKind.OUTPUTS_IGNORED} <= kinds
    said = " ".join(notice.describe() for notice in model.notices)
    assert "boxes StatefulPartitionedCall:1, classes StatefulPartitionedCall:2" in said
    assert "count from 1" in said
    facts = inspect_tflite(model.path)
    outputs = facts.outputs
    assert facts.numbers == "float32"
    assert [end.role for end in outputs][1:3] == ["boxes", "classes"]
    assert outputs[2].meaning == "classes: from 1, the ids of the label map"


def test_a_signature_without_the_count_or_without_words(tmp_path: Path) -> None:
    """Slots with a score are read; ``output_0`` says nothing, nor does half a detector."""
    three = ("detection_boxes", "detection_classes", "detection_scores")
    path = tmp_path / "m.tflite"
    model = open_tflite(_called(_saved_model(), path, *three))
    assert model.detector().detect(_IMAGE).classes.tolist() == [2]
    assert FileNoticeKind.COUNT_MISSING in {notice.kind for notice in model.notices}
    with pytest.raises(
        ConversionError, match="_scores by its signature and lacks detection_classes"
    ):
        open_tflite(_called(_saved_model(), path, "detection_boxes", "detection_scores"))
    arrays = {f"out:{at}": each for at, each in enumerate(_saved_model().values())}
    words = {name: f"output_{at}" for at, name in enumerate(arrays)}
    with pytest.raises(ConversionError, match="100 detections of non-maximum suppression"):
        open_tflite(write_outputs(path, arrays, signature=words))


def test_metadata_goes_before_a_signature(tmp_path: Path) -> None:
    """Whoever wrote metadata for apps counts classes as apps do, from 0."""
    names = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
    path = _called(_saved_model(), tmp_path / "m.tflite", *names)
    meanings = ("location", "category", "score", "number of detections")
    about = ModelMetadata(
        inputs=(TensorMetadata("image"),), outputs=tuple(map(TensorMetadata, meanings))
    )
    write_with_metadata(path, about, path)
    model = open_tflite(path)
    assert model.detector().detect(_IMAGE).classes.tolist() == [3]
    assert FileNoticeKind.OUTPUTS_BY_METADATA in {notice.kind for notice in model.notices}
