"""What of one file is no longer as it was in the baseline: aspect by aspect, in both directions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from validation.comparison.baseline_numbers import compared_numbers
from validation.comparison.latency_changes import latency_change, slow_calls_change
from validation.comparison.latency_shift import LatencyShift
from validation.comparison.slow_calls import SlowCalls
from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference
from validation.record.baseline import (
    BASELINE_CHECK,
    Aspect,
    AspectChange,
    BaselineComparison,
    Clock,
    KeyPart,
    Outcome,
    Why,
    status_outcome,
)
from validation.record.baseline_facts import SubjectFacts
from validation.record.machine_class import MachineClass
from validation.record.types import CheckResult, ModelKey
from validation.specs.tensors import TensorSpec

_PACKAGES = {KeyPart.TENSORFLOW: "tensorflow", KeyPart.LITERT: "ai-edge-litert"}


def limits_of(results: Iterable[CheckResult]) -> dict[tuple[str, str], Limit | None]:
    """Of every measure, by check and measure: they say which way is worse."""
    return {
        (each.check, measure.name): measure.limit for each in results for measure in each.measures
    }


@dataclass(frozen=True)
class Evidence:
    """What one file is compared by, beyond the facts of both runs.

    Args:
        limits: Of today's measures, by check and measure: which way is worse.
        same_images: Both runs scored the same labelled images, with the same objects.
        ap: Difference from the baseline's AP, of the matches of both; None where there are none.
        shift: Of the latency, where both files were timed by turns.
        differs: What is not the same, so that latencies are not comparable.
        has_file: The baseline's file is at hand.
        slow_calls: Of the same calls as the shift; None where there are none.
        file_of: See `AspectChange`.
        clock: Of the calls by turns.
    """

    limits: Mapping[tuple[str, str], Limit | None]
    same_images: bool
    ap: ApDifference | None
    shift: LatencyShift | None
    differs: tuple[KeyPart, ...]
    has_file: bool
    slow_calls: SlowCalls | None = None
    file_of: str = ""
    clock: Clock | None = None


def key_differences(
    before: tuple[Mapping[str, str], MachineClass], now: tuple[Mapping[str, str], MachineClass]
) -> tuple[KeyPart, ...]:
    """What two latencies do not have in common, so that they are not comparable.

    Args:
        before: Versions of packages, and the machine.
        now: Alike.
    """
    (versions, machine), (other_versions, other_machine) = before, now
    parts = [
        part
        for part, package in _PACKAGES.items()
        if versions.get(package) != other_versions.get(package)
    ]
    return (*parts, *([KeyPart.MACHINE] if machine != other_machine else []))


def compare_subject(
    key: ModelKey, before: SubjectFacts | None, now: SubjectFacts, by: Evidence, policy: Policy
) -> BaselineComparison:
    """Every aspect of one file.

    Args:
        key: Of the file.
        before: Of the baseline; None where it has no such file.
        now: Of this run.
        by: See `Evidence`.
        policy: From what on a change counts.
    """
    if before is None:
        changes: tuple[AspectChange, ...] = (
            AspectChange(Aspect.SUBJECT, Outcome.CHANGED, why=Why.NEW),
        )
    else:
        changes = (
            *_form(before, now),
            *_checks(before, now),
            *_tensors(before, now),
            _file(before, now),
            _size(before, now, policy),
            *compared_numbers(before, now, by.limits, policy),
            _ap(before, now, by, policy),
            *_timed(before, now, by, policy),
        )
    return BaselineComparison(key.model, key.variant, changes, file=key.file)


def _timed(
    before: SubjectFacts, now: SubjectFacts, by: Evidence, policy: Policy
) -> Iterator[AspectChange]:
    """Of calls by turns, with what they were timed by and where the baseline's file was."""
    for change in (
        latency_change(before, now, by.shift, by.differs, by.has_file, policy),
        *slow_calls_change(now, by.slow_calls, by.differs, policy),
    ):
        was_timed = change.p_value is not None
        yield replace(change, file_of=by.file_of, clock=by.clock) if was_timed else change


def _form(before: SubjectFacts, now: SubjectFacts) -> Iterator[AspectChange]:
    """Of a given file, which keeps its name: by it go limits and required checks."""
    if before.variant != now.variant:
        yield AspectChange(Aspect.FORM, Outcome.CHANGED, "", before.variant, now.variant)


