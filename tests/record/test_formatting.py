"""Numbers in the report: short, and never rounded into something untrue."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from validation.policy.limits import Limit, Status
from validation.record import formatting
from validation.record.types import Measure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2014"),
        (True, "true"),
        (0, "0"),
        (8000, "8,000"),
        (0.0, "0"),
        (1.2345e-6, "1.2e-06"),
        (-3.6e-4, "-3.6e-04"),
        (0.0254, "0.0254"),
        (9.84273, "9.843"),
        (300.0, "300"),
        (0.99999, "0.99999"),
        (12345.67, "12,345.7"),
        (2.5e7, "2.500e+07"),
        (math.nan, "NaN"),
        (math.inf, "inf"),
        ("float32", "float32"),
        ([1, 2.5], "1, 2.5"),
        ({"a": 1}, "a: 1"),
    ],
)
def test_number(value: Any, text: str) -> None:
    """Four significant digits, tiny numbers with a power of ten."""
    assert formatting.number(value) == text


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e300, 1e300))
def test_number_is_near(value: float) -> None:
    """What is written is the value within its rounding."""
    text = float(formatting.number(value).replace(",", ""))
    assert math.isclose(text, value, rel_tol=0.05)


@settings(max_examples=100, deadline=None)
@given(st.floats(-10, 10), st.floats(-1e-6, 1e-6))
def test_value_and_limit_differ(bound: float, difference: float) -> None:
    """A value that is not its limit never reads like it."""
    measure = Measure("x", bound + difference, Limit("max", bound, "why"))
    value, limit = formatting.value_and_limit(measure)
    assert (f"\u2264 {value}" == limit) == (measure.value == bound)


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit("max", 0.001, "why"), "\u2264 0.001"),
        (Limit("min", 0.19, "why"), "\u2265 0.19"),
        (Limit("equal", "float32", "why"), "= float32"),
        (Limit("max", 5, "why", warn=2), "\u2264 5, warns beyond 2"),
        (Limit("max", 0, "why", beyond=Status.WARN), "\u2264 0, only warns"),
        (Limit("any", True, "why"), "any value"),
        (None, ""),
    ],
)
def test_limit(limit: Limit | None, text: str) -> None:
    """A limit is written as relation and bound."""
    assert formatting.value_and_limit(Measure("x", 1, limit))[1] == text


@pytest.mark.parametrize(
    ("value", "limit", "headroom", "used"),
    [
        (0.25, Limit("max", 1.0, "why"), "0.75", 25),
        (2.0, Limit("max", 1.0, "why"), "-1", 100),
        (math.nan, Limit("max", 1.0, "why"), "NaN", 100),
        (-0.5, Limit("max", 1.0, "why"), "1.5", 0),
        (0, Limit("max", 0, "why"), "0", None),
        (0.2, Limit("min", 0.1, "why"), "0.1", None),
        (7, Limit("equal", 7, "why"), "\u2014", None),
        (None, Limit("max", 1.0, "why"), "\u2014", None),
        (True, Limit("max", 1.0, "why"), "\u2014", None),
        (7, None, "", None),
        # A limit that the value never comes near.
        (8, Limit("max", 1_000_000, "why"), "ample", 0),
        (11502, Limit("min", 1, "why"), "ample", None),
        (0, Limit("max", 1_000_000, "why"), "ample", 0),
        (99, Limit("min", 1, "why"), "98", None),
    ],
)
def test_headroom(value: Any, limit: Limit | None, headroom: str, used: int | None) -> None:
    """Head-room is in units of the value; the share of a limit only where it has one."""
    measure = Measure("x", value, limit)
    assert formatting.headroom(measure) == headroom
    assert formatting.used_percent(measure) == used


@pytest.mark.parametrize(
    ("name", "value", "bound", "texts"),
    [
        ("p50_ms", 9.75, 1000, ("9.75 ms", "\u2264 1 s")),
        ("p50_ms", 1234.5, 10_000, ("1.234 s", "\u2264 10 s")),
        ("p50_ms", 0.0004, 1.0, ("4.0e-04 ms", "\u2264 1.00 ms")),
        ("lost_share", 0.0123, 0.05, ("1.23 %", "\u2264 5 %")),
        ("lost_share", 1 / 3, 1, ("33.3 %", "\u2264 100 %")),
        ("size_bytes", 4_300_000, 5_000_000, ("4.30 MB", "\u2264 5.00 MB")),
        ("scores_sqnr_db", 29.25, 150, ("29.25 dB", "\u2264 150 dB")),
        ("unmatched_detections", 12345, 20000, ("12,345", "\u2264 20,000")),
        ("p50_ms", math.nan, 1.0, ("NaN", "\u2264 1.00 ms")),
        ("lost_share", None, 1.0, ("\u2014", "\u2264 100 %")),
        # Rounding would hide by how little the limit is missed.
        ("lost_share", 0.0500001, 0.05, ("0.0500001", "\u2264 0.05")),
    ],
)
def test_units(name: str, value: Any, bound: float, texts: tuple[str, str]) -> None:
    """Values and limits in the unit that the measure is called by."""
    measure = Measure(name, value, Limit("max", bound, "why"))
    assert formatting.value_and_limit(measure) == texts


def test_an_interval_has_the_unit_of_its_value() -> None:
    """A share in percent beside a value in percent."""
    limit = Limit("max", 0.08, "why")
    assert formatting.interval(Measure("lost_share", 0.0169, limit, (4e-4, 0.09207))) == (
        "0.04 % to 9.21 %"
    )
    assert formatting.interval(Measure("lost_share", 0.0169, limit)) == ""


def test_a_limit_that_only_warns_says_what_should_be() -> None:
    """There is nothing that the value is inside of."""
    measure = Measure("classes_without_category", 1, Limit("max", 0, "why", beyond=Status.WARN))
    assert measure.status is Status.WARN
    said = "classes_without_category is 1, should be at most 0"
    assert formatting.describe_measure(measure) == said


def test_limit_reason() -> None:
    """A value without limit says that nothing judges it."""
    assert formatting.limit_reason(Limit("max", 1, "because")) == "because"
    assert formatting.limit_reason(None) == "for information only: no limit judges it"


@pytest.mark.parametrize(
    ("value", "reference", "figure", "delta"),
    [
        (0.1948, 0.195, "0.1948", "-0.0002"),
        (0.2, 0.1, "0.2000", "+0.1000"),
        (0.20001, 0.2, "0.2000", "0.0000"),
        (0.19999, 0.2, "0.2000", "0.0000"),
        (-1, 0.2, "n/a", ""),
        (0.2, -1, "0.2000", ""),
        (None, 0.2, "\u2014", ""),
        (0.2, None, "0.2000", ""),
        (math.nan, 0.2, "NaN", "NaN"),
    ],
)
def test_coco(value: float | None, reference: float | None, figure: str, delta: str) -> None:
    """COCO figures have four decimals; what has no ground truth has no difference."""
    assert formatting.coco_figure(value) == figure
    difference = formatting.coco_difference(value, reference)
    assert formatting.coco_delta(difference) == delta


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "\u2014"),
        (12, "12 B"),
        (8937, "8.94 kB"),
        (12_180_000, "12.18 MB"),
        (2_000_000_000, "2.00 GB"),
    ],
)
def test_size(count: int | None, text: str) -> None:
    """Bytes in decimal units."""
    assert formatting.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2014"),
        (0.02, "0.02 s"),
        (21.23, "21.2 s"),
        (59.99, "60.0 s"),
        (68.0, "1 min 08 s"),
        (3725.0, "1 h 02 min"),
        (math.inf, "inf"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    """Seconds, minutes or hours, as they come."""
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\u2014"), (9.8372, "9.84"), (1234.5, "1,234"), (math.nan, "NaN")],
)
def test_milliseconds(value: float | None, text: str) -> None:
    """Two decimals below a tenth of a second, none above."""
    assert formatting.milliseconds(value) == text


def test_moment() -> None:
    """A time is written to the second; what is no time is left alone."""
    assert formatting.moment("2026-01-02T03:04:05.678+00:00") == "2026-01-02 03:04:05 UTC"
    assert formatting.moment("2026-01-02T03:04:05") == "2026-01-02 03:04:05"
    assert formatting.moment("yesterday") == "yesterday"


def test_plural() -> None:
    """One of a thing is singular."""
    assert [formatting.plural(count, "model") for count in (0, 1, 2000)] == [
        "0 models",
        "1 model",
        "2,000 models",
    ]


@pytest.mark.parametrize(
    ("ids", "text"),
    [((), ""), ((1,), "1"), ((3, 1, 2, 5), "1\u20133, 5"), ((1, 3), "1, 3")],
)
def test_id_ranges(ids: tuple[int, ...], text: str) -> None:
    """Runs of ids are drawn together."""
    assert formatting.id_ranges(ids) == text


@pytest.mark.parametrize(
    ("value", "interval", "said"),
    [
        (0.3, (0.2, 0.4), "x is 0.3 (95 % interval 0.2 to 0.4), should be at most 0.1"),
        (
            0.0,
            (0.0, 0.2),
            "x is 0 (95 % interval 0 to 0.2), should be at most 0.1: too few images to tell",
        ),
        (
            0.12,
            (0.0, 0.2),
            "x is 0.12 (95 % interval 0 to 0.2), should be at most 0.1: too few images to tell",
        ),
        (
            0.08,
            (0.07, 0.09),
            "x is 0.08 (95 % interval 0.07 to 0.09), "
            "inside its limit (at most 0.1) but beyond 0.05",
        ),
    ],
)
def test_a_measure_with_an_interval(value: float, interval: tuple[float, float], said: str) -> None:
    """Its ends are beside it; where the limit lies between them nothing is decided."""
    measure = Measure("x", value, Limit("max", 0.1, "why", warn=0.05), interval)
    assert formatting.describe_measure(measure) == said
