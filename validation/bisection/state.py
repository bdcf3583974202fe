"""What a search has found so far, in one file that is written before and after each environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.version import Version

from validation.bisection.families import Build
from validation.bisection.search import Answer, Span
from validation.errors import RecordError, UsageError
from validation.files.atomic import said_clearly
from validation.files.guard import guarded
from validation.files.structured import read_json, write_json

STATE_NAME = "state.json"
_LAYOUT = 1


@dataclass(frozen=True)
class Question:
    """What is searched; a search that asks something else is another one.

    Args:
        package: Name of the family.
        command: That judges each version.
        good: As it was typed; None: looked for.
        bad: As it was typed; None: the newest release.
        trusted: Neither end is tried.
        nightly: Nightly builds and pre-releases between two releases are tried as well.
        python: That the environments are made with, ``3.11``.
    """

    package: str
    command: tuple[str, ...]
    good: str | None
    bad: str | None
    trusted: bool
    nightly: bool
    python: str


@dataclass(frozen=True)
class Stage:
    """The builds of one search, with what was called good and bad.

    Args:
        builds: Oldest first.
        bad: One of them.
        good: One of them; None: looked for.
        trusted: Neither of the two is tried.
    """

    builds: tuple[Build, ...]
    bad: Build
    good: Build | None
    trusted: bool

    @property
    def span(self) -> Span:
        """As the search takes it."""
        good = None if self.good is None else self.good.version
        versions = tuple(each.version for each in self.builds)
        return Span(versions, self.bad.version, good, self.trusted)

    def build(self, version: str) -> Build:
        """The build of a version."""
        return next(each for each in self.builds if each.version == version)


@dataclass(frozen=True)
class Trial:
    """One environment, and what was found in it.

    Args:
        build: That was tried.
        answer: What was found.
        reason: Why, in a clause.
        exit_code: Of the command; None where it was not run.
        seconds: Wall time, the environment included.
        installed: Version of each package in the environment, by project.
        log: File name of what pip and the command printed.
    """

    build: Build
    answer: Answer
    reason: str
    exit_code: int | None
    seconds: float
    installed: Mapping[str, str]
    log: str


@dataclass(frozen=True)
class State:
    """A search as far as it has come.

    Args:
        layout: Of the file.
        question: What is searched.
        releases: The search among releases.
        nightlies: The search between two of them; None before that.
        elsewhere: Releases between the ends that the index has for other versions of Python alone.
        trials: In the order in which they were made.
        running: What is being tried.
    """

    layout: int
    question: Question
    releases: Stage
    nightlies: Stage | None = None
    elsewhere: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    running: Build | None = None

    @classmethod
    def of(cls, question: Question, releases: Stage, elsewhere: tuple[str, ...]) -> State:
        """A search that begins."""
        return cls(_LAYOUT, question, releases, elsewhere=elsewhere)

    @property
    def stage(self) -> Stage:
        """The search that goes on."""
        return self.nightlies or self.releases

    @property
    def answers(self) -> dict[str, Answer]:
        """By version."""
        return {each.build.version: each.answer for each in self.trials}

    def trying(self, build: Build) -> State:
        """The same search, with what is tried now."""
        return replace(self, running=build)

    def with_trial(self, trial: Trial) -> State:
        """The same search, one answer later; it replaces an earlier one of the same build."""
        others = (each for each in self.trials if each.build != trial.build)
        return replace(self, running=None, trials=(*others, trial))

    def without(self, build: Build) -> State:
        """The same search with a build left out; what rests on its answer is searched anew."""
        left_out = Trial(build, Answer.SKIP, "left out by --skip", None, 0.0, {}, "")
        between = self.nightlies
        rests = between is not None and build in (between.good, between.bad)
        return replace(self.with_trial(left_out), nightlies=None if rests else between)

    def trial(self, version: str) -> Trial | None:
        """The trial of a version."""
        return next((each for each in self.trials if each.build.version == version), None)


def load_state(folder: Path, question: Question) -> State | None:
    """The search that a folder holds; None where there is none.

    Args:
        folder: Of the search.
        question: That is asked now.

    Raises:
        UsageError: The folder holds another search.
        RecordError: The file cannot be read, or does not agree with itself.
    """
    path = folder / STATE_NAME
    if not path.is_file():
        return None
    state = read_json(path, State)
    for stage in filter(None, (state.releases, state.nightlies)):
        _require_order(stage, path)
    if state.question != question or state.layout != _LAYOUT:
        differing = [
            name
            for name in ("package", "command", "good", "bad", "trusted", "nightly", "python")
            if getattr(state.question, name) != getattr(question, name)
        ]
        raise UsageError(
            "the folder holds another search",
            expected=f"the same {', '.join(differing) or 'layout'}",
            where=folder,
            next_step="--restart begins anew, --report-dir names another place",
        )
    return state


def _require_order(stage: Stage, path: Path) -> None:
    """What the search takes for granted, and only a file that was changed lacks."""
    with guarded(RecordError, "the search cannot be gone on with", where=path):
        versions = [Version(each.version) for each in stage.builds]
        if versions != sorted(set(versions)):
            raise ValueError("builds that are not in order, or twice")
        bad, good = stage.bad, stage.good
        if bad not in stage.builds or (good is not None and good not in stage.builds):
            raise ValueError("an end that is none of its builds")
        if good is not None and Version(good.version) >= Version(bad.version):
            raise ValueError("a good version that is not older than the bad one")


def save_state(folder: Path, state: State) -> None:
    """Write the search, whole or not at all.

    Raises:
        ArtefactError: The file cannot be written.
    """
    path = folder / STATE_NAME
    with said_clearly(path, make_folder=True):
        write_json(path, state)
