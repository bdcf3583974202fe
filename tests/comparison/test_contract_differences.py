"""What a file's contract has otherwise than its reference's is named, and nothing else is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from validation.comparison import contract_differences as compared
from validation.comparison.contract_differences import Compared, SideFacts
from validation.comparison.difference_rules import DifferenceRules
from validation.policy.load import load_policy
from validation.record.difference_facts import DifferenceKind
from validation.record.reference_differences import ReferenceDifference
from validation.specs.contracts import (
    CHANNEL_MEANS,
    UNIT_RANGE,
    PostprocessAttributes,
    Preprocessing,
)
from validation.specs.tensors import TensorSpec

_ATTRIBUTES = PostprocessAttributes(
    100, 1, 1e-8, 0.6, 90, 10.0, 10.0, 5.0, 5.0, detections_per_class=100, use_regular_nms=True
)
_ANCHORS = np.random.default_rng(0).uniform(0.1, 0.9, (20, 4)).astype(np.float32)
_ORDER = ("boxes", "classes", "scores", "count")
_SIDE = SideFacts(
    preprocessing=Preprocessing(300, 300, *UNIT_RANGE),
    num_classes=90,
    attributes=_ATTRIBUTES,
    anchors=_ANCHORS,
    outputs=_ORDER,
)


def contract_differences(reference: SideFacts, file: SideFacts) -> Compared:
    return compared.contract_differences(reference, file, DifferenceRules.of(load_policy()))


def _with(**changes: Any) -> SideFacts:
    return dataclasses.replace(_SIDE, **changes)


def _attributes(**changes: Any) -> SideFacts:
    return _with(attributes=dataclasses.replace(_ATTRIBUTES, **changes))


def _fed(low: float, high: float) -> SideFacts:
    scale = (high - low) / 255
    return _with(preprocessing=Preprocessing(300, 300, (scale,) * 3, (-low,) * 3))


def _bytes(scale: float, zero_point: int) -> SideFacts:
    spec = TensorSpec("image", "uint8", (1, 300, 300, 3), scale, zero_point)
    return _with(input=spec, takes_bytes=True)


def _only(file: SideFacts, reference: SideFacts = _SIDE) -> ReferenceDifference:
    (difference,) = contract_differences(reference, file).differences
    return difference


def test_the_same_contract() -> None:
    """Nothing differs, and everything was compared."""
    found = contract_differences(_SIDE, _SIDE)
    assert (found.differences, found.not_compared) == ((), ())
    apart = {
        DifferenceKind.CLASS_SHIFT,
        DifferenceKind.CLASS_ORDER,
        DifferenceKind.SCORE_KIND,
        DifferenceKind.GUIDE_DEFAULTS,
        DifferenceKind.STATED_FEED,
    }
    assert set(found.kinds) == set(DifferenceKind) - apart


@pytest.mark.parametrize(
    ("file", "kind", "amount", "words"),
    [
        (
            _attributes(max_detections=10, use_regular_nms=False),
            DifferenceKind.GUIDE_DEFAULTS,
            1,
            "10 detections and class-agnostic NMS where the reference has 100 and "
            "NMS for each class",
        ),
        (
            _attributes(use_regular_nms=False),
            DifferenceKind.NMS,
            1,
            "class-agnostic NMS where the reference has NMS for each class",
        ),
        (
            _attributes(max_detections=20, detections_per_class=10),
            DifferenceKind.DETECTIONS,
            2,
            "20 detections and 10 of a class where the reference has 100 and 100 of a class",
        ),
        (
            _attributes(nms_score_threshold=0.3),
            DifferenceKind.THRESHOLDS,
            1,
            "a score threshold of 0.3 where the reference has 1.0e-08",
        ),
        (
            _attributes(h_scale=4.0, w_scale=4.0),
            DifferenceKind.SCALES,
            2,
            "box scales 10, 10, 4, 4 where the reference has 10, 10, 5, 5",
        ),
        (
            _with(num_classes=1),
            DifferenceKind.CLASSES,
            89,
            "1 class where the reference has 90",
        ),
        (
            _with(preprocessing=Preprocessing(320, 300, *UNIT_RANGE)),
            DifferenceKind.INPUT_SIZE,
            1,
            "an input of 320x300 where the reference has 300x300",
        ),
        (
            _fed(0, 1),
            DifferenceKind.FEED,
            127.5,
            "pixels from 0 to 1 where the reference has -1 to 1, off by up to 127.5 pixel steps",
        ),
        (
            _bytes(1 / 128, 128),
            DifferenceKind.FEED,
            255 / 256,
            "pixels from -1 to 0.9922 where the reference has -1 to 1, off by up to 1 pixel step",
        ),
        (
            _with(outputs=("scores", "boxes", "count", "classes")),
            DifferenceKind.OUTPUT_ORDER,
            4,
            "outputs in the order scores, boxes, count, classes where the reference has "
            "boxes, classes, scores, count: apps that bind by position mix them up",
        ),
        (
            _with(anchors=_ANCHORS * np.float32((1, 1, 1.5, 1.5))),
            DifferenceKind.ANCHORS,
            20,
            "another anchor table, 20 of 20 rows differ (sides are 1.5 times as long)",
        ),
        (
            _with(anchors=_ANCHORS[:12]),
            DifferenceKind.ANCHORS,
            8,
            "12 anchors where the reference has 20",
        ),
    ],
)
def test_a_difference_is_named(
    file: SideFacts, kind: DifferenceKind, amount: float, words: str
) -> None:
    """One finding, with how much differs and one sentence for it."""
    difference = _only(file)
    assert difference.kind is kind
    assert difference.amount == pytest.approx(amount)
    assert difference.describe() == words
    assert dataclasses.replace(difference, ap=0.3).describe(0.275) == f"{words}: -0.025 AP"


def test_float32_and_rounding_are_no_differences() -> None:
    """Graphs keep attributes as float32, and ranges of bytes end where a step ends."""
    stored = {
        name: float(np.float32(getattr(_ATTRIBUTES, name)))
        for name in ("nms_score_threshold", "nms_iou_threshold", "y_scale")
    }
    assert contract_differences(_SIDE, _attributes(**stored)).differences == ()
    assert contract_differences(_SIDE, _attributes(nms_score_threshold=0.0)).differences == ()
    assert contract_differences(_SIDE, _bytes(2 / 255, 127)).differences[0].amount < 0.501


def test_what_fast_nms_never_reads_is_no_difference() -> None:
    """Detections of a class count in regular NMS alone, classes of a box in fast NMS."""
    fast = dataclasses.replace(_ATTRIBUTES, use_regular_nms=False)
    reference = _with(attributes=fast)
    fewer = _with(attributes=dataclasses.replace(fast, detections_per_class=7))
    assert contract_differences(reference, fewer).differences == ()
    assert contract_differences(_SIDE, _attributes(max_classes_per_detection=3)).differences == ()
    more = _with(attributes=dataclasses.replace(fast, max_classes_per_detection=3))
    assert _only(more, reference).describe().startswith("3 classes for a box where")


def test_the_exporters_defaults_are_one_finding_only_where_they_are_the_exporters() -> None:
    """Any other number of detections is a decision of its own."""
    found = contract_differences(_SIDE, _attributes(max_detections=20, use_regular_nms=False))
    assert {each.kind for each in found.differences} == {
        DifferenceKind.NMS,
        DifferenceKind.DETECTIONS,
    }


def test_channels_that_differ_are_compared_by_themselves() -> None:
    """Means of channels in another order are another feed."""
    scale, offset = CHANNEL_MEANS
    ours = _with(preprocessing=Preprocessing(300, 300, scale, offset))
    theirs = _with(preprocessing=Preprocessing(300, 300, scale, offset[::-1]))
    assert _only(theirs, ours).amount == pytest.approx(123.68 - 103.939)
    # Bytes that cover all channels are what the reference wants.
    covering = _bytes((255 - 103.939 + 123.68) / 255, 115)
    assert contract_differences(ours, covering).differences[0].amount < 0.5


def test_an_order_that_is_named_or_stated_by_nobody() -> None:
    """Apps can bind by name; and without a reference's order the op's own is meant."""
    turned = ("scores", "boxes", "count", "classes")
    named = _only(_with(outputs=turned, outputs_named=True))
    assert named.is_named
    assert named.describe().endswith("the file names them, so that apps can bind by name")
    unstated = _only(_with(outputs=turned), _with(outputs=None))
    assert not unstated.is_stated
    assert "where the op's own order is boxes" in unstated.describe()
    assert contract_differences(_SIDE, _with(outputs=_ORDER[:3])).differences == ()


def test_what_a_side_does_not_state_is_not_compared() -> None:
    """With its own words, or with whose it is to state it."""
    nothing = SideFacts(why={"attributes": "detections alone"})
    found = contract_differences(nothing, _SIDE)
    assert found.kinds == ()
    said = [each.describe() for each in found.reasons]
    assert (
        "not compared: box scales, NMS, number of detections, thresholds (detections alone)" in said
    )
    assert "not compared: anchors (the reference has no anchors)" in said
    assert "not compared: output order (the reference states no order)" in said
    raw = _with(outputs=("box encodings", "class predictions"))
    (order,) = contract_differences(_SIDE, raw).not_compared
    assert "raw outputs" in order.why


def test_bytes_that_the_files_own_metadata_reads_otherwise() -> None:
    """Apps feed bytes and never ask it: what that costs is a difference of its own."""
    half = _bytes(1 / 128, 128)
    same = dataclasses.replace(
        _SIDE, preprocessing=Preprocessing(300, 300, (1 / 128,) * 3, (1.0,) * 3)
    )
    difference = _only(half, same)
    assert difference.kind is DifferenceKind.STATED_FEED
    assert difference.describe() == (
        "pixels from -1 to 0.9922 where its own metadata states -1 to 1, off by up to 1 pixel step"
    )
    silent = contract_differences(_with(preprocessing=None), half)
    assert [each.kind for each in silent.differences] == [DifferenceKind.STATED_FEED]
    assert DifferenceKind.FEED not in silent.kinds
    other = _with(
        preprocessing=Preprocessing(300, 300, (1 / 255,) * 3, (0.0,) * 3),
        input=half.input,
        takes_bytes=True,
    )
    assert {each.kind for each in contract_differences(_SIDE, other).differences} == {
        DifferenceKind.FEED,
        DifferenceKind.STATED_FEED,
    }


def test_every_attribute_that_differs_is_counted() -> None:
    """Of several thresholds the first as the last one."""
    both = _only(_attributes(nms_score_threshold=0.3, nms_iou_threshold=0.5))
    assert (both.kind, both.amount) == (DifferenceKind.THRESHOLDS, 2)


@pytest.mark.parametrize(("ours", "theirs"), [(10, 10.0), (10.0, 10), (10, 10 + 1e-9)])
def test_a_number_is_the_same_as_an_integer_and_as_a_float(ours: float, theirs: float) -> None:
    """Files keep some attributes as either, and floats with their rounding."""
    assert compared.same_attribute(ours, theirs, DifferenceRules.of(load_policy()))
    assert not compared.same_attribute(ours, theirs + 1, DifferenceRules.of(load_policy()))


def test_whose_normalisation_is_missing_is_said() -> None:
    """Of the side that does not state it, in its own words."""
    silent = dataclasses.replace(_SIDE, preprocessing=None, why={"preprocessing": "none in it"})
    for sides in ((silent, _SIDE), (_SIDE, silent)):
        found = contract_differences(*sides)
        (why,) = [each.why for each in found.not_compared if DifferenceKind.FEED in each.kinds]
        assert why == "none in it"
        assert DifferenceKind.FEED not in found.kinds


def test_a_channel_without_a_scale_is_no_normalisation() -> None:
    """One channel of three that nothing is known of makes the range unknown."""
    half = _with(preprocessing=Preprocessing(300, 300, (0.0, 1 / 255, 1 / 255), (0.0,) * 3))
    found = contract_differences(_SIDE, half)
    assert DifferenceKind.FEED not in found.kinds
    assert found.differences == ()


def test_reasons_are_joined_by_their_words() -> None:
    """The first reason as the last one, each with all kinds that it is given for."""
    nothing = SideFacts(why={"attributes": "detections alone", "anchors": "none in it"})
    found = contract_differences(nothing, _SIDE)
    whys = [each.why for each in found.reasons]
    assert len(set(whys)) == len(whys)
    assert {each.why for each in found.not_compared} == set(whys)
    kinds = [kind for each in found.reasons for kind in each.kinds]
    assert sorted(kinds) == sorted(kind for each in found.not_compared for kind in each.kinds)


def test_a_file_that_lacks_an_output_keeps_the_order_of_the_others() -> None:
    """What it does not have takes no place, wherever that would be."""
    without_classes = ("boxes", "scores", "count")
    assert contract_differences(_SIDE, _with(outputs=without_classes)).differences == ()
