"""What was done to an anchor table is named by what would undo it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.comparison import anchor_changes
from validation.comparison.difference_rules import DifferenceRules
from validation.policy.load import load_policy
from validation.record.difference_facts import AnchorChange, AnchorFacts

_Floats = NDArray[np.float32]


def anchor_difference(ours: _Floats, theirs: _Floats, step: float = 0.0) -> AnchorFacts | None:
    rules = DifferenceRules.of(load_policy())
    return anchor_changes.anchor_difference(ours, theirs, step=step, rules=rules)


def _anchors() -> _Floats:
    """Three shapes in each cell of a grid of 4 x 4."""
    centres = (np.arange(4) + 0.5) / 4
    rows = [
        (y, x, height, width)
        for y in centres
        for x in centres
        for height, width in ((0.2, 0.2), (0.3, 0.15), (0.15, 0.4))
    ]
    return np.array(rows, np.float32)


def _columns(first: Callable[[_Floats], _Floats], last: Callable[[_Floats], _Floats]) -> _Floats:
    anchors = _anchors()
    return np.concatenate([first(anchors[:, :2]), last(anchors[:, 2:])], axis=1)


def _same(values: _Floats) -> _Floats:
    return values


# Another factor in each row, so that no two factors explain all.
_WIDER = np.linspace(1.1, 1.6, 48, dtype=np.float32)[:, None] ** np.array([-1, 1], np.float32)


@pytest.mark.parametrize(
    ("changed", "change", "factors"),
    [
        (_anchors()[::-1], AnchorChange.ROW_ORDER, ()),
        (_anchors()[:, [1, 0, 3, 2]], AnchorChange.AXES, ()),
        (_columns(_same, lambda sides: sides * 1.2), AnchorChange.SCALED, (1.2, 1.2)),
        (
            _columns(lambda centres: centres + np.float32((0.1, -0.05)), _same),
            AnchorChange.SHIFTED,
            (0.1, -0.05),
        ),
        (_columns(_same, lambda sides: sides[:, ::-1]), AnchorChange.SIDES, ()),
        (_columns(_same, lambda sides: sides * _WIDER), AnchorChange.ASPECT, ()),
        (
            np.concatenate(
                [
                    _anchors()[:, :2] - _anchors()[:, 2:] / 2,
                    _anchors()[:, :2] + _anchors()[:, 2:] / 2,
                ],
                axis=1,
            ),
            AnchorChange.CORNERS,
            (),
        ),
        (np.random.default_rng(0).uniform(0.1, 0.9, (48, 4)), AnchorChange.OTHER, ()),
    ],
    ids=lambda value: str(value) if isinstance(value, AnchorChange) else "",
)
def test_a_change_is_named(changed: _Floats, change: AnchorChange, factors: tuple[float]) -> None:
    """With the factor or the shift, where there is one."""
    facts = anchor_difference(_anchors(), changed.astype(np.float32))
    assert facts is not None
    assert facts.change is change
    assert facts.factors == pytest.approx(factors, abs=1e-6)
    assert facts.differing > 0


def test_the_same_anchors_do_not_differ() -> None:
    """Nor does what 8 bits leave of them."""
    anchors = _anchors()
    assert anchor_difference(anchors, anchors.copy()) is None
    step = 1 / 255
    assert anchor_difference(anchors, np.round(anchors / step) * np.float32(step), step) is None


def test_other_anchors_in_8_bits_differ() -> None:
    """A step hides half a pixel and no factor of 1.2."""
    step = 1 / 255
    scaled = _columns(_same, lambda sides: sides * 1.2)
    facts = anchor_difference(_anchors(), np.round(scaled / step) * np.float32(step), step)
    assert facts is not None
    assert facts.differing == 48


def test_another_number_and_damaged_rows() -> None:
    """Rows are counted; NaN is no anchor."""
    anchors = _anchors()
    facts = anchor_difference(anchors, anchors[:40])
    assert facts is not None
    assert (facts.change, facts.expected, facts.got) == (AnchorChange.COUNT, 48, 40)
    damaged = anchors.copy()
    damaged[3], damaged[7, 2] = (0.9, 0.1, 0.5, 0.7), np.nan
    facts = anchor_difference(anchors, damaged)
    assert facts is not None
    assert (facts.change, facts.differing) == (AnchorChange.SOME_ROWS, 2)


@given(st.permutations(range(48)))
def test_rows_in_another_order_are_found_in_8_bits(order: list[int]) -> None:
    """Both tables are rounded to one grid; a row that was not moved does not differ."""
    anchors, step = _anchors(), 1 / 255
    rounded = np.round(anchors / step) * np.float32(step)
    facts = anchor_difference(anchors, rounded[order], step)
    assert facts is None or facts.change is AnchorChange.ROW_ORDER


def test_few_changed_rows_are_no_change_of_all() -> None:
    """Square shapes are the same with heights and widths swapped."""
    anchors = np.tile(_anchors()[::3], (3, 1))
    changed = anchors.copy()
    changed[:3, 2] *= 2
    facts = anchor_difference(anchors, changed)
    assert facts is not None
    assert (facts.change, facts.differing) == (AnchorChange.SOME_ROWS, 3)


def test_columns_in_orders_of_their_own_are_no_order_of_rows() -> None:
    """Each value is still there, and no row is."""
    generator = np.random.default_rng(0)
    anchors = generator.uniform(0.1, 0.9, (480, 4)).astype(np.float32)
    facts = anchor_difference(anchors, generator.permuted(anchors, axis=0))
    assert facts is not None
    assert facts.change is AnchorChange.OTHER


def test_rounding_is_a_share_of_large_values() -> None:
    """Whichever sign they have; of small ones it is a share of 1."""
    rules = DifferenceRules.of(load_policy())
    table = np.array([[-8.0, 8.0, 1.0, 0.01]], np.float32)
    for column, near in ((0, True), (1, True), (2, False), (3, False)):
        other = table.copy()
        other[0, column] += 4 * rules.rounding
        (differs,) = anchor_changes.differing_rows(table, other, step=0.0, rules=rules)
        assert bool(differs) is not near
