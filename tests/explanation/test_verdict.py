"""The sentence names what differs, from facts of the files, and what detections show beside it."""

from __future__ import annotations

import dataclasses

import pytest

from validation.diagnosis.weights import WeightComparison, WeightPair, WeightState
from validation.explanation.facts import Aspect, DetectionFacts, Fact
from validation.explanation.verdict import aspects_of, verdict_of
from validation.record.reference_differences import ClassFacts

_ALIKE = DetectionFacts(
    min_score=0.3,
    score_epsilon=0.01,
    images=4,
    images_differing=0,
    shown=9,
    pairs=9,
    lost=0,
    gained=0,
    moved=0,
    changed=(),
    classes=None,
    worst_iou=1.0,
    worst_iou_image="a.jpg",
    worst_score_shift=0.0,
    worst_score_image="a.jpg",
    worst=(),
)
_LOSING = dataclasses.replace(_ALIKE, images_differing=1, pairs=7, lost=2)
_NMS = Fact("max_detections", "100", "10", "", Aspect.POSTPROCESSING)
_LABELS = Fact("metadata", "none", "names 2 classes", "", Aspect.METADATA)


def _weights(state: WeightState, count: int = 4, alone: int = 0) -> WeightComparison:
    pairs = tuple(
        WeightPair("CONV_2D", f"layer {place}", 1, 8, state, "float32", "int8", 0.1, 1.0, 0)
        for place in range(count)
    )
    layers = tuple(f"other {place}" for place in range(alone))
    return WeightComparison(pairs, layers, layers, (), (), 0)


@pytest.mark.parametrize(
    ("facts", "weights", "detections", "said"),
    [
        ([], _weights(WeightState.SAME_BITS), _ALIKE, "the same detector; on 4 images both show"),
        (
            [_LABELS],
            _weights(WeightState.SAME_BITS),
            _ALIKE,
            "the same detector; the files differ only in metadata; on 4 images",
        ),
        # Nothing in the files says why, and no sentence calls them the same all the same.
        ([], _weights(WeightState.SAME_BITS), _LOSING, "the same weights and attributes; on 4"),
        (
            [_NMS],
            _weights(WeightState.SAME_BITS),
            _LOSING,
            "the files differ only in post-processing (max_detections); on 4 images, of 9 "
            "detections of the first: 2 lost",
        ),
        ([], _weights(WeightState.ROUNDED), _LOSING, "the files differ only in quantisation"),
        ([], _weights(WeightState.SAME_VALUES), _ALIKE, "the files differ only in quantisation"),
        (
            [_NMS],
            _weights(WeightState.DIFFERENT),
            _LOSING,
            "the files differ in weights and post-processing (max_detections)",
        ),
        (
            [],
            _weights(WeightState.DIFFERENT, count=1, alone=9),
            _LOSING,
            "another model: 18 layers without a counterpart",
        ),
        (
            [],
            None,
            _ALIKE,
            "of what could be compared nothing differs; weights and layers",
        ),
        (
            [_NMS],
            None,
            _ALIKE,
            "of what could be compared they differ only in post-processing (max",
        ),
    ],
)
def test_verdict(
    facts: list[Fact], weights: WeightComparison | None, detections: DetectionFacts, said: str
) -> None:
    """By what the files hold, whatever is detected."""
    aspects = aspects_of(facts, weights, detections)
    assert verdict_of(aspects, facts, weights, detections).startswith(said)


def test_class_numbers_are_an_aspect() -> None:
    """Only detections tell, where a graph renumbers what the same weights find."""
    classes = ClassFacts(((2, 1), (3, 2)), 1, 90, 100, of_scores=False)
    shifted = dataclasses.replace(_LOSING, classes=classes)
    assert aspects_of([], _weights(WeightState.SAME_BITS), shifted) == (Aspect.CLASSES,)
