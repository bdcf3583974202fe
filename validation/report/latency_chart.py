"""All latency samples of a model on one axis: numbers in, coordinates out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from validation.record import formatting
from validation.record.types import ModelKey, Timing

_WIDTH, _ROW, _TICK = 1160, 30, 15
_LABEL_LETTERS = 26
# Where the strips begin and end; the names stand before them, the percentiles behind.
_LEFT, _RIGHT = 200, 960
_AXIS = 26
# The axis ends at the slowest sample, but not beyond so many times the highest median: one stall
# would press all others into a corner.
_MOST_MEDIANS = 3
_MOST_TICKS = 8


@dataclass(frozen=True)
class Strip:
    """The samples of one file with one number of threads.

    Args:
        key: Of the file.
        label: Its name, cut where it is long.
        threads: In words.
        middle: Where its line runs.
        path: A short line a sample, as the data of an SVG path.
        p50_x: Where the median stands.
        p95_x: Where the 95th percentile stands; None beyond the end of the axis.
        figures: Median and 95th percentile, in words.
        beyond: Samples beyond the end of the axis.
        described: All of it in one sentence.
    """

    key: ModelKey
    label: str
    threads: str
    middle: float
    path: str
    p50_x: float
    p95_x: float | None
    figures: str
    beyond: int
    described: str


@dataclass(frozen=True)
class LatencyChart:
    """The drawing.

    Args:
        width: Of the drawing.
        height: Of the drawing.
        left: Where the axis begins.
        right: Where it ends.
        base: Where it lies.
        strips: From top to bottom.
        ticks: Place and text of each mark on the axis.
    """

    width: int
    height: int
    left: int
    right: int
    base: int
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


def latency_chart(timings: Sequence[Timing]) -> LatencyChart | None:
    """Every timing whose samples are all times, in their order, from 0 ms on; None without any.

    Args:
        timings: Of one model.
    """
    finite = [
        (each, sorted(sample for sample in each.samples_ms if 0 <= sample < math.inf))
        for each in timings
    ]
    rows = [(each, samples) for each, samples in finite if len(samples) == len(each.samples_ms) > 0]
    if not rows:
        return None
    slowest = max(samples[-1] for _, samples in rows)
    end = min(1.02 * slowest, _MOST_MEDIANS * max(each.p50_ms for each, _ in rows)) or 1.0
    strips = tuple(
        _strip(each, samples, end, _ROW * index + _ROW / 2)
        for index, (each, samples) in enumerate(rows)
    )
    base = _ROW * len(rows)
    step = _step(end)
    ticks = tuple(
        (_x(step * number, end), formatting.number(round(step * number, 6)))
        for number in range(int(end / step + 1e-9) + 1)
    )
    return LatencyChart(_WIDTH, base + _AXIS, _LEFT, _RIGHT, base, strips, ticks)


def _step(end: float) -> float:
    """1, 2 or 5 times a power of ten, so that there are few marks."""
    size = 10.0 ** math.floor(math.log10(end))
    steps = (size * part for part in (0.1, 0.2, 0.5, 1.0, 2.0))
    return next(step for step in steps if end / step <= _MOST_TICKS)


def _x(milliseconds: float, end: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * milliseconds / end, 1)


def _strip(timing: Timing, samples: list[float], end: float, middle: float) -> Strip:
    inside = [sample for sample in samples if sample <= end]
    # Samples of one place are one line, so that a thousand of them stay small.
    places = dict.fromkeys(_x(sample, end) for sample in inside)
    top = round(middle - _TICK / 2, 1)
    p50, p95 = (formatting.with_milliseconds(each) for each in (timing.p50_ms, timing.p95_ms))
    threads = formatting.plural(timing.threads, "thread")
    label = timing.key.label or "?"
    return Strip(
        key=timing.key,
        label=label if len(label) <= _LABEL_LETTERS else f"{label[: _LABEL_LETTERS - 1]}\u2026",
        threads=threads,
        middle=middle,
        path=" ".join(f"M{place:g} {top:g}v{_TICK}" for place in places),
        p50_x=_x(timing.p50_ms, end),
        p95_x=_x(timing.p95_ms, end) if timing.p95_ms <= end else None,
        figures=f"{p50} / {p95}",
        beyond=len(samples) - len(inside),
        described=f"{label}, {threads}: {formatting.plural(len(samples), 'sample')} from "
        f"{formatting.with_milliseconds(samples[0])} to "
        f"{formatting.with_milliseconds(samples[-1])}, median {p50}, 95th percentile {p95}",
    )
