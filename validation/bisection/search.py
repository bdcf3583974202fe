"""Which version is tried next, and what the answers say: pure, whatever a version is of."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

# From one more on they are taken for a row of versions that cannot be judged.
_FEW_SKIPS = 2


class Answer(enum.StrEnum):
    """What was found of one version."""

    GOOD = "good"
    BAD = "bad"
    SKIP = "skip"


class Aim(enum.StrEnum):
    """Why a version is tried."""

    GOOD_END = "called good"
    BAD_END = "called bad"
    BACK = "looking for a good one"
    BETWEEN = "between good and bad"


class Obstacle(enum.StrEnum):
    """Why there is nothing to search between."""

    GOOD_IS_BAD = "the good version is bad"
    BAD_IS_GOOD = "the bad version is good"
    GOOD_IS_SKIPPED = "the good version cannot be judged"
    BAD_IS_SKIPPED = "the bad version cannot be judged"
    NONE_IS_GOOD = "no earlier version is good"


@dataclass(frozen=True)
class Span:
    """The versions among which the first bad one is looked for.

    Args:
        versions: Oldest first, each once.
        bad: The one that is called bad.
        good: The one that is called good, older; None: it is looked for, from the bad one back,
            twice as far each time.
        trusted: Neither of the two is tried.
    """

    versions: tuple[str, ...]
    bad: str
    good: str | None = None
    trusted: bool = False


@dataclass(frozen=True)
class Next:
    """A version to try.

    Args:
        version: One that has no answer yet.
        aim: Why.
        most: Environments that are still needed at most, this one included, where none is
            skipped; None before there is a good and a bad version.
    """

    version: str
    aim: Aim
    most: int | None = None


@dataclass(frozen=True)
class Found:
    """The search has ended.

    Args:
        last_good: The newest version that is good.
        first_bad: The oldest version that is bad.
        skipped: Between the two, oldest first: each of them may be the first bad one.
    """

    last_good: str
    first_bad: str
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blocked:
    """There is nothing to search between.

    Args:
        obstacle: Why.
        version: That it is about.
    """

    obstacle: Obstacle
    version: str


def next_step(span: Span, answers: Mapping[str, Answer]) -> Next | Found | Blocked:
    """What is to be done, by the answers so far.

    The ends come first. Between them each answer halves what is left, so that n versions, the bad
    end counted, need ceil(log2 n) environments; the first two versions that are skipped cost one
    more each, and more of them are taken for a row, which the search leaves in long steps.

    Args:
        span: Where the first bad version is looked for.
        answers: By version; those outside of the span are ignored.
    """
    known = dict(answers)
    if span.trusted:
        known[span.bad] = Answer.BAD
        if span.good is not None:
            known[span.good] = Answer.GOOD
    for version, aim, wanted, other, skipped in (
        (span.good, Aim.GOOD_END, Answer.GOOD, Obstacle.GOOD_IS_BAD, Obstacle.GOOD_IS_SKIPPED),
        (span.bad, Aim.BAD_END, Answer.BAD, Obstacle.BAD_IS_GOOD, Obstacle.BAD_IS_SKIPPED),
    ):
        if version is None or known.get(version) is wanted:
            continue
        if version not in known:
            return Next(version, aim)
        return Blocked(skipped if known[version] is Answer.SKIP else other, version)
    indexes = {version: index for index, version in enumerate(span.versions)}
    high = indexes[span.bad]
    if span.good is None:
        return _back(span.versions, high, known)
    return _between(span.versions, indexes[span.good], high, known)


def _back(
    versions: tuple[str, ...], newest: int, known: Mapping[str, Answer]
) -> Next | Found | Blocked:
    answers = [known.get(version) for version in versions[: newest + 1]]
    oldest_bad = answers.index(Answer.BAD)
    good = [index for index in range(oldest_bad) if answers[index] is Answer.GOOD]
    if good:
        return _between(versions, good[-1], oldest_bad, known)
    untried = [index for index in range(oldest_bad) if answers[index] is None]
    if not untried:
        return Blocked(Obstacle.NONE_IS_GOOD, versions[oldest_bad])
    target = oldest_bad - max(1, newest - oldest_bad)
    return Next(versions[_nearest(untried, target)], Aim.BACK)


def _between(
    versions: tuple[str, ...], low: int, high: int, known: Mapping[str, Answer]
) -> Next | Found:
    # Answers that came while a good version was looked for narrow the range as well.
    inside = range(low + 1, high)
    low = max((each for each in inside if known.get(versions[each]) is Answer.GOOD), default=low)
    inside = range(low + 1, high)
    high = min((each for each in inside if known.get(versions[each]) is Answer.BAD), default=high)
    inside = range(low + 1, high)
    untried = [each for each in inside if versions[each] not in known]
    if not untried:
        return Found(versions[low], versions[high], tuple(versions[each] for each in inside))
    # ceil(log2 n) of the n versions that may still be the first bad one.
    most = len(untried).bit_length()
    skipped = len(inside) - len(untried)
    if skipped <= _FEW_SKIPS:
        return Next(versions[_middle(low, untried)], Aim.BETWEEN, most)
    target = low + (high - low) * _fraction(skipped)
    return Next(versions[_nearest(untried, target)], Aim.BETWEEN, most)


def _middle(low: int, untried: list[int]) -> int:
    """The middle of what is untried; behind a row of skipped versions as far as the row is long."""
    middle = len(untried) // 2
    row = untried[middle] - (untried[middle - 1] if middle else low) - 1
    return untried[min(middle + max(row - 1, 0), len(untried) - 1)]


def _nearest(indexes: list[int], target: float) -> int:
    return min(indexes, key=lambda index: (abs(index - target), index))


def _fraction(skipped: int) -> float:
    """Where to try after so many skips: 1/2, 1/4, 3/4, 1/8, ...

    Versions that cannot be judged come in rows, and the neighbour of one is probably another.
    """
    value, step, rest = 0.0, 0.5, skipped + 1
    while rest:
        value += step * (rest % 2)
        step, rest = step / 2, rest // 2
    return value
