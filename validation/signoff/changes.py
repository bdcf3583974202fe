"""What has changed between two runs over the same models: for the nightly that turned red."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.record.ap_difference import ApDifference
from validation.record.baseline import BASELINE_CHECK
from validation.record.formatting import describe_result, plural
from validation.record.run import Header
from validation.record.store import Record
from validation.record.types import Accuracy, CheckResult, Measure, ModelKey
from validation.signoff.findings import Finding, Verdict, full_reason, reason
from validation.signoff.rules import Judgement, judge
from validation.specs.variants import VARIANTS

RUN = "run"

_Key = TypeVar("_Key")
_Fact = TypeVar("_Fact")

_AP_DROP = ("accuracy", "ap_drop")
_AP_LOSS = (BASELINE_CHECK, "ap_loss")
# Whose limit holds for the inference graph itself, which is no variant.
_REFERENCE = "float"
# Sums in another order, by another release of NumPy, differ by less.
_ROUNDING = 1e-9
_TOO_FEW = ": too few images to tell"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Args:
        subject: ``run``, or the key of a subject.
        what: Verdict, check or figure.
        before: In words; empty where it is new.
        after: In words; empty where it is gone.
        worse: It would prevent signing what was signed before.
        reason: One line, where there is more to say.
    """

    subject: str
    what: str
    before: str
    after: str
    worse: bool = False
    reason: str = ""


def circumstances(before: Record, after: Record) -> tuple[Change, ...]:
    """What two runs did not have in common: look here first, whatever moved.

    Returns:
        Versions, machine, options, images and limits that differ; none of them is worse.
    """
    one, other = before.header, after.header
    tables = (
        ("version", one.versions, other.versions),
        ("machine", one.machine, other.machine),
        ("option", one.options, other.options),
    )
    differing = [change for name, *sides in tables for change in _differing(name, *sides)]
    if _images(one) != _images(other):
        differing.append(Change(RUN, "labelled images", _images(one), _images(other)))
    if _policy(one) != _policy(other):
        differing.append(Change(RUN, "limits", _policy(one), _policy(other)))
    differing += _references(one, other)
    return tuple(differing)


def changes(
    before: Record,
    after: Record,
    policy: Policy,
    paired: Mapping[ModelKey, ApDifference] | None = None,
) -> tuple[Change, ...]:
    """What differs in the later run, what is worse first.

    Verdicts are made anew by one policy, so that a limit that was moved in between is no
    change. What the later run no longer tested is worse: it is not known. Latencies of two runs
    are not comparable, see `uncompared_latency`.

    Args:
        before: The earlier run.
        after: The later one.
        policy: Judges both; its limit for an AP drop is that between the two runs as well.
        paired: Differences in AP with their intervals, see `paired_differences`; a figure
            without one is compared by the number alone.
    """
    one, other = judge(before, policy), judge(after, policy)
    changed = [
        *_verdicts(one, other),
        *_checks(before, after),
        *_accuracies(before, after, policy, paired or {}),
        *_sizes(before, after),
    ]
    return tuple(sorted(changed, key=lambda change: not change.worse))


def _differing(name: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterable[Change]:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield Change(RUN, f"{name} {key}", one.get(key, ""), other.get(key, ""))


def _images(header: Header) -> str:
    facts = header.dataset
    return "" if facts is None else f"{facts.name}, {facts.images}, sha256 {facts.sha256[:12]}"


def _policy(header: Header) -> str:
    text, overlay = header.policy_sha256[:12], header.policy_overlay
    return text if overlay is None else f"{text} with {overlay.file}, {overlay.sha256[:12]}"


def _references(one: Header, other: Header) -> Iterable[Change]:
    """Given files that were judged by something else: their figures answer other questions."""
    sides = ({each.key.identity: each for each in header.given} for header in (one, other))
    for _, was, now in _pairs(*sides):
        if was and now and was.reference is not now.reference:
            yield Change(str(now.key), "reference", was.reference, now.reference)


def _verdicts(one: Judgement, other: Judgement) -> Iterable[Change]:
    yield from _moved(RUN, "verdict", one.run, other.run, _first(other.run, full_reason))
    keys = {key.identity: key for judgement in (one, other) for key in judgement.subjects}
    sides = (
        {key.identity: (key, verdict) for key, verdict in judgement.subjects.items()}
        for judgement in (one, other)
    )
    for subject, before, after in _pairs(*sides):
        was, now = (side[1] if side else None for side in (before, after))
        yield from _moved(str(keys[subject]), "verdict", was, now, _first(now, reason))
        if before and after and before[0] != after[0]:
            forms = (before[0].variant, after[0].variant)
            yield Change(str(keys[subject]), "form", *forms)


def _first(verdict: Verdict | None, text: Callable[[Finding], str]) -> str:
    return text(verdict.findings[0]) if verdict and verdict.findings else ""


_Judged = Verdict | CheckResult | None


def _moved(subject: str, what: str, one: _Judged, other: _Judged, why: str) -> Iterable[Change]:
    was, now = (side.status if side else None for side in (one, other))
    if was is not now:
        yield Change(subject, what, was or "", now or "", _is_worse(was, now), why)


def _is_worse(was: Status | None, now: Status | None) -> bool:
    if now is None:
        return True
    return WORST_FIRST.index(now) < WORST_FIRST.index(was or Status.PASS)


def _pairs(
    before: Mapping[_Key, _Fact], after: Mapping[_Key, _Fact]
) -> Iterable[tuple[_Key, _Fact | None, _Fact | None]]:
    """Each key with what stands under it before and after."""
    return ((key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]))


def _checks(before: Record, after: Record) -> Iterable[Change]:
    sides = (
        {(each.key.identity, each.check): each for each in run.results} for run in (before, after)
    )
    for (_, check), was, now in _pairs(*sides):
        why = describe_result(now) if now else "no longer tested"
        key = next(each.key for each in (now, was) if each)
        yield from _moved(str(key), check, was, now, why)


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
    return (
        "latency is not compared, as calls of two runs are not made by turns "
        f"({which}); `validation run --baseline RUN` times both files in one process"
    )


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
            yield Change(
                str(now.key),
                f"AP of {now.subject}",
                f"{was.figures.ap:.4f}",
                f"{now.figures.ap:.4f}",
                not is_open and _is_beyond(now, -rise, policy, _AP_DROP),
                f"{rise:+.4f}{_words(interval)}{_TOO_FEW if is_open else ''}",
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
            )
