"""What has changed since a baseline, in the words of pages and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineKind,
    Clock,
    Outcome,
    Why,
)
from validation.record.formatting import (
    NOTHING,
    coco_delta,
    coco_figure,
    milliseconds,
    moment,
    number,
    size,
)

# Worst first, as pages list them.
OUTCOMES = (Outcome.WORSE, Outcome.CHANGED, Outcome.BETTER, Outcome.UNKNOWN, Outcome.SAME)

_WHY: Mapping[Why, str] = {
    Why.NEW: "not in the baseline",
    Why.GONE: "not tested in this run",
    Why.SAME_FILE: "the same file, byte for byte",
    Why.RANKED_ALIKE: "the same true positives with the same false ones before each",
    Why.OTHER_KEY: "not comparable",
    Why.OTHER_IMAGES: "the baseline was scored on other images, objects or categories",
    Why.NO_MATCHES: "no matches of the baseline, so the difference has no interval",
    Why.TOO_FEW_IMAGES: "too few images to tell",
    Why.NOT_MEASURED: "not measured in both runs",
    Why.NO_FILE: "the baseline's file is not at hand, and samples of two runs are not comparable",
    Why.NOISE: "the noise floor is above the limit",
    Why.TOO_FEW_SAMPLES: "too few samples to tell",
    Why.WITHIN_SHARE: "less than counts",
}


def describe_baseline(baseline: Baseline) -> str:
    """What was compared with: ``run NAME of TIME``, or a file and the run it was made of."""
    run = f"run {baseline.run} of {moment(baseline.started)}"
    if baseline.named is BaselineKind.RUN:
        return run
    updated = baseline.updated
    why = (
        ""
        if updated is None
        else f", written by {updated.by or 'an unknown user'}: {updated.reason}"
    )
    return f"{baseline.name}, of {run}{why}"


def describe_change(change: AspectChange) -> str:
    """One line without the outcome: aspect, values, by how much and why."""
    what = f"{change.aspect} {change.what}".rstrip()
    if change.aspect is Aspect.NUMBER and change.what:
        what = change.what
    before, after = (value_text(change, value) for value in (change.before, change.after))
    values = f": {after}" if before == after else f": {before} -> {after}"
    if change.before is None and change.after is None:
        values = ""
    notes = [*_estimate(change), *([why_text(change)] if change.why else [])]
    if change.clock is Clock.CPU:
        notes.append("CPU time")
    if change.file_of:
        notes.append(f"the baseline's file is the one in run {change.file_of}")
    beside = f" ({'; '.join(notes)})" if notes else ""
    return f"{what}{values}{beside}"


def value_text(change: AspectChange, value: Any) -> str:
    """A value in the unit of its aspect."""
    if value is None:
        return NOTHING
    match change.aspect:
        case Aspect.AP:
            return coco_figure(value)
        case Aspect.LATENCY:
            return f"{milliseconds(value)} ms"
        case Aspect.SLOW_CALLS:
            return share(value)
        case Aspect.SIZE:
            return size(value)
        case Aspect.FILE:
            return f"sha256 {value[:12]}" if value else "none"
        case Aspect.SHAPES:
            return ", ".join(f"{dtype} {list(shape)}" for dtype, *shape in value)
        case _:
            return number(value)


def why_text(change: AspectChange) -> str:
    """What an outcome rests on."""
    if change.why is None:
        return ""
    text = _WHY[change.why]
    if change.why is Why.OTHER_KEY:
        parts = " and ".join(change.differs)
        return f"{text}: another {parts}"
    if change.why is Why.NOISE and change.noise_floor is not None:
        return (
            f"{text}: the baseline's file differs from itself by up to {share(change.noise_floor)}"
        )
    return text


def _estimate(change: AspectChange) -> list[str]:
    if change.estimate is None:
        return []
    if change.aspect is Aspect.AP:
        by, ends = coco_delta(round(change.estimate, 4)), _signed_figures(change.interval)
    else:
        by, ends = share(change.estimate, signed=True), _signed_shares(change.interval)
    notes = [by if not ends else f"{by}, 95 % interval {ends}"]
    return notes if change.p_value is None else [*notes, f"p {change.p_value:.2g}"]


def _signed_figures(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else " to ".join(f"{end:+.4f}" for end in interval)


def _signed_shares(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else " to ".join(share(end, signed=True) for end in interval)


def share(value: float, *, signed: bool = False) -> str:
    """A share as a percentage: ``4.2 %``."""
    return f"{100 * value:+.1f} %" if signed else f"{100 * value:.1f} %"


def counted(outcomes: Mapping[Outcome, int]) -> str:
    """``2 worse, 1 better``; ``nothing has changed`` where all are the same."""
    words = [
        f"{outcomes[each]:,} {each}"
        for each in OUTCOMES
        if each is not Outcome.SAME and outcomes.get(each)
    ]
    return ", ".join(words) or "nothing has changed"
