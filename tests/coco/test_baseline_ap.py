"""A point of AP less than in the baseline is found, and what images do not tell is no news."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from drawn_matches import drawn_matches

from validation.coco.intervals import ap_difference
from validation.coco.matches import Matches
from validation.coco.precision import mean_present, precision
from validation.comparison.baseline import Evidence, compare_subject
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.baseline import Aspect, AspectChange, Outcome
from validation.record.baseline_facts import SubjectFacts
from validation.record.types import ModelKey

_KEY = ModelKey("m", "int8")
_POLICY = load_policy()
# As many as the bundled set has; a quarter of the policy's replicates moves no interval by much.
_IMAGES, _REPLICATES, _PAIRS = 600, 250, 20
_DRAWN = drawn_matches(1, images=_IMAGES, found=0.7)
# Without the last category: its three objects would be half of what AP moves by.
_FOUND = dataclasses.replace(
    _DRAWN, category_ids=_DRAWN.category_ids[:-1], categories=_DRAWN.categories[:-1]
)


def _lost(seed: int, share: float) -> Matches:
    """The same detections, of which some no longer meet their object."""
    generator = np.random.default_rng(seed)
    return dataclasses.replace(
        _FOUND,
        categories=tuple(
            dataclasses.replace(
                each,
                matched=np.where(
                    generator.random(len(each.images)) < share, 0, each.matched
                ).astype(np.uint16),
            )
            for each in _FOUND.categories
        ),
    )


def _ap(matches: Matches) -> float:
    return mean_present(precision(matches)[..., matches.areas.index("all")])


def _side(matches: Matches, sha256: str) -> SubjectFacts:
    return SubjectFacts("m", "int8", Status.PASS, "a", 1, (), (), (), _ap(matches), sha256, ())


def _change(before: Matches, now: Matches) -> AspectChange:
    difference = ap_difference(_KEY, "", before, now, _REPLICATES, 0)
    by = Evidence({}, True, difference, None, (), False)
    found = compare_subject(_KEY, _side(before, "b"), _side(now, "c"), by, _POLICY)
    (change,) = found.of(Aspect.AP)
    return change


def _share_of_a_point() -> float:
    """What has to be lost for AP to fall by 0.01, on average."""
    low, high = 0.0, 0.2
    for _ in range(12):
        share = (low + high) / 2
        drop = _ap(_FOUND) - np.mean([_ap(_lost(seed, share)) for seed in range(5)])
        low, high = (share, high) if drop < 0.01 else (low, share)
    return (low + high) / 2


def test_a_point_less_is_found() -> None:
    """In every one of twenty draws of what was lost; the other way round it is a gain."""
    share = _share_of_a_point()
    losses = [_change(_FOUND, _lost(100 + pair, share)) for pair in range(_PAIRS)]
    assert 0.008 < -np.mean([each.estimate for each in losses]) < 0.012
    assert Counter(each.outcome for each in losses) == {Outcome.WORSE: _PAIRS}
    gain = _change(_lost(100, share), _FOUND)
    assert gain.outcome is Outcome.BETTER


def test_equal_files_that_detect_otherwise_are_seldom_news() -> None:
    """Both lose as much, of other objects: a 95 % interval leaves 0 out in one pair of twenty."""
    share = 2 * _share_of_a_point()
    changes = [
        _change(_lost(500 + pair, share), _lost(900 + pair, share)) for pair in range(3 * _PAIRS)
    ]
    news = sum(each.outcome in (Outcome.WORSE, Outcome.BETTER) for each in changes)
    # 5 % of sixty are 3; 9 or more would happen once in 300 times.
    assert news <= 8


def test_the_same_matches_are_the_same() -> None:
    """No interval is needed, and none is drawn."""
    change = _change(_FOUND, _FOUND)
    assert (change.outcome, change.interval, change.estimate) == (Outcome.SAME, None, 0.0)
