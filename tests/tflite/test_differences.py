"""Two .tflite files beside each other, without running either."""

from __future__ import annotations

import dataclasses

from validation.specs.contracts import PostprocessAttributes
from validation.specs.tensors import TensorSpec
from validation.tflite.differences import differences
from validation.tflite.facts import TfliteFile

_ATTRIBUTES = PostprocessAttributes(100, 1, 0.01, 0.6, 90, 10.0, 10.0, 5.0, 5.0, 100, True)
_FILE = TfliteFile(
    inputs=(TensorSpec("image", "float32", (1, 300, 300, 3)),),
    outputs=(TensorSpec("boxes", "float32", (1, 100, 4)),),
    ops={"CONV_2D": 34},
    tensors={"float32": 100},
    float_tensors=("image",),
    per_channel=0,
    postprocess=_ATTRIBUTES,
    postprocess_outputs=("boxes",),
    postprocess_inputs=(),
    anchors=(1917, 4),
    min_runtime="2.4.0",
    size_bytes=1000,
    constant_bytes=900,
)


def _told(**changed: object) -> dict[str, tuple[str, str]]:
    other = dataclasses.replace(_FILE, **changed)  # type: ignore[arg-type]
    return {each.what: (each.first, each.second) for each in differences(_FILE, other)}


def test_nothing_differs() -> None:
    """A file and itself."""
    assert _told() == {}


def test_quantised_input() -> None:
    """dtype, scale and zero point stand in the line of the input."""
    spec = TensorSpec("image", "uint8", (1, 300, 300, 3), 0.0078125, 128)
    ((first, second),) = _told(inputs=(spec,)).values()
    assert first == "image float32 [1, 300, 300, 3]"
    assert second == "image uint8 [1, 300, 300, 3] scale 0.0078125 zero point 128"


def test_attribute_and_op_that_one_alone_has() -> None:
    """Flags of the op by their own names; a missing op is none."""
    other = dataclasses.replace(_ATTRIBUTES, use_regular_nms=False)
    assert _told(postprocess=other) == {"use_regular_nms": ("True", "False")}
    assert _told(ops={"CONV_2D": 34, "QUANTIZE": 1}) == {"op QUANTIZE": ("none", "1")}


def test_file_without_the_op() -> None:
    """A raw file lacks every attribute and the anchors."""
    told = _told(postprocess=None, anchors=())
    assert told["num_classes"] == ("90", "none")
    assert told["anchors"] == ("1917x4", "none")
