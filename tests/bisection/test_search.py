"""The first bad version is found, in as few environments as can be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.bisection.search import (
    Aim,
    Answer,
    Blocked,
    Found,
    Next,
    Obstacle,
    Span,
    next_step,
)

_Judge = Callable[[int], Answer]


def _versions(count: int) -> tuple[str, ...]:
    return tuple(f"1.{index}" for index in range(count))


def _searched(span: Span, judge: _Judge) -> tuple[Found | Blocked, list[Next]]:
    answers: dict[str, Answer] = {}
    tried: list[Next] = []
    while True:
        step = next_step(span, answers)
        if not isinstance(step, Next):
            return step, tried
        assert step.version not in answers
        tried.append(step)
        answers[step.version] = judge(span.versions.index(step.version))


def _from(first_bad: int, skipped: frozenset[int] = frozenset()) -> _Judge:
    def judge(index: int) -> Answer:
        if index in skipped:
            return Answer.SKIP
        return Answer.BAD if index >= first_bad else Answer.GOOD

    return judge


@pytest.mark.parametrize("count", range(2, 66))
def test_every_place_is_found_in_as_few_environments_as_halving_needs(count: int) -> None:
    """Of n versions that may be the first bad one, ceil(log2 n) are tried, beside the two ends."""
    versions = _versions(count)
    for first_bad in range(1, count):
        span = Span(versions, versions[-1], versions[0])
        found, tried = _searched(span, _from(first_bad))
        assert found == Found(versions[first_bad - 1], versions[first_bad])
        between = [each for each in tried if each.aim is Aim.BETWEEN]
        assert [each.aim for each in tried[:2]] == [Aim.GOOD_END, Aim.BAD_END]
        assert len(between) == len(tried) - 2 <= math.ceil(math.log2(count - 1))


@settings(deadline=None)
@given(st.integers(2, 500), st.data())
def test_what_is_still_needed_is_never_more_than_was_said(count: int, data: st.DataObject) -> None:
    """The number that people see only falls."""
    versions = _versions(count)
    first_bad = data.draw(st.integers(1, count - 1))
    span = Span(versions, versions[-1], versions[0], trusted=True)
    found, tried = _searched(span, _from(first_bad))
    assert isinstance(found, Found)
    said = [each.most for each in tried]
    assert said == sorted(said, key=lambda most: -(most or 0))
    assert all((most or 0) >= len(tried) - index for index, most in enumerate(said))


@settings(deadline=None)
@given(st.integers(2, 60), st.data())
def test_skipped_versions_leave_no_wrong_answer(count: int, data: st.DataObject) -> None:
    """The first bad version is the one that is named, or one of those that are in doubt."""
    versions = _versions(count)
    first_bad = data.draw(st.integers(1, count - 1))
    skipped = data.draw(st.frozensets(st.integers(1, max(1, count - 2)))) - {count - 1}
    span = Span(versions, versions[-1], versions[0])
    found, tried = _searched(span, _from(first_bad, skipped))
    assert isinstance(found, Found)
    low, high = versions.index(found.last_good), versions.index(found.first_bad)
    assert low < first_bad <= high
    assert found.skipped == versions[low + 1 : high]
    assert {versions.index(each) for each in found.skipped} <= skipped
    if len(skipped) <= 2:
        inside = sum(each.aim is Aim.BETWEEN for each in tried)
        assert inside <= math.ceil(math.log2(count - 1)) + len(skipped)


@pytest.mark.parametrize("count", range(3, 24))
def test_one_or_two_that_cannot_be_judged_cost_one_more_each(count: int) -> None:
    """Wherever they are."""
    versions = _versions(count)
    span = Span(versions, versions[-1], versions[0], trusted=True)
    halving = math.ceil(math.log2(count - 1))
    for first, second in itertools.combinations_with_replacement(range(1, count - 1), 2):
        for first_bad in range(1, count):
            _, tried = _searched(span, _from(first_bad, frozenset({first, second})))
            assert len(tried) <= halving + len({first, second})


def test_a_row_that_cannot_be_judged_is_left_quickly() -> None:
    """Forty broken builds in the middle of a hundred cost a few environments, not twenty."""
    versions = _versions(100)
    span = Span(versions, versions[-1], versions[0], trusted=True)
    found, tried = _searched(span, _from(20, frozenset(range(30, 70))))
    assert found == Found("1.19", "1.20")
    assert len(tried) <= 10


@settings(deadline=None)
@given(st.integers(2, 300), st.data())
def test_a_good_version_is_found_going_back(count: int, data: st.DataObject) -> None:
    """Twice as far each time: as many environments again as the search needs."""
    versions = _versions(count)
    first_bad = data.draw(st.integers(1, count - 1))
    found, tried = _searched(Span(versions, versions[-1]), _from(first_bad))
    assert found == Found(versions[first_bad - 1], versions[first_bad])
    distance = count - first_bad
    assert len(tried) <= 2 * math.ceil(math.log2(distance + 1)) + 2


@pytest.mark.parametrize(
    ("judge", "obstacle", "version"),
    [
        (lambda _: Answer.BAD, Obstacle.GOOD_IS_BAD, "1.0"),
        (lambda _: Answer.GOOD, Obstacle.BAD_IS_GOOD, "1.7"),
        (lambda _: Answer.SKIP, Obstacle.GOOD_IS_SKIPPED, "1.0"),
        (lambda index: Answer.SKIP if index else Answer.GOOD, Obstacle.BAD_IS_SKIPPED, "1.7"),
    ],
)
def test_ends_are_tried_before_anything_else(
    judge: _Judge, obstacle: Obstacle, version: str
) -> None:
    """Two environments at most are spent on a question that has no answer."""
    versions = _versions(8)
    found, tried = _searched(Span(versions, versions[-1], versions[0]), judge)
    assert found == Blocked(obstacle, version)
    assert len(tried) <= 2


def test_no_good_version_is_said() -> None:
    """Where even the oldest one is bad."""
    versions = _versions(9)
    found, tried = _searched(Span(versions, versions[-1]), lambda _: Answer.BAD)
    assert found == Blocked(Obstacle.NONE_IS_GOOD, "1.0")
    assert [each.version for each in tried] == ["1.8", "1.7", "1.6", "1.4", "1.0"]


def test_versions_newer_than_the_bad_one_play_no_part() -> None:
    """Nor do answers about them."""
    versions = _versions(10)
    span = Span(versions, versions[4], versions[0], trusted=True)
    answers = {versions[9]: Answer.GOOD, versions[2]: Answer.BAD, versions[1]: Answer.GOOD}
    assert next_step(span, answers) == Found(versions[1], versions[2])
