"""A search from its question to its end; environments and the index are given as functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from packaging.version import Version

from validation.bisection.families import Build, Family
from validation.bisection.index import as_offered, between, final
from validation.bisection.search import Answer, Blocked, Found, Next, next_step
from validation.bisection.state import Question, Stage, State, Trial
from validation.errors import DownloadFailed, UsageError

NEWEST_NIGHTLY = "nightly"
Offered = Callable[[str], tuple[str, ...]]


@dataclass(frozen=True)
class Tools:
    """What a search needs from outside.

    Args:
        try_build: Makes an environment; gets the build and the number of the trial.
        offered: Versions that the index has of a project, oldest first.
        save: Called before and after each environment.
        say: Takes one line for people.
    """

    try_build: Callable[[Build, int], Trial]
    offered: Offered
    save: Callable[[State], None]
    say: Callable[[str], None]


def first_stage(question: Question, family: Family, offered: Offered) -> Stage:
    """The releases to search, and the ends.

    Args:
        question: What is searched.
        family: The package.
        offered: See `Tools`.

    Raises:
        UsageError: An end is not offered, or the good one is not older than the bad one.
        DownloadFailed: The index has no version.
    """
    releases = final(offered(family.project))
    if not releases:
        raise DownloadFailed(f"the package index offers no release of {family.project}")
    bad = _end(question.bad or releases[-1], family, offered)
    good = None if question.good is None else _end(question.good, family, offered)
    if good is not None and Version(good.version) >= Version(bad.version):
        raise UsageError(
            "the good version has to be older than the bad one",
            expected=f"a version before {bad.version}",
            got=good.version,
        )
    inside = [
        each
        for each in releases
        if Version(each) < Version(bad.version)
        and (good is None or Version(each) > Version(good.version))
    ]
    ends = ([] if good is None else [good], [bad])
    builds = (*ends[0], *(Build(family.project, each) for each in inside), *ends[1])
    return Stage(builds, bad, good, question.trusted)


def _end(typed: str, family: Family, offered: Offered) -> Build:
    """A version that was typed: a release, a pre-release, or of a nightly build."""
    if typed == NEWEST_NIGHTLY:
        return Build(family.nightly, offered(family.nightly)[-1])
    if "dev" in typed:
        return Build(family.nightly, as_offered(typed, offered(family.nightly), family.nightly))
    return Build(family.project, as_offered(typed, offered(family.project), family.project))


def search(state: State, family: Family, tools: Tools) -> tuple[State, Found | Blocked]:
    """Go on until the first bad version is known, or cannot be.

    Args:
        state: Where the search is.
        family: The package.
        tools: What it needs.
    """
    while True:
        step = next_step(state.stage.span, state.answers)
        if isinstance(step, Next):
            state = _try(state, step, tools)
            continue
        if isinstance(step, Found) and state.nightlies is None and state.question.nightly:
            stage = _between_releases(state.stage, step, family, tools)
            if stage is not None:
                state = replace(state, nightlies=stage)
                tools.save(state)
                continue
        return state, step


def _try(state: State, step: Next, tools: Tools) -> State:
    build = state.stage.build(step.version)
    # What --skip leaves out has no environment, and no log.
    number = 1 + sum(bool(each.log) for each in state.trials)
    left = "" if step.most is None else f", {step.most} at most from here"
    tools.say(f"environment {number}{left}: {build}, {step.aim}")
    state = state.trying(build)
    tools.save(state)
    trial = tools.try_build(build, number)
    state = state.with_trial(trial)
    tools.save(state)
    answer = "skipped" if trial.answer is Answer.SKIP else str(trial.answer)
    tools.say(f"{build}: {answer} ({trial.reason}), {trial.seconds:.0f} s")
    return state


def _between_releases(stage: Stage, found: Found, family: Family, tools: Tools) -> Stage | None:
    """Nightly builds and pre-releases between two releases; None where there are none."""
    good, bad = stage.build(found.last_good), stage.build(found.first_bad)
    try:
        nightlies = tools.offered(family.nightly)
    except DownloadFailed as error:
        tools.say(f"no nightly builds are tried: {error.what}")
        return None
    builds = {
        each: Build(project, each)
        for project, versions in (
            (family.nightly, nightlies),
            (family.project, tools.offered(family.project)),
        )
        for each in between(versions, good.version, bad.version)
    }
    # A release that was skipped stays among them: it may be the first bad one still.
    if set(builds) <= set(found.skipped):
        tools.say(f"the package index has no nightly build between {good} and {bad}")
        return None
    inside = [builds[each] for each in sorted(builds, key=Version)]
    return Stage((good, *inside, bad), bad, good, trusted=True)
