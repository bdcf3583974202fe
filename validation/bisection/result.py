"""What a search came to, as facts: for JSON and for the lines that people read."""

from __future__ import annotations

from dataclasses import dataclass

from validation.bisection.families import Build
from validation.bisection.index import between
from validation.bisection.search import Answer, Found
from validation.bisection.state import State, Trial


@dataclass(frozen=True)
class OtherPackage:
    """A package that is another version in the first bad environment than in the last good one.

    Args:
        project: On the package index.
        good: Version in the last good environment; None: not installed there.
        bad: In the first bad one.
    """

    project: str
    good: str | None
    bad: str | None


@dataclass(frozen=True)
class Result:
    """The end of a search.

    Args:
        last_good: The newest build that is good.
        first_bad: The oldest build that is bad.
        doubtful: Builds between the two that could not be judged: each may be the first bad one.
        elsewhere: Releases between the two that the index has for other versions of Python alone.
        taken_on_trust: Builds that were called good or bad and not tried.
        others: Other packages that differ between the two environments; None where one of them was
            not made.
        trials: In the order in which they were made.
    """

    last_good: Build
    first_bad: Build
    doubtful: tuple[Build, ...]
    elsewhere: tuple[str, ...]
    taken_on_trust: tuple[Build, ...]
    others: tuple[OtherPackage, ...] | None
    trials: tuple[Trial, ...]

    @property
    def is_exact(self) -> bool:
        """True where no build that could not be had or judged may be the first bad one."""
        return not self.doubtful and not self.elsewhere


def result_of(state: State, found: Found) -> Result:
    """The facts of a search that has ended.

    Args:
        state: Of the search.
        found: What it ended with.
    """
    stage = state.stage
    good, bad = stage.build(found.last_good), stage.build(found.first_bad)
    ends = [state.releases.good, state.releases.bad] if state.question.trusted else []
    return Result(
        last_good=good,
        first_bad=bad,
        doubtful=tuple(stage.build(each) for each in found.skipped),
        elsewhere=between(state.elsewhere, good.version, bad.version),
        taken_on_trust=tuple(each for each in ends if each and state.trial(each.version) is None),
        others=_others(state, good, bad),
        trials=state.trials,
    )


def _others(state: State, good: Build, bad: Build) -> tuple[OtherPackage, ...] | None:
    before, after = state.trial(good.version), state.trial(bad.version)
    if before is None or after is None:
        return None
    searched = {each.project for each in state.stage.builds}
    pairs = {
        name: (before.installed.get(name), after.installed.get(name))
        for name in sorted({*before.installed, *after.installed} - searched)
    }
    return tuple(OtherPackage(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])


def lines(result: Result, python: str) -> list[str]:
    """What people read, a fact a line.

    Args:
        result: Of the search.
        python: Version of Python that the environments were made with.
    """
    said = [f"first bad: {result.first_bad}", f"last good: {result.last_good}"]
    if result.doubtful:
        named = ", ".join(map(str, result.doubtful))
        said.append(f"in doubt: {named}: could not be judged, and each may be the first bad one")
    if result.elsewhere:
        named = ", ".join(result.elsewhere)
        said.append(f"in doubt: {named}: no wheel for Python {python}, or none of this platform")
    if result.taken_on_trust:
        said.append(f"not tried, as asked: {', '.join(map(str, result.taken_on_trust))}")
    if result.others is None:
        said.append("other packages: not compared, as one of the two was not tried")
    elif result.others:
        moved = (
            f"{each.project} {each.good or '-'} -> {each.bad or '-'}" for each in result.others
        )
        said.append(f"other packages that differ between the two: {', '.join(moved)}")
    skipped = [each for each in result.trials if each.answer is Answer.SKIP]
    said += [f"skipped: {each.build}: {each.reason}" for each in skipped]
    made = [each for each in result.trials if each.log]
    minutes = sum(each.seconds for each in made) / 60
    said.append(f"environments: {len(made)}, {minutes:.1f} min")
    return said
