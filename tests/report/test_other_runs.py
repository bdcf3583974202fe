"""Pages of runs that are not as usual: not ended, passing, empty, refused."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import pages_of, render_run

from validation.errors import ArtefactMissing, RecordError
from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Header
from validation.record.store import RECORD_NAME
from validation.record.types import CheckResult, Measure, ModelKey

Write = Callable[..., Path]


def test_unfinished_run(write_run: Write, entries: tuple[Entry, ...], policy: Policy) -> None:
    """A crashed run is shown, says that it did not end, and cannot be signed."""
    good = [
        entry
        for entry in entries
        if not (isinstance(entry, CheckResult) and entry.variant == "int8")
    ]
    pages = pages_of(render_run(write_run(good, ended=False), policy))
    text = pages["index.html"].text
    assert "UNKNOWN Run 2026-01-02-night" in text
    assert "This run did not end." in text
    assert "its verdict is UNKNOWN" in text
    assert "This run did not end." in pages["model-person.html"].text


def test_passing_run_can_be_signed(
    write_run: Write, header: Header, entries: tuple[Entry, ...], policy: Policy
) -> None:
    """A run without fault offers a line to sign, tied to the record's hash."""
    good = [
        entry
        for entry in entries
        if not (isinstance(entry, CheckResult) and entry.variant == "int8")
    ]
    selected = dataclasses.replace(header, selection=(ModelKey("person", "float"),))
    run = write_run(good, header=selected)
    text = pages_of(render_run(run, policy))["index.html"].text
    assert "PASS Run 2026-01-02-night" in text
    assert "signs files, record, evidence and policy of the run's folder" in text
    assert "cannot be signed" not in text
    assert "Every finding" not in text


def test_not_a_number_is_shown(write_run: Write, policy: Policy) -> None:
    """NaN is written as NaN and fails."""
    measures = (Measure("ap_drop", math.nan, Limit("max", 0.01, "why")),)
    result = CheckResult.judged("accuracy", ModelKey("person", "float"), measures)
    pages = pages_of(render_run(write_run([result]), policy))
    assert "ap_drop NaN \u2264 0.01 NaN FAIL" in pages["model-person.html"].text


def test_empty_run(write_run: Write, header: Header, policy: Policy) -> None:
    """A run that tested nothing has a page that says so."""
    nothing = dataclasses.replace(header, selection=())
    pages = pages_of(render_run(write_run([], header=nothing), policy))
    assert sorted(pages) == ["index.html", "matrix.html"]
    assert "nothing was selected, so nothing was tested" in pages["index.html"].text
    assert "No model was tested." in pages["index.html"].text


def test_model_without_anything(write_run: Write, policy: Policy) -> None:
    """A model that was only selected has a page that says what is missing."""
    pages = pages_of(render_run(write_run([]), policy))
    text = pages["model-person.html"].text
    assert "raw_parity required no result in the record" in text
    for expected in (
        "No check left a result.",
        "No accuracy was measured.",
        "No latency was measured.",
        "No picture was kept.",
        "No file was recorded.",
    ):
        assert expected in text


def test_own_policy_is_the_default(write_run: Write, entries: tuple[Entry, ...]) -> None:
    """Without a policy the package's own judges."""
    text = pages_of(render_run(write_run(entries)))["index.html"].text
    assert "The policy has changed since this run" in text


def test_refused_record(tmp_path: Path, write_run: Write, policy: Policy) -> None:
    """No page is made of a record that cannot be trusted."""
    with pytest.raises(ArtefactMissing, match="there is no record"):
        render_run(tmp_path, policy)
    run = write_run([])
    record = run / RECORD_NAME
    record.write_text(record.read_text() * 2)
    with pytest.raises(RecordError, match="an entry after the footer"):
        render_run(run, policy)
    assert not list(run.glob("*.html"))
