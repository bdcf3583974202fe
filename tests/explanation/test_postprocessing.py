"""Attributes and anchors are named by the rule of `reference_contract`, each with its meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from validation.comparison.contract_differences import SideFacts, contract_differences
from validation.comparison.difference_rules import DifferenceRules
from validation.explanation import postprocessing
from validation.explanation.facts import Aspect, Fact
from validation.explanation.sides import Side
from validation.labels.alignment import no_names
from validation.policy.load import load_policy
from validation.record.difference_facts import DifferenceKind
from validation.specs.contracts import PostprocessAttributes

_Floats = NDArray[np.float32]

_ATTRIBUTES = PostprocessAttributes(
    100, 1, 1e-8, 0.6, 2, 10.0, 10.0, 5.0, 5.0, detections_per_class=100, use_regular_nms=True
)
_RULES = DifferenceRules.of(load_policy())


def _side(
    *,
    attributes: PostprocessAttributes | None = _ATTRIBUTES,
    anchors: _Floats | None = None,
    step: float = 0.0,
) -> Side:
    return Side("a", no_names(2), 2, attributes, anchors, None, "itself", anchors_step=step)


def _with(**changes: Any) -> PostprocessAttributes:
    return PostprocessAttributes(**{**vars(_ATTRIBUTES), **changes})


def _half() -> _Floats:
    return np.full((8, 4), 0.5, np.float32)


def postprocessing_facts(first: Side, second: Side) -> tuple[Fact, ...]:
    return postprocessing.postprocessing_facts(first, second, _RULES)


def _differing_in_the_check(first: Side, second: Side, kind: DifferenceKind) -> list[str]:
    """What the check `reference_contract` says of the same two sides."""
    sides = (
        SideFacts(attributes=each.postprocess, anchors=each.anchors, anchor_step=each.anchors_step)
        for each in (first, second)
    )
    found = contract_differences(*sides, _RULES).differences
    return [each.describe() for each in found if each.kind is kind]


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
    (fact,) = postprocessing_facts(_side(), _side(attributes=_with(**{name: value})))
    assert fact.what == name
    assert fact.meaning
    assert fact.aspect is aspect


def test_float32_is_no_difference_of_attributes() -> None:
    """Graph and flatbuffer keep no more."""
    other = _with(nms_iou_threshold=float(np.float32(0.6)))
    assert postprocessing_facts(_side(), _side(attributes=other)) == ()


@given(st.floats(0, 1))
def test_a_threshold_differs_where_the_check_says_so(value: float) -> None:
    """Next to 0 it drops nothing, in both."""
    sides = _side(), _side(attributes=_with(nms_score_threshold=value))
    named = bool(postprocessing_facts(*sides))
    assert named == bool(_differing_in_the_check(*sides, DifferenceKind.THRESHOLDS))


@given(st.integers(0, 7), st.floats(1e-4, 0.5))
def test_a_moved_anchor_is_named(row: int, distance: float) -> None:
    """By its row, unless the numbers that store it are as coarse."""
    moved = _half()
    moved[row, 2] += distance
    (fact,) = postprocessing_facts(_side(anchors=_half()), _side(anchors=moved))
    assert fact.aspect is Aspect.POSTPROCESSING
    assert "1 of 8 rows differ" in fact.meaning
    assert fact.meaning.endswith(f"rows {row}")
    coarse = _side(anchors=moved, step=2.5 * distance)
    (fact,) = postprocessing_facts(_side(anchors=_half()), coarse)
    assert fact.aspect is Aspect.QUANTISATION


@given(
    arrays(np.float32, (8, 4), elements=st.sampled_from([0, 1e-7, 9e-7, 2e-6, 1e-3, 0.1, 0.5])),
    st.sampled_from([0.0, 1e-3, 0.2]),
)
def test_anchors_differ_where_the_check_says_so(moved: _Floats, step: float) -> None:
    """As many rows, and the same is said to have been done to them."""
    sides = _side(anchors=_half()), _side(anchors=_half() + moved, step=step)
    named = [
        each.meaning.removeprefix("y, x, h, w: ").partition(", by at most")[0]
        for each in postprocessing_facts(*sides)
        if each.aspect is not Aspect.QUANTISATION
    ]
    assert [f"another anchor table, {each}" for each in named] == _differing_in_the_check(
        *sides, DifferenceKind.ANCHORS
    )


def test_another_number_of_anchors_is_another_model() -> None:
    """Whatever they are."""
    sides = [_side(anchors=_half()[:count]) for count in (8, 7)]
    (fact,) = postprocessing_facts(*sides)
    assert (fact.aspect, fact.first, fact.second) == (Aspect.MODEL, "8", "7")
