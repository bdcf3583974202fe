"""Models that are worked on at once fit the memory there is."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from validation.checks.memory_budget import UNBOUNDED, MemoryBudget

_NEEDS = {"small": 1.0, "large": 6.0}


def test_two_that_are_too_much_are_not_begun() -> None:
    """A large model beside a small one is fine where two large ones are not."""
    budget = MemoryBudget(8, _NEEDS, unknown=6)
    assert budget.fits("large", ["small"])
    assert budget.fits("small", ["large"])
    assert not budget.fits("large", ["large"])
    assert not budget.fits("never seen", ["large"])


@given(st.floats(0, 100), st.floats(0, 100))
def test_one_alone_is_always_begun(total: float, need: float) -> None:
    """Else it would never be checked; what it takes is limited by its process."""
    assert MemoryBudget(total, {"m": need}).fits("m", [])


def test_second_child_where_any_pair_fits() -> None:
    """One is not started for models of which no two are ever in work at once."""
    assert MemoryBudget(2, _NEEDS).fits_twice(["small", "large"])
    assert not MemoryBudget(2, _NEEDS).fits_twice(["large"])
    assert not MemoryBudget(math.inf).fits_twice([])


def test_nothing_known_of_memory_limits_nothing() -> None:
    """Where the system has no figures."""
    assert UNBOUNDED.fits("m", ["m", "n"])