def _checks(before: SubjectFacts, now: SubjectFacts) -> Iterator[AspectChange]:
    sides = ({each.check: each.status for each in side.checks} for side in (before, now))
    was, is_now = sides
    for check in dict.fromkeys([*was, *is_now]):
        one, other = was.get(check), is_now.get(check)
        if check == BASELINE_CHECK:
            continue
        if one is None or other is None:
            outcome = Outcome.CHANGED if one is None else Outcome.UNKNOWN
            why = Why.NEW if one is None else Why.GONE
            yield AspectChange(Aspect.CHECK, outcome, check, one, other, why=why)
        else:
            yield AspectChange(Aspect.CHECK, status_outcome(one, other), check, one, other)


def _tensors(before: SubjectFacts, now: SubjectFacts) -> Iterator[AspectChange]:
    # Of a file that was not made or could not be read: every detector has inputs and outputs.
    known = all(side.inputs or side.outputs for side in (before, now))
    for side in ("inputs", "outputs"):
        one, other = getattr(before, side), getattr(now, side)
        if not known:
            for aspect in (Aspect.NAMES, Aspect.SHAPES):
                yield AspectChange(aspect, Outcome.UNKNOWN, side, why=Why.NOT_MEASURED)
            continue
        yield _equal(Aspect.NAMES, side, _names(one), _names(other))
        yield _equal(Aspect.SHAPES, side, _shapes(one), _shapes(other))


def _names(tensors: Iterable[TensorSpec]) -> list[str]:
    return [each.name for each in tensors]


def _shapes(tensors: Iterable[TensorSpec]) -> list[list[Any]]:
    return [[each.dtype, *each.shape] for each in tensors]


def _equal(aspect: Aspect, what: str, before: Any, after: Any) -> AspectChange:
    outcome = Outcome.SAME if before == after else Outcome.CHANGED
    return AspectChange(aspect, outcome, what, before, after)


def _file(before: SubjectFacts, now: SubjectFacts) -> AspectChange:
    if not before.sha256 or not now.sha256:
        return AspectChange(
            Aspect.FILE, Outcome.UNKNOWN, "", before.sha256, now.sha256, why=Why.NOT_MEASURED
        )
    return _equal(Aspect.FILE, "", before.sha256, now.sha256)


def _size(before: SubjectFacts, now: SubjectFacts, policy: Policy) -> AspectChange:
    was, is_now = before.size_bytes, now.size_bytes
    if not was or not is_now:
        return AspectChange(Aspect.SIZE, Outcome.UNKNOWN, "", was, is_now, why=Why.NOT_MEASURED)
    growth = is_now / was - 1
    if is_now == was:
        outcome, why = Outcome.SAME, None
    elif abs(growth) <= policy.setting("baseline_size_share"):
        outcome, why = Outcome.SAME, Why.WITHIN_SHARE
    else:
        outcome, why = (Outcome.WORSE if growth > 0 else Outcome.BETTER), None
    return AspectChange(Aspect.SIZE, outcome, "", was, is_now, estimate=growth, why=why)


def _ap(before: SubjectFacts, now: SubjectFacts, by: Evidence, policy: Policy) -> AspectChange:
    was, is_now = before.ap, now.ap

    def change(outcome: Outcome, why: Why | None = None, **found: Any) -> AspectChange:
        return AspectChange(Aspect.AP, outcome, "", was, is_now, why=why, **found)

    if was is None or is_now is None:
        return change(Outcome.UNKNOWN, Why.NOT_MEASURED)
    if not by.same_images or before.image_files_sha256 != now.image_files_sha256:
        return change(Outcome.UNKNOWN, Why.OTHER_IMAGES)
    if by.ap is None:
        alike = bool(now.matches_sha256) and before.matches_sha256 == now.matches_sha256
        if alike:
            return change(Outcome.SAME, Why.RANKED_ALIKE, estimate=0.0)
        return change(Outcome.UNKNOWN, Why.NO_MATCHES, estimate=is_now - was)
    if by.ap.ranked_alike:
        return change(Outcome.SAME, Why.RANKED_ALIKE, estimate=0.0)
    ap = by.ap.ap
    if ap is None or not math.isfinite(ap.low) or not math.isfinite(ap.high):
        return change(Outcome.UNKNOWN, Why.TOO_FEW_IMAGES, estimate=is_now - was)
    least = policy.setting("compare_ap_change")
    found: dict[str, Any] = {"interval": (ap.low, ap.high), "estimate": ap.value}
    if abs(ap.value) >= least and (ap.high < 0 or ap.low > 0):
        return change(Outcome.WORSE if ap.value < 0 else Outcome.BETTER, **found)
    same = policy.limit(BASELINE_CHECK, "ap_loss", before.model, before.variant).bound
    if -same <= ap.low and ap.high <= same:
        return change(Outcome.SAME, Why.WITHIN_SHARE, **found)
    return change(Outcome.UNKNOWN, Why.TOO_FEW_IMAGES, **found)
