"""The interval holds the true difference as often as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from simulated_scenes import matches_of, scenes

from validation.coco import bootstrap
from validation.coco.bootstrap import ap_differences
from validation.coco.precision import mean_present, precision
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import Measure

_PAIRS, _IMAGES, _REPLICATES = 1000, 60, 200
_LEAST, _MOST = 0.93, 0.97
# Its own error is a twentieth of that of a pair.
_POPULATION = 30_000


def _coverage(pairs: int = _PAIRS) -> float:
    """Share of drawn pairs whose interval holds the difference of a very large data set."""
    one, two = (
        mean_present(precision(side))
        for side in matches_of(scenes(_POPULATION, seed=1), 0, _POPULATION)
    )
    assert 0.01 < one - two < 0.1, "the second model should be a little worse"
    drawn = scenes(_PAIRS * _IMAGES, seed=2)
    held = 0
    for number in range(pairs):
        sides = matches_of(drawn, number * _IMAGES, _IMAGES)
        difference = ap_differences(*sides, _REPLICATES, seed=number)[0]
        held += difference.low <= two - one <= difference.high
    return held / pairs


def test_coverage_of_a_thousand_pairs() -> None:
    """95 % within what a thousand pairs can tell."""
    assert _LEAST <= _coverage() <= _MOST


def _once_each(real: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: np.minimum(real(*given), 1)


def test_a_bootstrap_that_forgets_multiplicity_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that were drawn twice and count once: intervals are a quarter too narrow."""
    monkeypatch.setattr(bootstrap, "image_weights", _once_each(bootstrap.image_weights))
    assert _coverage(pairs=500) < _LEAST


@pytest.mark.parametrize(
    ("variant", "images", "status"),
    [
        ("int8", 5000, Status.FAIL),
        ("int8", 300, Status.WARN),
        ("float", 5000, Status.FAIL),
        ("float", 300, Status.FAIL),
    ],
)
def test_a_file_two_points_worse(variant: str, images: int, status: Status) -> None:
    """FAIL where all of the interval is outside of the limit, else WARN: never PASS."""
    worse = scenes(5000, seed=1, loss=0.085)
    difference = ap_differences(*matches_of(worse, 0, images), _REPLICATES, seed=0)[0]
    if images == 5000:
        assert -difference.value == pytest.approx(0.02, abs=0.003)
    limit = load_policy().limit("accuracy", "ap_drop", "model", variant)
    interval = (max(-difference.high, 0.0), max(-difference.low, 0.0))
    measure = Measure("ap_drop", max(-difference.value, 0.0), limit, interval)
    assert measure.status is status
