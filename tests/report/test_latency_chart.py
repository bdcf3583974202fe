"""Every latency sample on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from validation.record.types import Timing
from validation.report.latency_chart import latency_chart

SAMPLES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


def _timing(samples: Sequence[float], variant: str = "float", threads: int = 1) -> Timing:
    return Timing("person", variant, "LiteRT", threads, 0, tuple(samples))


@settings(max_examples=60, deadline=None)
@given(st.lists(SAMPLES, min_size=1, max_size=4))
def test_every_sample_is_drawn_or_counted(rows: list[list[float]]) -> None:
    """On the axis in its order; what lies beyond its end is said."""
    chart = latency_chart([_timing(samples) for samples in rows])
    assert chart is not None
    assert len(chart.strips) == len(rows)
    for strip, samples in zip(chart.strips, rows, strict=True):
        lines = strip.path.split(" M")
        places = [float(line.removeprefix("M").partition(" ")[0]) for line in lines if line]
        assert all(chart.left <= place <= chart.right for place in places)
        assert len(places) <= len(samples) - strip.beyond
        assert bool(places) is (strip.beyond < len(samples))
        assert chart.left <= strip.p50_x <= (strip.p95_x or chart.right) <= chart.right
    places = [x for x, _ in chart.ticks]
    assert places == sorted(set(places))
    assert 2 <= len(places) <= 9


@pytest.mark.parametrize("sample", [-1.0, -math.inf, math.nan])
def test_what_is_no_time_is_not_drawn(sample: float) -> None:
    """A record from elsewhere may hold it; the figures say what it holds, a chart cannot."""
    assert latency_chart([_timing((sample, sample))]) is None
    chart = latency_chart([_timing((sample, 1.0)), _timing((2.0,), "int8")])
    assert chart is not None
    assert [each.label for each in chart.strips] == ["int8"]


def test_figures_and_words() -> None:
    """Median and 95th percentile beside the strip, and all of it in a sentence."""
    chart = latency_chart([_timing((9.0, 9.5, 10.0, 14.0)), _timing((1500.0,), "int8", 2)])
    assert chart is not None
    assert [(each.label, each.threads, each.figures) for each in chart.strips] == [
        ("float", "1 thread", "9.75 ms / 13.40 ms"),
        ("int8", "2 threads", "1.5 s / 1.5 s"),
    ]
    assert chart.strips[0].described == (
        "float, 1 thread: 4 samples from 9.00 ms to 14.00 ms, median 9.75 ms, "
        "95th percentile 13.40 ms"
    )


def test_one_stall_does_not_press_the_others_together() -> None:
    """The axis ends before it, and says so."""
    chart = latency_chart([_timing([10.0] * 99 + [5000.0])])
    assert chart is not None
    assert chart.strips[0].beyond == 1
    assert chart.strips[0].p50_x > chart.left + (chart.right - chart.left) / 4


@pytest.mark.parametrize("samples", [(), (math.nan,), (1.0, math.nan)])
def test_no_strip_without_numbers(samples: tuple[float, ...]) -> None:
    """Nothing is drawn where nothing was measured."""
    assert latency_chart([_timing(samples)]) is None
