"""Lines through the figures of past runs: where they go, and what they say in words."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.policy.limits import Status
from validation.record.history import History, PastRun, PastSubject
from validation.record.machine_class import MachineClass
from validation.record.types import ModelKey, OfVariant
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
    assert _trend(_history(None, None)).text == "AP: not measured in this run"


@pytest.mark.parametrize("now", [None, float("nan")])
def test_a_figure_of_an_earlier_run_is_none_of_this_one(now: float | None) -> None:
    """The cell shows what the run of the page has measured, and each line ends there."""
    found = _trend(_history(0.5, 0.6, now))
    assert (found.last, found.points) == ("", "")


def test_ap_of_other_pictures_is_not_drawn() -> None:
    """They have the same names and labels, and another AP."""
    *earlier, last = _history(0.5, 0.6, 0.7).runs
    subjects = (dataclasses.replace(last.subjects[0], image_files_sha256="b" * 64),)
    history = History((*earlier, dataclasses.replace(last, subjects=subjects)))
    assert _trend(history).text == "AP: 0.7000, in one run"
    assert _trend(history, "size").points


def test_a_given_file_of_another_form_goes_on() -> None:
    """It is known by its name."""
    history = _history(0.5, 0.6)
    runs = tuple(
        dataclasses.replace(run, subjects=(dataclasses.replace(_SUBJECT, variant=form, file="d"),))
        for run, form in zip(history.runs, ("float", "int8"), strict=True)
    )
    (row,) = trends(History(runs), "r1", [ModelKey("m", "int8", "d")]).rows
    assert row.trends[0].points


def test_each_file_of_a_run_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages are made: with a hundred models there are thirty thousand figures."""
    looked, history, key = Counter[int](), _history(0.5, 0.6, 0.7), OfVariant.key

    def counted(entry: OfVariant) -> ModelKey:
        looked[id(entry)] += 1
        return key.fget(entry)  # type: ignore[attr-defined,no-any-return]

    monkeypatch.setattr(OfVariant, "key", property(counted))
    for _ in range(5):
        assert trends(history, "r2", [_KEY] * 3).rows
    assert set(looked.values()) == {1}


@pytest.mark.parametrize("earlier", [(), (0.5,)], ids=["alone", "after another"])
def test_what_is_ignored_is_said_once(earlier: tuple[float, ...]) -> None:
    """Also where it was all that there is; a change of the layout is no reason for sixty notes."""
    ignored = tuple((f"{number}.json", "version 0") for number in range(60))
    history = dataclasses.replace(_history(*earlier, 0.6), ignored=ignored)
    found = trends(history, history.runs[-1].run, [_KEY])
    assert found.notes == (
        "60 files of the history ignored (0.json, 1.json and 58 more): version 0",
    )


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
