"""Lines through the figures of past runs: where they go, and what they say in words."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.policy.limits import Status
from validation.record.history import History, PastRun, PastSubject
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey
from validation.report.trends import EDGE, HEIGHT, WIDTH, Trend, trends

_KEY = ModelKey("m", "float")
_SUBJECT = PastSubject("m", "float", Status.PASS, "a" * 64, 9000, 0.5, 1.5, 1, 0.2, "c.x")
_MACHINE = MachineClass("CPU", 2, "x86_64")


def _history(*aps: float | None, **changed: object) -> History:
    runs = tuple(
        PastRun(
            f"r{number}",
            f"2026-01-{number + 1:02}T00:00:00Z",
            _MACHINE,
            {},
            "",
            Status.PASS,
            (dataclasses.replace(_SUBJECT, ap=ap),),
        )
        for number, ap in enumerate(aps)
    )
    return History((*runs[:-1], dataclasses.replace(runs[-1], **changed)))  # type: ignore[arg-type]


def _trend(history: History, name: str = "AP") -> Trend:
    (row,) = trends(history, history.runs[-1].run, [_KEY]).rows
    (found,) = [each for each in row.trends if each.name == name]
    return found


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30))
@settings(max_examples=80, deadline=None)
def test_every_line_stays_in_its_drawing(values: list[float]) -> None:
    """From the left edge to the right one, whatever the figures are."""
    points = [
        tuple(map(float, each.split(","))) for each in _trend(_history(*values)).points.split()
    ]
    assert len(points) == len(values)
    assert [points[0][0], points[-1][0]] == [EDGE, WIDTH - EDGE]
    assert all(EDGE <= y <= HEIGHT - EDGE for _, y in points)


def test_a_figure_in_words() -> None:
    """Who sees no line reads where it went."""
    found = _trend(_history(0.5, 0.52, 0.48))
    assert found.last == "0.4800"
    assert found.text == (
        "AP over 3 runs since 2026-01-01 00:00:00 UTC: 0.5000 to 0.4800, between 0.4800 and 0.5200"
    )


def test_what_is_missing_makes_no_line() -> None:
    """One figure is no line, and none is said to be none."""
    assert _trend(_history(None, 0.5)).points == ""
    assert _trend(_history(None, None)).text == "AP: not measured"


def test_a_figure_of_an_earlier_run_is_none_of_this_one() -> None:
    """A file that was not scored in this run shows no AP, however often it was before."""
    found = _trend(_history(0.5, 0.6, None))
    assert (found.last, found.points, found.end) == ("", "", None)
    assert found.text == "AP: not measured in this run"
    assert _trend(_history(0.5, None)).last == ""


def test_other_machines_have_no_part_in_latency() -> None:
    """Their runs are left out of that line, and that is said."""
    history = _history(0.5, 0.5, 0.5, machine=MachineClass("other", 2, "x86_64"))
    assert _trend(history, "median latency").text == "median latency: 1.50 ms, in one run"
    found = trends(history, "r2", [_KEY])
    assert found.notes == ("latencies of 2 runs are left out: another machine class or LiteRT",)


@pytest.mark.parametrize("run", ["r0", "unknown"])
def test_no_section_without_an_earlier_run(run: str) -> None:
    """The first run has no past, and neither has one that the history does not know."""
    assert trends(_history(0.5, 0.6), run, [_KEY]).rows == ()


def test_a_page_made_again_ends_at_its_own_run() -> None:
    """What came later is not drawn on the page of an earlier run."""
    assert trends(_history(0.5, 0.6, 0.7), "r1", [_KEY]).runs == 2
