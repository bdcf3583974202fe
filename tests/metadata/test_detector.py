"""What the metadata of a detector says follows from its file, not from positions."""

from __future__ import annotations

import dataclasses

import pytest

from validation.errors import ConversionError, DatasetError
from validation.labels.alignment import align
from validation.labels.label_list import LabelList
from validation.labels.reading import labels_by_id, parse_labels
from validation.metadata.class_labels import labels_of
from validation.metadata.detector import detector_metadata
from validation.metadata.model_metadata import (
    BoxLayout,
    BoxType,
    ColourSpace,
    ContentType,
    CoordinateType,
    FileType,
    ModelMetadata,
    Normalisation,
    TensorGroup,
)
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    POSTPROCESS_OUTPUTS,
    Preprocessing,
)
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

_HALF = Preprocessing(300, 300, (2 / 255,) * 3, (1.0,) * 3)


def test_input(metadata: ModelMetadata) -> None:
    """One RGB image; the range is that of what the extractor is given."""
    (image,) = metadata.inputs
    assert (image.name, image.content, image.colour) == (
        "image",
        ContentType.IMAGE,
        ColourSpace.RGB,
    )
    assert image.normalisation == Normalisation((127.5, 116.75, 103.875), (127.5, 1.0, 64.0))
    assert image.minimum == pytest.approx((-1, -116.75, -103.875 / 64))
    assert image.maximum == pytest.approx((1, 138.25, 151.125 / 64))


def test_outputs_of_the_op(metadata: ModelMetadata) -> None:
    """Known by the names that apps look for, in one group but for the count."""
    names = [output.name for output in metadata.outputs]
    assert names == ["location", "category", "score", "number of detections"]
    location, category, _, count = metadata.outputs
    assert location.boxes == BoxLayout((1, 0, 3, 2), BoxType.BOUNDARIES, CoordinateType.RATIO)
    assert [output.dimensions for output in metadata.outputs] == [(2, 2)] * 3 + [None]
    assert category.label_file is not None
    assert category.label_file.type is FileType.TENSOR_VALUE_LABELS
    assert category.label_file.lines == ("ball", "???", "ring")
    assert count.label_file is None
    assert metadata.groups == (TensorGroup("detection_result", tuple(names[:3])),)


def test_meaning_goes_with_the_tensor(tiny: TfliteFile, labels: LabelList) -> None:
    """A file whose outputs stand in another order is described in that order."""
    turned = dataclasses.replace(tiny, outputs=tiny.outputs[::-1])
    names = [output.name for output in detector_metadata(turned, _HALF, labels).outputs]
    assert names == ["number of detections", "score", "category", "location"]
    renamed = dataclasses.replace(tiny, postprocess_outputs=POSTPROCESS_OUTPUTS[::-1])
    names = [output.name for output in detector_metadata(renamed, _HALF, labels).outputs]
    assert names == ["number of detections", "score", "category", "location"]


def test_part_of_the_outputs_is_no_detection(tiny: TfliteFile) -> None:
    """Without all four no app could read them: no group is promised."""
    part = dataclasses.replace(tiny, outputs=tiny.outputs[:3])
    assert detector_metadata(part, _HALF).groups == ()


def test_raw_outputs(tiny_raw: TfliteFile, labels: LabelList) -> None:
    """Described; labels name the places of the last axis, of which the first is the background."""
    told = detector_metadata(tiny_raw, _HALF, labels)
    assert {output.name for output in told.outputs} == {BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME}
    assert (told.groups, told.min_parser_version) == ((), "1.0.0")
    (file,) = [output.label_file for output in told.outputs if output.label_file]
    assert file.type is FileType.TENSOR_AXIS_LABELS
    assert file.lines == ("background", "ball", "???", "ring")
    read = labels_of(told)
    assert read is not None
    assert align(read, 3).names == align(labels, 3).names


@pytest.mark.parametrize(("dtype", "ends"), [("uint8", (0, 255)), ("int8", (-128, 127))])
def test_quantised_input(tiny: TfliteFile, dtype: str, ends: tuple[float, float]) -> None:
    """Mean and std of the real values stay; the range is that of the stored ones."""
    spec = TensorSpec("image", dtype, (1, 300, 300, 3), 2 / 255, 128)
    (image,) = detector_metadata(dataclasses.replace(tiny, inputs=(spec,)), _HALF).inputs
    assert image.normalisation == Normalisation((127.5,) * 3, (127.5,) * 3)
    assert (image.minimum, image.maximum) == ((ends[0],), (ends[1],))


def test_scales_that_were_kept_as_float32(tiny: TfliteFile) -> None:
    """Configs and graphs do that: 127.5 is told, not its neighbour."""
    scale = 0.007843137718737125
    (image,) = detector_metadata(tiny, Preprocessing(2, 2, (scale,) * 3, (1.0,) * 3)).inputs
    assert image.normalisation == Normalisation((127.5,) * 3, (127.5,) * 3)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), 1e-320])
def test_preprocessing_without_a_scale(tiny: TfliteFile, scale: float) -> None:
    """Nothing could be divided by it."""
    with pytest.raises(ConversionError, match="preprocessing has no scale"):
        detector_metadata(tiny, Preprocessing(2, 2, (scale,) * 3, (1.0,) * 3))


@pytest.mark.parametrize(
    "shapes", [[], [(1, 2, 2, 3)] * 2, [(1, 4)], [(1, 2, 2, 1)], [(1, -1, 2, 3)]]
)
def test_input_that_is_no_image(tiny: TfliteFile, shapes: list[tuple[int, ...]]) -> None:
    """None, two, of other dimensions or channels, or of open size."""
    specs = tuple(TensorSpec("image", "float32", shape) for shape in shapes)
    with pytest.raises(ConversionError, match="input is not an image"):
        detector_metadata(dataclasses.replace(tiny, inputs=specs), _HALF)


def test_labels_need_classes(tiny_raw: TfliteFile, labels: LabelList) -> None:
    """An output that nobody knows is described by its own name, but cannot be labelled."""
    other = TensorSpec("elsewhere", "float32", (1, 2, 4))
    file = dataclasses.replace(tiny_raw, outputs=(other,))
    (output,) = detector_metadata(file, _HALF).outputs
    assert output.name == "elsewhere"
    with pytest.raises(ConversionError, match="no output of the file has classes"):
        detector_metadata(file, _HALF, labels)


def test_written_names_fit_the_classes(tiny: TfliteFile) -> None:
    """One line a class, as many as the model has: a list of another length is not written."""
    for names in ({1: "a", 4: "c"}, {1: "a", 2: "b", 3: "c", 4: "d"}):
        with pytest.raises(DatasetError, match=r"the label map is of another model .mine."):
            detector_metadata(tiny, _HALF, labels_by_id(names, "mine"))
    for lines in ("a\nb", "a\nb\nc\nd"):
        with pytest.raises(
            DatasetError, match=r"does not fit the model's classes .* for 3 classes"
        ):
            detector_metadata(tiny, _HALF, parse_labels(lines))
    for name in ("a\nb", "a\rb"):
        with pytest.raises(DatasetError, match="a label has one line"):
            detector_metadata(tiny, _HALF, labels_by_id({1: name}, "mine"))
