"""Inputs and outputs by position and by meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    DETECTION_OUTPUTS,
    DETECTION_ROLES,
    IMAGE_TENSOR,
    PostprocessAttributes,
)
from validation.specs.input_stats import Range, range_of
from validation.specs.tensors import TensorSpec

UNKNOWN = "unknown"
IMAGE = "image"

_MEANINGS = {
    IMAGE: "one RGB image [1, height, width, 3]",
    "boxes": "boxes: ymin, xmin, ymax, xmax, 0 to 1 over the image, not clipped to it",
    "classes": "classes: from 0, without the background; add 1 for the id of a label map",
    "scores": "scores: 0 to 1, the highest first",
    "count": "count, as a float: how many of the slots hold a detection",
    "box_encodings": "boxes still encoded: ty, tx, th, tw for each anchor; decode with anchors.npy",
    "class_predictions": "scores of each anchor, the score converter applied; 0 is the background",
    UNKNOWN: "",
}
# The same outputs of the OD API's own inference graphs.
_ONE_SIZE = "RGB images of this size only, as bytes; the graph normalises them itself"
_INFERENCE_MEANINGS = {
    **_MEANINGS,
    IMAGE: "RGB images of any size, as bytes; the graph resizes and normalises them itself",
    "boxes": "boxes: ymin, xmin, ymax, xmax, 0 to 1 over the image, clipped to it",
    "classes": "classes: from 1, the ids of the label map",
    "count": "count, as a float: how many of the slots hold a detection of each image",
}
_INFERENCE_ROLES = {
    IMAGE_TENSOR: IMAGE,
    **dict(zip(DETECTION_OUTPUTS, ("boxes", "scores", "classes", "count"), strict=True)),
}
# Those of TFLite's quantised types that NumPy knows.
_INTEGERS = ("int8", "uint8", "int16", "uint16", "int32")
_RAW_ROLES = {
    BOX_ENCODINGS_NAME: "box_encodings",
    CLASS_PREDICTIONS_NAME: "class_predictions",
}


@dataclass(frozen=True)
class TensorFacts:
    """One input or output of a model.

    Args:
        position: In the file's order, from 0.
        name: As the file has it.
        dtype: NumPy's name of the type.
        shape: Dimensions, -1 where one is not fixed; None where the file does not say it.
        scale: Quantisation step, None for a float tensor.
        zero_point: Quantised value of 0.0, None for a float tensor.
        real_range: Real values of the lowest and the highest integer; None likewise.
        role: ``image``, ``boxes``, ``classes``, ``scores``, ``count``, ``box_encodings``,
            ``class_predictions`` or ``unknown``.
        meaning: The role in words.
    """

    position: int
    name: str
    dtype: str
    shape: tuple[int, ...] | None
    scale: float | None
    zero_point: int | None
    real_range: Range | None
    role: str
    meaning: str


def describe_inputs(inputs: Sequence[TensorSpec]) -> tuple[TensorFacts, ...]:
    """The inputs, the image among them known by its shape."""
    return tuple(
        _facts(position, spec, IMAGE if is_image(spec) else UNKNOWN, spec.shape)
        for position, spec in enumerate(inputs)
    )


def describe_outputs(
    outputs: Sequence[TensorSpec],
    detections: Sequence[str] = (),
    postprocess: PostprocessAttributes | None = None,
    raw: Sequence[str] = (),
    *,
    of_saved_model: bool = False,
) -> tuple[TensorFacts, ...]:
    """The outputs, each known by what makes it.

    Args:
        outputs: In the file's order.
        detections: Names of what the post-processing op writes, in the op's order.
        postprocess: The op's attributes; its outputs have no shape in the file.
        raw: Names of box encodings and class predictions, where they are not the OD API's.
        of_saved_model: The detections are those of the OD API's own graph, not of the op.
    """
    roles = dict(zip(detections, DETECTION_ROLES, strict=False)) | _RAW_ROLES
    roles |= dict(zip(raw, _RAW_ROLES.values(), strict=False))
    facts = []
    for position, spec in enumerate(outputs):
        role = roles.get(spec.name, UNKNOWN)
        shape: tuple[int, ...] | None = spec.shape
        if postprocess is not None and role in DETECTION_ROLES:
            shape = detection_shape(role, postprocess)
        elif not spec.shape and role != UNKNOWN:
            shape = None
        tensor = _facts(position, spec, role, shape)
        if of_saved_model:
            tensor = dataclasses.replace(tensor, meaning=_INFERENCE_MEANINGS[role])
        facts.append(tensor)
    return tuple(facts)


def describe_inference_tensors(specs: Sequence[TensorSpec]) -> tuple[TensorFacts, ...]:
    """Inputs or outputs of an inference graph of the OD API, known by their names."""
    facts = []
    for position, spec in enumerate(specs):
        role = _INFERENCE_ROLES.get(spec.name, UNKNOWN)
        tensor = _facts(position, spec, role, spec.shape or None)
        meaning = _INFERENCE_MEANINGS[role]
        if role == IMAGE and min(spec.shape[1:3], default=-1) > 0:
            meaning = _ONE_SIZE
        facts.append(dataclasses.replace(tensor, meaning=meaning))
    return tuple(facts)


def detection_shape(role: str, postprocess: PostprocessAttributes) -> tuple[int, ...]:
    """The shape of one of the op's outputs, see `validation.postprocess.op`."""
    slots = postprocess.max_detections * postprocess.max_classes_per_detection
    return {"boxes": (1, slots, 4), "count": (1,)}.get(role, (1, slots))


def stored_range(spec: TensorSpec) -> Range | None:
    """What the first and the last value of a quantised tensor stand for; None for any other."""
    return range_of(spec) if spec.scale is not None and spec.dtype in _INTEGERS else None


def is_image(spec: TensorSpec) -> bool:
    """True for a tensor of one image, RGB."""
    return len(spec.shape) == 4 and spec.shape[3] == 3


def _facts(
    position: int, spec: TensorSpec, role: str, shape: tuple[int, ...] | None
) -> TensorFacts:
    return TensorFacts(
        position=position,
        name=spec.name,
        dtype=spec.dtype,
        shape=shape,
        scale=spec.scale,
        zero_point=spec.zero_point,
        real_range=stored_range(spec),
        role=role,
        meaning=_MEANINGS[role],
    )
