"""What has changed between two runs over the same models: for the nightly that turned red."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from validation.comparison.guide_facts import CHECK as GUIDE_CHECK
from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference
from validation.record.baseline import BASELINE_CHECK, Aspect, Outcome
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import by_directness, describe_diagnosis, next_step
from validation.record.formatting import describe_result, plural
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey
from validation.signoff.circumstances import (
    Subject,
    as_if_without_baseline,
    conditional_checks,
)
from validation.signoff.findings import Finding, Verdict, explain, full_reason, reason
from validation.signoff.rules import Judgement, judge
from validation.specs.variants import VARIANTS

RUN = "run"
# What compares latencies.
TIMED_TOGETHER = "validation run --baseline RUN"

_Key = TypeVar("_Key")
_Fact = TypeVar("_Fact")

_AP_DROP = ("accuracy", "ap_drop")
_AP_LOSS = (BASELINE_CHECK, "ap_loss")
# Whose limit holds for the inference graph itself, which is no variant.
_REFERENCE = "float"
# Sums in another order, by another release of NumPy, differ by less.
_ROUNDING = 1e-9
_TOO_FEW = ": too few images to tell"
# Of the tools and not of a model: the first of each variant has them, whichever was selected.
ONCE_A_RUN = (GUIDE_CHECK,)


@dataclass(frozen=True)
class Change:
    """One thing of a file, or of the run, that is not as it was.

    Args:
        subject: ``run``, or the key of a subject.
        what: Verdict, check or figure.
        before: In words; empty where it is new.
        after: In words; empty where it is gone.
        outcome: Worse would prevent signing what was signed before; better; or changed, which is
            neither by itself.
        reason: One line, where there is more to say.
        aspect: What of the subject it is.
        finding: What of the later run's verdict says the reason, where one does.
        move: By how much a figure moved: AP, or bytes; None of what is no figure.
    """

    subject: str
    what: str
    before: str
    after: str
    outcome: Outcome = Outcome.CHANGED
    reason: str = ""
    aspect: Aspect = Aspect.CHECK
    finding: Finding | None = None
    move: float | None = None


def changes(
    before: Record,
    after: Record,
    policy: Policy,
    paired: Mapping[ModelKey, ApDifference] | None = None,
) -> tuple[Change, ...]:
    """What differs in the later run: what is worse first, then what changed, then gains.

    Verdicts are made anew by one policy, so that a limit that was moved in between is no
    change, and without the checks that an option of one run brought, see `conditional_checks`.
    What the later run no longer tested is worse: it is not known. Latencies of two runs are not
    comparable, see `uncompared_latency`.

    Args:
        before: The earlier run.
        after: The later one.
        policy: Judges both; its limit for an AP drop is that between the two runs as well.
        paired: Differences in AP with their intervals, see `paired_differences`; a figure
            without one is compared by the number alone.
    """
    left_out = conditional_checks(before, after, policy)
    one, other = (judge(as_if_without_baseline(run, left_out), policy) for run in (before, after))
    changed = [
        *_verdicts(one, other),
        *_checks((before, one), (after, other), left_out),
        *_diagnoses((before, one), (after, other)),
        *_accuracies(before, after, policy, paired or {}),
        *_sizes(before, after),
    ]
    return tuple(sorted(changed, key=lambda change: _ORDER.index(change.outcome)))


_ORDER = (Outcome.WORSE, Outcome.CHANGED, Outcome.BETTER)


def _verdicts(one: Judgement, other: Judgement) -> Iterator[Change]:
    if one.run.status is not other.run.status:
        yield _verdict(RUN, one.run, other.run, _first(other.run, full_reason))
    sides = (
        {key.identity: (key, verdict) for key, verdict in judgement.subjects.items()}
        for judgement in (one, other)
    )
    for _, before, after in _pairs(*sides):
        key = next(side[0] for side in (after, before) if side)
        was, now = (side[1] if side else None for side in (before, after))
        if was is None or now is None:
            yield _verdict(str(key), was, now, _first(now, reason) if now else "no longer tested")
        elif was.status is not now.status:
            # What they found is a change of its own.
            decisive = was if _outcome(was.status, now.status) is Outcome.BETTER else now
            yield _verdict(str(key), was, now, _decided_by(decisive))
        if before and after and before[0] != after[0]:
            forms = (before[0].variant, after[0].variant)
            yield Change(str(key), "form", *forms, aspect=Aspect.SUBJECT)


def _verdict(subject: str, one: Verdict | None, other: Verdict | None, why: str) -> Change:
    was, now = (side.status if side else None for side in (one, other))
    outcome = _outcome(was, now)
    return Change(subject, Aspect.VERDICT, was or "", now or "", outcome, why, Aspect.VERDICT)


def _first(verdict: Verdict, text: Callable[[Finding], str]) -> str:
    """The worst that led to it; the notes of a PASS did not."""
    worst = verdict.findings[0] if verdict.findings else None
    return text(worst) if worst is not None and worst.status is verdict.status else ""


def _decided_by(verdict: Verdict) -> str:
    own = [each for each in verdict.findings if each.status is verdict.status]
    return ", ".join(dict.fromkeys(each.check or explain(each) for each in own))


def _outcome(was: Status | None, now: Status | None) -> Outcome:
    """What is gone is worse; what is new is worse where it does not pass, else changed."""
    if now is None:
        return Outcome.WORSE
    if was is None:
        return Outcome.CHANGED if now is Status.PASS else Outcome.WORSE
    if WORST_FIRST.index(now) < WORST_FIRST.index(was):
        return Outcome.WORSE
    # A failure of which nothing is known any more is no gain.
    return Outcome.CHANGED if now is Status.UNKNOWN else Outcome.BETTER


def _pairs(
    before: Mapping[_Key, _Fact], after: Mapping[_Key, _Fact]
) -> Iterable[tuple[_Key, _Fact | None, _Fact | None]]:
    """Each key with what it has before and after."""
    return ((key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]))


def _checks(
    before: tuple[Record, Judgement],
    after: tuple[Record, Judgement],
    left_out: Mapping[Subject, frozenset[str]],
) -> Iterator[Change]:
    """Of files that both runs tested; of others the verdict alone is a change."""
    tested = [{key.identity for key in judgement.subjects} for _, judgement in (before, after)]
    both = tested[0] & tested[1]
    variants = {variant for _, variant, is_given in both if not is_given}
    sides = (
        {_place(each): each for each in run.results if _is_compared(each, both, variants)}
        for run, _ in (before, after)
    )
    earlier, later = (_findings(judgement) for _, judgement in (before, after))
    for (subject, check), was, now in _pairs(*sides):
        one, other = was.status if was else None, now.status if now else None
        if one is other or check in left_out.get(subject, ()):
            continue
        key = next(each.key for each in (now, was) if each)
        outcome = _outcome(one, other)
        # Of a gain the earlier run says what it was.
        says, found = (was, earlier) if outcome is Outcome.BETTER else (now, later)
        yield Change(
            str(key),
            check,
            one or "",
            other or "",
            outcome,
            describe_result(says) if says else "no longer tested",
            Aspect.CHECK,
            found.get((says.key, check)) if says else None,
        )


def _diagnoses(
    before: tuple[Record, Judgement], after: tuple[Record, Judgement]
) -> Iterator[Change]:
    """Faults that one run alone has named of a file that both tested: no verdict by themselves."""
    tested = [{key.identity for key in judgement.subjects} for _, judgement in (before, after)]
    both = tested[0] & tested[1]
    sides = (_faults(run) for run, _ in (before, after))
    for (subject, *_), was, now in _pairs(*sides):
        if subject in both and (was is None or now is None):
            said = now or was
            assert said is not None
            yield Change(
                str(said.key),
                Aspect.DIAGNOSIS,
                describe_diagnosis(was) if was else "",
                describe_diagnosis(now) if now else "",
                reason=f"next step: {next_step(now)}" if now else "no longer found",
                aspect=Aspect.DIAGNOSIS,
            )


def _faults(run: Record) -> Mapping[tuple[Subject, FaultKind, Place], Diagnosis]:
    """The most direct diagnosis of each fault of a file."""
    faults: dict[tuple[Subject, FaultKind, Place], Diagnosis] = {}
    for each in by_directness(run.diagnoses):
        faults.setdefault((each.key.identity, each.fault, each.place), each)
    return faults


def _findings(judgement: Judgement) -> Mapping[tuple[ModelKey, str], Finding]:
    return {
        (key, finding.check): finding
        for key, verdict in judgement.subjects.items()
        for finding in verdict.findings
    }


def _place(result: CheckResult) -> tuple[Subject, str]:
    """What a result is compared with: that of its file, or of its variant for the whole run."""
    if result.check in ONCE_A_RUN and not result.file:
        return ("", result.variant, False), result.check
    return result.key.identity, result.check


def _is_compared(result: CheckResult, both: Iterable[Subject], variants: Iterable[str]) -> bool:
    if result.check in ONCE_A_RUN and not result.file:
        return result.variant in variants
    return result.key.identity in both


def uncompared_latency(before: Record, after: Record) -> str:
    """Why latencies are no change, in a sentence; empty where the runs have none in common."""
    timed = [
        {each.key.identity for each in run.timings if each.samples_ms} for run in (before, after)
    ]
    both = timed[0] & timed[1]
    if not both:
        return ""
    files = [
        {key.identity: each.sha256 for key, each in run.tflite_files.items()}
        for run in (before, after)
    ]
    others = sum(files[0].get(each) != files[1].get(each) for each in both)
    which = (
        f"{plural(others, 'file')} of {len(both)} differ" if others else "all files are the same"
    )
    return f"Latency is not compared, as calls of two runs are not made by turns; {which}."


def _accuracies(
    before: Record, after: Record, policy: Policy, paired: Mapping[ModelKey, ApDifference]
) -> Iterable[Change]:
    sides = (
        {(each.key.identity, each.subject): each for each in run.accuracies}
        for run in (before, after)
    )
    for _, was, now in _pairs(*sides):
        if was is None or now is None:
            continue
        rise = now.figures.ap - was.figures.ap
        interval = _interval(now, was, paired)
        is_open = _has_zero(interval)
        # What the images do not tell apart is no news, unless it would fail against a baseline.
        is_news = not is_open or _is_beyond(now, -rise, policy, _AP_LOSS)
        if abs(rise) >= policy.setting("compare_ap_change") and is_news:
            outcome = Outcome.BETTER if rise > 0 else Outcome.CHANGED
            if not is_open and _is_beyond(now, -rise, policy, _AP_DROP):
                outcome = Outcome.WORSE
            yield Change(
                str(now.key),
                f"AP of {now.subject}",
                f"{was.figures.ap:.4f}",
                f"{now.figures.ap:.4f}",
                outcome,
                f"{rise:+.4f}{_words(interval)}{_TOO_FEW if is_open else ''}",
                Aspect.AP,
                move=rise,
            )


def _interval(
    now: Accuracy, was: Accuracy, paired: Mapping[ModelKey, ApDifference]
) -> tuple[float, float] | None:
    """Of the difference, where the matches are of these figures and not of those of other flags."""
    found = paired.get(now.key)
    if found is None:
        return None
    if found.ranked_alike:
        return (0.0, 0.0) if now.figures.ap == was.figures.ap else None
    ap = found.ap
    if ap is None or not (math.isfinite(ap.low) and math.isfinite(ap.high)):
        return None
    sides = (ap.reference, was.figures.ap), (ap.subject, now.figures.ap)
    of_these = all(math.isclose(*side, abs_tol=_ROUNDING) for side in sides)
    return (ap.low, ap.high) if of_these else None


def _has_zero(interval: tuple[float, float] | None) -> bool:
    """The images do not tell the two apart."""
    return interval is not None and not (interval[0] > 0 or interval[1] < 0)


def _words(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else ", 95 % interval {:+.4f} to {:+.4f}".format(*interval)


def _is_beyond(now: Accuracy, drop: float, policy: Policy, limited: tuple[str, str]) -> bool:
    """A drop in AP that is beyond a limit: of a file to its reference, or to its baseline."""
    variant = now.variant if now.variant in VARIANTS else _REFERENCE
    limit = policy.limit(*limited, now.model, variant)
    return Measure(limited[1], max(drop, 0.0), limit).status is Status.FAIL


def _sizes(before: Record, after: Record) -> Iterable[Change]:
    sides = (
        {key.identity: each for key, each in run.tflite_files.items()} for run in (before, after)
    )
    for _, was, now in _pairs(*sides):
        if was and now and was.sha256 != now.sha256:
            yield Change(
                str(now.key),
                "file",
                f"{was.size_bytes} bytes, {was.sha256[:12]}",
                f"{now.size_bytes} bytes, {now.sha256[:12]}",
                aspect=Aspect.FILE,
                move=now.size_bytes - was.size_bytes,
            )
