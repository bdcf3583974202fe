"""What a run was compared with, and what of each file is no longer as it was."""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from validation.policy.limits import WORST_FIRST, Status
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey, OfVariant

# Name of the check that judges what has changed.
BASELINE_CHECK = "baseline"


class BaselineKind(enum.StrEnum):
    """What ``--baseline`` named."""

    RUN = "run"
    FILE = "file"


class Clock(enum.StrEnum):
    """What calls by turns were timed by."""

    WALL = "wall time"
    CPU = "CPU time"


class KeyPart(enum.StrEnum):
    """What has to be the same for two latencies to be comparable."""

    TENSORFLOW = "TensorFlow"
    LITERT = "LiteRT"
    MACHINE = "machine class"


class Aspect(enum.StrEnum):
    """What of a file is compared."""

    SUBJECT = "file under test"
    FORM = "form"
    VERDICT = "verdict"
    CHECK = "check"
    DIAGNOSIS = "diagnosis"
    NAMES = "names"
    SHAPES = "shapes"
    FILE = "file"
    NUMBER = "number"
    AP = "AP"
    SIZE = "size"
    LATENCY = "latency"
    SLOW_CALLS = "slow calls"


class Outcome(enum.StrEnum):
    """What came of comparing it; `CHANGED` is neither better nor worse."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    UNKNOWN = "unknown"


class Why(enum.StrEnum):
    """What an outcome rests on, where the values alone do not say it."""

    NEW = "new"
    GONE = "gone"
    SAME_FILE = "same file"
    RANKED_ALIKE = "ranked alike"
    OTHER_KEY = "another key"
    OTHER_IMAGES = "other images"
    NO_MATCHES = "no matches"
    TOO_FEW_IMAGES = "too few images"
    NOT_MEASURED = "not measured"
    NO_FILE = "no file"
    NOISE = "noise"
    TOO_FEW_SAMPLES = "too few samples"
    WITHIN_SHARE = "within the share that counts"


def status_outcome(before: Status, now: Status) -> Outcome:
    """What came of a verdict or of a check."""
    if before is now:
        return Outcome.SAME
    is_worse = WORST_FIRST.index(now) < WORST_FIRST.index(before)
    return Outcome.WORSE if is_worse else Outcome.BETTER


@dataclass(frozen=True)
class AspectChange:
    """One aspect of one file, before and now.

    Args:
        aspect: Which.
        outcome: What came of comparing it.
        what: Of several of one aspect: ``check.measure``, a check, a number of threads.
        before: Of the baseline, in the aspect's own unit; None where it has none. AP is in
            [0, 1], sizes are bytes, latencies the median in milliseconds, of calls by turns that of
            the blocks' quickest calls. Of slow calls it is their share of all calls.
        after: Of this run, alike.
        interval: 95 % interval of the change: of AP its difference, of latency the share by
            which this run's file takes longer, of slow calls the share of the calls that were not
            slow before and are now.
        estimate: Of the same; None where nothing was estimated.
        p_value: Of the rank test that the two files take equally long, or have as many slow calls.
        noise_floor: What the baseline's file differs from itself by, in the unit of `estimate`.
        why: What it rests on.
        differs: Of `Why.OTHER_KEY`: what is not the same.
        file_of: Of calls by turns: the run whose folder had the baseline's file, where not that run
            but a file that was made of it is the baseline.
        clock: Of calls by turns: what they were timed by.
    """

    aspect: Aspect
    outcome: Outcome
    what: str = ""
    before: Any = None
    after: Any = None
    interval: tuple[float, float] | None = None
    estimate: float | None = None
    p_value: float | None = None
    noise_floor: float | None = None
    why: Why | None = None
    differs: tuple[KeyPart, ...] = ()
    file_of: str = ""
    clock: Clock | None = None


@dataclass(frozen=True)
class BaselineComparison(OfVariant):
    """What of one file is as it was and what is not.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        changes: Each aspect at least once, those that are the same too.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    changes: tuple[AspectChange, ...]
    file: str = ""

    def of(self, aspect: Aspect) -> Iterator[AspectChange]:
        """Those of one aspect."""
        return (each for each in self.changes if each.aspect is aspect)

    def with_outcome(self, *outcomes: Outcome) -> tuple[AspectChange, ...]:
        """Those that came to one of these."""
        return tuple(each for each in self.changes if each.outcome in outcomes)


