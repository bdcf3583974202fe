"""The distance of two feeds is stated in steps; what is not fed is no difference of feeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.explanation.facts import Aspect
from validation.explanation.interface import interface_facts
from validation.explanation.postprocessing import postprocessing_facts
from validation.explanation.sides import Side
from validation.inference.feeding import Feeding
from validation.inference.model_file import TfliteModel
from validation.inference.outputs import Ending, OutputBinding
from validation.labels.alignment import no_names
from validation.preprocess.feed import FeedWay
from validation.specs.contracts import PostprocessAttributes, Preprocessing
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import TfliteFile

_ATTRIBUTES = PostprocessAttributes(
    max_detections=100,
    max_classes_per_detection=1,
    nms_score_threshold=1e-8,
    nms_iou_threshold=0.6,
    num_classes=2,
    y_scale=10.0,
    x_scale=10.0,
    h_scale=5.0,
    w_scale=5.0,
    detections_per_class=100,
    use_regular_nms=True,
)


def _side(
    *,
    scale: float = 2 / 255,
    offset: float = 1.0,
    size: int = 300,
    attributes: PostprocessAttributes | None = _ATTRIBUTES,
    anchors: np.ndarray | None = None,
    step: float = 0.0,
) -> Side:
    wanted = Preprocessing(size, size, (scale,) * 3, (offset,) * 3)
    return Side("a", no_names(2), 2, attributes, anchors, wanted, "itself", anchors_step=step)


@given(st.floats(1e-3, 1.0), st.floats(-200, 200))
def test_one_normalisation_is_no_difference(scale: float, offset: float) -> None:
    """Whatever it is."""
    side = _side(scale=scale, offset=offset)
    assert interface_facts(side, side) == ()


@given(st.floats(0.25, 64))
def test_an_offset_is_told_in_steps(steps: float) -> None:
    """Of one pixel value."""
    (fact,) = interface_facts(_side(), _side(offset=1 + steps * 2 / 255))
    assert fact.aspect is Aspect.FEED
    stated = float(fact.meaning.partition(" step")[0])
    # Of two digits, as it is written.
    assert stated == pytest.approx(steps, rel=0.06)


def _fed_bytes(stated: Preprocessing | None, way: FeedWay = FeedWay.BYTES) -> Side:
    """An input of 8 bits, half a step off [-1, 1] by its scale, and what somebody states of it."""
    spec = TensorSpec("image", "uint8", (1, 300, 300, 3), 1 / 128, 128)
    wanted = stated or Preprocessing(300, 300, (1 / 128,) * 3, (1.0,) * 3)
    feeding = Feeding(way, wanted, "as apps do", "metadata" if stated else "")
    file = TfliteFile((spec,), (), {}, {}, (), 0, None, (), (), (), "", 0, 0)
    model = TfliteModel(Path("a"), file, feeding, OutputBinding(Ending.OP, ()), 2)
    return Side("a", no_names(2), 2, None, None, wanted, "", tflite=model)


def test_what_bytes_stand_for_is_told_and_no_difference_of_feeds() -> None:
    """Pixels are copied, whatever metadata says: by half a step it says something else."""
    unit = Preprocessing(300, 300, (2 / 255,) * 3, (1.0,) * 3)
    (fact,) = interface_facts(_fed_bytes(unit), _fed_bytes(None))
    assert fact.aspect is None
    assert "[-1, 1] (metadata)" in fact.first
    assert fact.meaning.startswith("0.5 steps apart on average, 1 step at most")
    (fact,) = interface_facts(_fed_bytes(unit, FeedWay.QUANTISED), _fed_bytes(None))[:1]
    assert (fact.what, fact.aspect) == ("what pixels become", Aspect.FEED)


def test_another_size_is_another_feed() -> None:
    """The resize is named with both sizes."""
    (fact,) = interface_facts(_side(), _side(size=320))
    assert (fact.what, fact.first, fact.second) == ("resize", "300x300", "320x320")


@pytest.mark.parametrize(
    ("name", "value", "aspect"),
    [
        ("max_detections", 10, Aspect.POSTPROCESSING),
        ("use_regular_nms", False, Aspect.POSTPROCESSING),
        ("h_scale", 10.0, Aspect.POSTPROCESSING),
        ("num_classes", 3, Aspect.MODEL),
    ],
)
def test_an_attribute_is_named_with_its_meaning(name: str, value: float, aspect: Aspect) -> None:
    """And another number of classes is another model."""
    other = PostprocessAttributes(**{**vars(_ATTRIBUTES), name: value})
    (fact,) = postprocessing_facts(_side(), _side(attributes=other))
    assert fact.what == name
    assert fact.meaning
    assert fact.aspect is aspect


def test_float32_is_no_difference_of_attributes() -> None:
    """Graph and flatbuffer keep no more."""
    other = PostprocessAttributes(
        **{**vars(_ATTRIBUTES), "nms_iou_threshold": float(np.float32(0.6))}
    )
    assert postprocessing_facts(_side(), _side(attributes=other)) == ()


@given(st.integers(0, 7), st.floats(1e-4, 0.5))
def test_a_moved_anchor_is_named(row: int, distance: float) -> None:
    """By its row, unless the numbers that store it are as coarse."""
    anchors = np.full((8, 4), 0.5)
    moved = anchors.copy()
    moved[row, 2] += distance
    (fact,) = postprocessing_facts(_side(anchors=anchors), _side(anchors=moved))
    assert fact.aspect is Aspect.POSTPROCESSING
    assert "1 of 8 anchors" in fact.meaning
    assert fact.meaning.endswith(f"rows {row}")
    coarse = _side(anchors=moved, step=2.5 * distance)
    (fact,) = postprocessing_facts(_side(anchors=anchors), coarse)
    assert fact.aspect is Aspect.QUANTISATION


def test_another_number_of_anchors_is_another_model() -> None:
    """Whatever they are."""
    sides = [_side(anchors=np.full((count, 4), 0.5)) for count in (8, 9)]
    (fact,) = postprocessing_facts(*sides)
    assert fact.aspect is Aspect.MODEL
