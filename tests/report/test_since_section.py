"""What has changed since the baseline is on the first page, the worst first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import Page, pages_of, render_run

from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.baseline import (
    Aspect,
    AspectChange,
    Baseline,
    BaselineComparison,
    BaselineKind,
    BaselineSubject,
    KeyPart,
    Outcome,
    Why,
)
from validation.record.lines import Entry
from validation.record.machine_class import MachineClass

Write = Callable[..., Path]

_SAME = AspectChange(Aspect.NAMES, Outcome.SAME)
_LESS = AspectChange(Aspect.AP, Outcome.WORSE, "", 0.2, 0.19, (-0.02, -0.005), -0.01)
_FASTER = AspectChange(
    Aspect.LATENCY, Outcome.BETTER, "LiteRT, 1 thread", 12.0, 9.0, (-0.3, -0.2), -0.25, 1e-6
)
_OTHER = AspectChange(
    Aspect.LATENCY, Outcome.UNKNOWN, why=Why.OTHER_KEY, differs=(KeyPart.MACHINE,)
)
_BASELINE = Baseline(
    named=BaselineKind.RUN,
    name="night",
    run="2026-01-01-night",
    started="2026-01-01T03:04:05+00:00",
    machine=MachineClass("x86_64", 4, "A chip"),
    versions={"tensorflow": "2.20.0"},
    verdict=Status.PASS,
    subjects=(
        BaselineSubject("person", "float", Status.PASS),
        BaselineSubject("person", "int8", Status.FAIL),
        BaselineSubject("person", "gone <b>", Status.PASS),
    ),
    path="baseline/baseline.json",
    sha256="a1" * 32,
    size_bytes=1,
)


@pytest.fixture
def page(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> Callable[..., Page]:
    """The first page of the example run, compared with a baseline."""

    def render(baseline: Baseline, **changes: tuple[AspectChange, ...]) -> Page:
        compared = (BaselineComparison("person", key, each) for key, each in changes.items())
        run = write_run([*entries, baseline, *compared])
        return pages_of(render_run(run, policy))["index.html"]

    return render


def test_the_worst_first_each_with_its_file(page: Callable[..., Page]) -> None:
    """By how much and with what interval; what is the same is not listed."""
    found = page(_BASELINE, float=(_SAME, _FASTER), int8=(_SAME, _LESS))
    text = found.text[found.text.index("Since the baseline") :]
    assert "1 worse, 1 better in 2 files since run 2026-01-01-night of 2026-01-01 03:04:05" in text
    assert "Verdict then PASS , now FAIL ." in text
    worse, better = text.index("WORSE int8 AP: 0.2000"), text.index("BETTER float latency")
    assert worse < better
    assert "-0.0100, 95 % interval -0.0200 to -0.0050" in text
    assert found.values("href").count("model-person.html#int8") >= 1
    assert "#since" not in found.values("href")


def test_what_is_not_known_for_one_reason_is_one_row(page: Callable[..., Page]) -> None:
    """With the files that it is about, after everything that is known."""
    text = page(_BASELINE, float=(_OTHER,), int8=(_OTHER, _LESS)).text
    assert "UNKNOWN float , int8 latency: not comparable: another machine class" in text
    assert text.index("WORSE int8") < text.index("UNKNOWN float")


def test_what_has_changed_alike_is_one_row(page: Callable[..., Page]) -> None:
    """With the files that it touches; another outcome or other figures are another row."""
    failed = AspectChange(Aspect.CHECK, Outcome.WORSE, "latency", "pass", "fail")
    found = page(_BASELINE, float=(failed,), int8=(failed, _LESS))
    assert "WORSE float , int8 check latency: pass -> fail" in found.text
    assert found.text.count("check latency: pass -> fail") == 1
    assert "WORSE int8 AP: 0.2000" in found.text
    assert "3 worse in 2 files" in found.text


def test_files_that_were_not_tested_share_a_line(page: Callable[..., Page]) -> None:
    """Six of them; the others unfold, so that a run of one model does not list a hundred."""
    gone = tuple(BaselineSubject(f"m{number}", "float", Status.PASS) for number in range(9))
    baseline = dataclasses.replace(_BASELINE, subjects=(*_BASELINE.subjects[:2], *gone))
    text = page(baseline, float=(_SAME,), int8=(_SAME,)).text
    assert text.count("not tested in this run:") == 1
    assert "m5-float and 3 more 3 more files m6-float, m7-float, m8-float" in text


def test_what_the_runs_do_not_have_in_common(page: Callable[..., Page]) -> None:
    """Versions, the machine, and files that were not tested again; names stay text."""
    found = page(_BASELINE, float=(_SAME,), int8=(_SAME,))
    assert "another tensorflow: 2.20.0 then, 2.21.0 now" in found.text
    assert "another machine class:" in found.text
    assert "not tested in this run: person-gone <b>" in found.text
    assert "nothing has changed in 2 files" in found.text


def test_a_baseline_that_is_replaced_is_not_judged(page: Callable[..., Page]) -> None:
    """The reason that was given stands beside it."""
    accepted = dataclasses.replace(_BASELINE, accepted="new calibration images")
    text = page(accepted, float=(_SAME,), int8=(_LESS,)).text
    assert "Not judged, for the baseline is replaced by this run: new calibration images" in text


def test_without_a_baseline_there_is_no_section(
    write_run: Write, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """Nothing to compare with is no finding."""
    text = pages_of(render_run(write_run(entries), policy))["index.html"].text
    assert "Since the baseline" not in text
