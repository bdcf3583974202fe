"""What has changed between two runs over the same models: for the nightly that turned red."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.store import Record
from validation.record.types import Accuracy, Header, Measure, ModelKey
from validation.signoff.rules import Judgement, judge
from validation.specs.variants import VARIANTS

# From good to bad; what has no evidence is worse than a warning, for it cannot be signed.
_WEIGHT = {Status.PASS: 0, Status.WARN: 1, Status.UNKNOWN: 2, Status.FAIL: 3}

_AP_DROP = ("accuracy", "ap_drop")
# Whose limit holds for the inference graph itself, which is nobody's variant.
_REFERENCE = "float"


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Args:
        subject: ``run``, model, or model and variant.
        what: Verdict, check or figure.
        before: In words; empty where it is new.
        after: In words; empty where it is gone.
        worse: It would keep somebody from signing what was signed before.
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
    found = [change for name, *sides in tables for change in _differing(name, *sides)]
    if _images(one) != _images(other):
        found.append(Change("run", "labelled images", _images(one), _images(other)))
    if _policy(one) != _policy(other):
        found.append(Change("run", "limits", _policy(one), _policy(other)))
    return tuple(found)


def changes(before: Record, after: Record, policy: Policy) -> tuple[Change, ...]:
    """What the later run found otherwise, what is worse first.

    Verdicts are made anew by one policy, so that a limit that was moved in between is no
    change. What the later run did not look at any more is worse: it is not known.

    Args:
        before: The earlier run.
        after: The later one.
        policy: Judges both; its limit for an AP drop is that between the two runs as well.
    """
    one, other = judge(before, policy), judge(after, policy)
    found = [
        *_verdicts(one, other),
        *_checks(before, after),
        *_accuracies(before, after, policy),
        *_sizes(before, after),
        *_latencies(before, after, policy),
    ]
    return tuple(sorted(found, key=lambda change: not change.worse))


def _differing(name: str, one: Mapping[str, str], other: Mapping[str, str]) -> Iterable[Change]:
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            yield Change("run", f"{name} {key}", one.get(key, ""), other.get(key, ""))


def _images(header: Header) -> str:
    facts = header.dataset
    return "" if facts is None else f"{facts.name}, {facts.images}, sha256 {facts.sha256[:12]}"


def _policy(header: Header) -> str:
    text, overlay = header.policy_sha256[:12], header.policy_overlay
    return text if overlay is None else f"{text} with {overlay.file}, {overlay.sha256[:12]}"


def _verdicts(one: Judgement, other: Judgement) -> Iterable[Change]:
    sides = [
        {
            each.run.subject: each.run,
            **{
                verdict.subject: verdict
                for model in each.models
                for verdict in model.variants.values()
            },
        }
        for each in (one, other)
    ]
    for subject in dict.fromkeys([*sides[0], *sides[1]]):
        was, now = (side.get(subject) for side in sides)
        if now is None or was is None or was.status is not now.status:
            reasons = now.reasons if now is not None else ()
            yield Change(
                subject,
                "verdict",
                was.status if was else "",
                now.status if now else "",
                _is_worse(was.status if was else None, now.status if now else None),
                reasons[0] if reasons else "",
            )


def _is_worse(was: Status | None, now: Status | None) -> bool:
    if now is None:
        return True
    return _WEIGHT[now] > _WEIGHT[was or Status.PASS]


def _checks(before: Record, after: Record) -> Iterable[Change]:
    sides = [
        {(result.key, result.check): result for result in record.results}
        for record in (before, after)
    ]
    for place in dict.fromkeys([*sides[0], *sides[1]]):
        was, now = (side.get(place) for side in sides)
        key, check = place
        if was is None or now is None:
            yield Change(
                str(key),
                check,
                was.status if was else "",
                now.status if now else "",
                _is_worse(was.status if was else None, now.status if now else None),
                now.message if now else "not looked at any more",
            )
        elif was.status is not now.status:
            yield Change(
                str(key),
                check,
                was.status,
                now.status,
                _is_worse(was.status, now.status),
                now.message,
            )


def _accuracies(before: Record, after: Record, policy: Policy) -> Iterable[Change]:
    sides = [
        {(each.model, each.variant, each.subject): each for each in record.accuracies}
        for record in (before, after)
    ]
    for place in dict.fromkeys([*sides[0], *sides[1]]):
        was, now = (side.get(place) for side in sides)
        if was is None or now is None:
            continue
        rise = now.figures.ap - was.figures.ap
        if abs(rise) >= policy.setting("compare_ap_change"):
            yield Change(
                str(ModelKey(now.model, now.variant)),
                f"AP of {now.subject}",
                f"{was.figures.ap:.4f}",
                f"{now.figures.ap:.4f}",
                _drops_too_far(now, -rise, policy),
                f"{rise:+.4f}",
            )


def _drops_too_far(now: Accuracy, drop: float, policy: Policy) -> bool:
    variant = now.variant if now.variant in VARIANTS else _REFERENCE
    limit = policy.limit(*_AP_DROP, now.model, variant)
    return Measure("ap_drop", max(drop, 0.0), limit).status is Status.FAIL


def _sizes(before: Record, after: Record) -> Iterable[Change]:
    sides = [
        {
            (each.model, each.role): each
            for each in record.artefacts
            if each.role.startswith("tflite ")
        }
        for record in (before, after)
    ]
    for place in (place for place in sides[0] if place in sides[1]):
        was, now = (side[place] for side in sides)
        if was.sha256 != now.sha256:
            yield Change(
                f"{place[0]}-{place[1].removeprefix('tflite ')}",
                "file",
                f"{was.size_bytes} bytes, {was.sha256[:12]}",
                f"{now.size_bytes} bytes, {now.sha256[:12]}",
            )


def _latencies(before: Record, after: Record, policy: Policy) -> Iterable[Change]:
    sides = [
        {
            (each.model, each.variant, each.runtime, each.threads): each
            for each in record.timings
            if each.samples_ms
        }
        for record in (before, after)
    ]
    for place in (place for place in sides[0] if place in sides[1]):
        was, now = (side[place].p50_ms for side in sides)
        if abs(now - was) > policy.setting("compare_latency_share") * was:
            yield Change(
                str(ModelKey(place[0], place[1])),
                "median latency",
                f"{was:.2f} ms",
                f"{now:.2f} ms",
                reason=f"{(now - was) / was:+.0%}",
            )
