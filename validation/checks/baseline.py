"""Whether a file is still what it was in an earlier run: two-sided, so that a gain is news too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from validation.coco.intervals import ap_difference
from validation.coco.matches import read_matches
from validation.comparison.baseline import Evidence as ComparedBy
from validation.comparison.baseline import compare_subject, limits_of
from validation.comparison.baseline_check import check_baseline
from validation.comparison.baseline_trial import judged_trial
from validation.errors import DatasetError, ValidationError
from validation.files.digest import file_sha256
from validation.policy.limits import Status
from validation.record.ap_difference import ApDifference
from validation.record.baseline import BaselineKind, LatencyTrial
from validation.record.baseline_facts import SubjectFacts, subject_facts
from validation.record.installed import installed_version
from validation.record.lines import Entry
from validation.record.run import Evidence, EvidenceContent, Stage
from validation.record.types import CheckResult
from validation.timing.turns import TurnsPlan, time_by_turns
from validation.workspace.context import CheckContext
from validation.workspace.given_baseline import GivenBaseline
from validation.workspace.products import code_sha256

NO_BASELINE = (
    "compared with nothing: --baseline names an earlier run, or a file that was made of one"
)


def baseline(context: CheckContext) -> list[Entry]:
    """The file is what it was in the baseline: names, bytes, figures, size and speed."""
    given = context.baseline
    if given is None:
        return [CheckResult.unknown("baseline", context.key, NO_BASELINE)]
    before, now = given.facts.of(context.key), _now(context)
    trial = _trial(context, given, before, now)
    paired = _paired(context, given, before, now)
    images = "" if context.dataset is None else context.dataset.sha256
    shift, slow = (None, None) if trial is None else judged_trial(trial, context.policy)
    comparison = compare_subject(
        context.key,
        before,
        now,
        ComparedBy(
            limits_of(each for each in context.found.entries if isinstance(each, CheckResult)),
            given.facts.images_sha256 == images and paired.same_data,
            paired.difference,
            shift,
            given.differs,
            given.tflite(context.key) is not None,
            slow,
            "" if trial is None else trial.file_of,
            None if trial is None else trial.clock,
        ),
        context.policy,
    )
    result = check_baseline(comparison, context.policy, given.accepted)
    beside = (each for each in (trial, paired.evidence) if each is not None)
    return [*beside, comparison, result]


def first_runs(context: CheckContext) -> None:
    """Both files, run once where they are to be timed: what ends a process ends a child."""
    given = context.baseline
    path = None if given is None else _to_time(context, given, _now(context))
    if path is None or file_sha256(path) == file_sha256(context.subject.path):
        return
    for each in (path, context.subject.path):
        context.subject.timed_call(_threads(context), each)()


def _threads(context: CheckContext) -> int:
    return int(context.policy.setting("timing_threads"))


def _now(context: CheckContext) -> SubjectFacts:
    """The facts of this run, as far as it has come; the verdict is made at its end."""
    try:
        file = context.subject.file
        tensors = file.inputs, file.outputs
    except ValidationError:
        # What could not be made or opened has failed its own checks.
        tensors = (), ()
    return subject_facts(context.key, Status.UNKNOWN, context.found.entries, *tensors)


def _to_time(context: CheckContext, given: GivenBaseline, now: SubjectFacts) -> Path | None:
    """The baseline's file, where it can be timed beside this run's: fed alike, and comparable."""
    before = given.facts.of(context.key)
    if before is None or given.differs:
        return None
    inputs = [[(each.dtype, each.shape) for each in side.inputs] for side in (before, now)]
    return given.tflite(context.key) if inputs[0] == inputs[1] else None


def _trial(
    context: CheckContext, given: GivenBaseline, before: SubjectFacts | None, now: SubjectFacts
) -> LatencyTrial | None:
    """Both files timed by turns; None where that could say nothing."""
    path = _to_time(context, given, now)
    if path is None or before is None or before.sha256 == now.sha256:
        return None
    if not now.sha256 or context.stopwatch is None:
        return None
    policy, subject, threads = context.policy, context.subject, _threads(context)
    plan = TurnsPlan(
        blocks=int(policy.setting("baseline_blocks")),
        least_blocks=int(policy.setting("baseline_least_blocks")),
        calls=int(policy.setting("baseline_calls")),
        warmup=int(policy.setting("baseline_warmup")),
        seconds=policy.setting("baseline_seconds"),
        interpreters=int(policy.setting("baseline_interpreters")),
        # The time of this thread is not that of an interpreter with threads of its own.
        wall_calls=int(policy.setting("baseline_wall_calls")) if threads == 1 else 0,
    )

    def made(file: Path) -> Callable[[], Callable[[], object]]:
        return lambda: subject.timed_call(threads, file)

    turns = time_by_turns(made(path), made(subject.path), plan)
    return LatencyTrial(
        context.key.model,
        context.key.variant,
        "LiteRT",
        threads,
        before.sha256,
        turns.blocks,
        file=context.key.file,
        file_of=given.facts.run if given.named is BaselineKind.FILE else "",
        clock=turns.clock,
    )


@dataclass(frozen=True)
class _Paired:
    """How far AP is from the baseline's, on the same images.

    Args:
        evidence: The baseline's matches; None where they are not at hand or not needed.
        difference: By the matches of both; None where there are none.
        same_data: False where both are of other images, categories or objects.
    """

    evidence: Evidence | None = None
    difference: ApDifference | None = None
    same_data: bool = True


def _paired(
    context: CheckContext, given: GivenBaseline, before: SubjectFacts | None, now: SubjectFacts
) -> _Paired:
    if before is None or before.ap is None or now.ap is None:
        return _Paired()
    if not now.matches_sha256 or before.matches_sha256 == now.matches_sha256:
        return _Paired()
    path = given.matches(before.matches_sha256, context.scratch)
    own = context.found.matches(context.key)
    if path is None or own is None:
        return _Paired()
    replicates = int(context.policy.setting("bootstrap_replicates"))
    seed = int(context.policy.setting("bootstrap_seed"))
    subject = given.facts.run

    def find(_: Path) -> ApDifference:
        sides = (read_matches(path), read_matches(own))
        return ap_difference(context.key, subject, *sides, replicates, seed)

    made_from = {
        "baseline": before.matches_sha256,
        "now": now.matches_sha256,
        "key": str(context.key),
        "subject": subject,
        "replicates": replicates,
        "seed": seed,
        "numpy": installed_version("numpy"),
        "code": code_sha256("coco"),
    }
    kept = Evidence(
        context.key.model,
        context.key.variant,
        str(path),
        before.matches_sha256,
        path.stat().st_size,
        len(read_matches(path).image_ids),
        EvidenceContent.BASELINE_MATCHES,
        file=context.key.file,
    )
    try:
        found = context.work.facts(
            context.key.model,
            Stage.SCORE,
            "interval against the baseline",
            made_from,
            ApDifference,
            find,
        )
    except DatasetError:
        return _Paired(kept, same_data=False)
    return _Paired(kept, found)