@dataclass(frozen=True)
class LatencyBlock:
    """Calls of three interpreters, one after the other: what disturbs one disturbs the others.

    Args:
        order: Of the three: 0 the baseline's file, 1 the one of this run, 2 the baseline's again.
        baseline_ms: Times of single calls by the trial's clock, in milliseconds.
        today_ms: Of this run's file.
        again_ms: Of the baseline's file in an interpreter of its own.
        interpreters: Which making of the interpreters, from 0.
    """

    order: tuple[int, int, int]
    baseline_ms: tuple[float, ...]
    today_ms: tuple[float, ...]
    again_ms: tuple[float, ...]
    interpreters: int = 0


@dataclass(frozen=True)
class LatencyTrial(OfVariant):
    """The baseline's file and this run's, timed by turns in one process.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        runtime: For example ``LiteRT``.
        threads: Of each interpreter.
        baseline_sha256: Of the baseline's file.
        blocks: In the order in which they were measured.
        file: See `ModelKey`.
        file_of: See `AspectChange`.
        clock: What the calls were timed by.
    """

    model: str
    variant: str
    runtime: str
    threads: int
    baseline_sha256: str
    blocks: tuple[LatencyBlock, ...]
    file: str = ""
    file_of: str = ""
    clock: Clock = Clock.WALL


@dataclass(frozen=True)
class BaselineUpdate:
    """Why a baseline file says what it says.

    Args:
        reason: As the user gave it.
        by: Name of the user that the process ran as.
        at: UTC.
        harness: Version of this harness.
        previous_sha256: Of the file that it replaced; empty for the first one.
    """

    reason: str
    by: str
    at: str
    harness: str
    previous_sha256: str = ""


@dataclass(frozen=True)
class BaselineSubject(OfVariant):
    """One file of the baseline, and what its verdict was."""

    model: str
    variant: str
    verdict: Status
    file: str = ""


@dataclass(frozen=True)
class Baseline:
    """What a run was compared with: an earlier run, or a file that was made of one.

    Args:
        named: What was named.
        name: Of the folder or the file.
        run: Name of the earlier run.
        started: Of the earlier run, UTC.
        machine: That it ran on.
        versions: Of packages in it.
        verdict: Of it.
        subjects: Its files.
        path: Of the copy of its facts below this run's folder, with forward slashes.
        sha256: Of that copy.
        size_bytes: Alike.
        differs: What is not the same, so that latencies are not comparable.
        updated: Why the file says what it says; None for a run.
        accepted: Reason that the user gave for replacing it by this run, so that what has changed
            is not judged; empty where it is.
        limits: Of the policy that judged it, in words.
    """

    named: BaselineKind
    name: str
    run: str
    started: str
    machine: MachineClass
    versions: dict[str, str]
    verdict: Status
    subjects: tuple[BaselineSubject, ...]
    path: str
    sha256: str
    size_bytes: int
    differs: tuple[KeyPart, ...] = ()
    updated: BaselineUpdate | None = None
    accepted: str = ""
    limits: str = ""

    def verdict_of(self, key: ModelKey) -> Status | None:
        """What the verdict on a file was; None where it was not in the baseline."""
        return self._verdicts.get(key.identity)

    @functools.cached_property
    def _verdicts(self) -> Mapping[tuple[str, str, bool], Status]:
        return {each.key.identity: each.verdict for each in self.subjects}
