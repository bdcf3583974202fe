"""The interval holds the true difference as often as it says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.coco import bootstrap
from validation.coco.bootstrap import ap_differences
from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import mean_present, precision
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.types import Measure

_PAIRS, _IMAGES, _REPLICATES = 1000, 60, 200
_LEAST, _MOST = 0.93, 0.97
# Its own error is a twentieth of that of a pair.
_POPULATION = 30_000


@dataclass(frozen=True)
class _Scenes:
    """Objects of many images as two models see them: the second loses some and is less sure."""

    images: int
    object_images: NDArray[np.int32]
    rows: tuple[tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]], ...]


@functools.cache
def _scenes(images: int, seed: int, loss: float = 0.15) -> _Scenes:
    """Hard images are hard for both, and most of what one makes of an object the other does."""
    random = np.random.default_rng(seed)
    hard = random.normal(0, 0.7, images)
    counts = 1 + random.poisson(2.0, images)
    object_images = np.repeat(np.arange(images, dtype=np.int32), counts)
    elsewhere = np.repeat(np.arange(images, dtype=np.int32), random.poisson(3.0, images))
    own = np.concatenate([object_images, elsewhere])
    is_object = np.arange(len(own)) < len(object_images)
    shared = random.normal(0, 1, len(own)) + np.where(is_object, 1.2 - hard[own], 0.0)
    rows = []
    for lost in (0.0, loss):
        seen = shared + random.normal(0, 0.4, len(own)) - lost * is_object
        kept = np.flatnonzero(seen > -0.5)
        kept = kept[np.lexsort((-seen[kept], own[kept]))]
        rows.append((own[kept], seen[kept], is_object[kept]))
    return _Scenes(images, object_images, tuple(rows))


def _matches(scenes: _Scenes, first: int, images: int) -> list[Matches]:
    """Both sides on some of the images."""
    low, high = np.searchsorted(scenes.object_images, [first, first + images])
    with_objects, counts = np.unique(scenes.object_images[low:high] - first, return_counts=True)
    sides = []
    for own, scores, is_right in scenes.rows:
        part = slice(*np.searchsorted(own, [first, first + images]))
        one = CategoryMatches(
            own[part] - np.int32(first),
            scores[part],
            is_right[part].astype(np.uint16)[np.newaxis],
            np.zeros((1, part.stop - part.start), np.uint16),
            with_objects,
            counts.astype(np.int32)[np.newaxis],
        )
        sides.append(Matches(np.arange(images), np.array([1]), np.array([0.5]), ("all",), (one,)))
    return sides


def _coverage(pairs: int = _PAIRS) -> float:
    """Share of drawn pairs whose interval holds the difference of a very large data set."""
    one, two = (
        mean_present(precision(side))
        for side in _matches(_scenes(_POPULATION, seed=1), 0, _POPULATION)
    )
    assert 0.01 < one - two < 0.1, "the second model should be a little worse"
    drawn = _scenes(_PAIRS * _IMAGES, seed=2)
    held = 0
    for number in range(pairs):
        sides = _matches(drawn, number * _IMAGES, _IMAGES)
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
    worse = _scenes(5000, seed=1, loss=0.085)
    difference = ap_differences(*_matches(worse, 0, images), _REPLICATES, seed=0)[0]
    if images == 5000:
        assert -difference.value == pytest.approx(0.02, abs=0.003)
    limit = load_policy().limit("accuracy", "ap_drop", "model", variant)
    interval = (max(-difference.high, 0.0), max(-difference.low, 0.0))
    measure = Measure("ap_drop", max(-difference.value, 0.0), limit, interval)
    assert measure.status is status
