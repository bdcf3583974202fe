"""The summary of a CI job: what a person needs before the report, and no markup in a name."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path

import cmarkgfm
import pytest
from signable_run import FLOAT, GIVEN, write_signable_run

from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.lines import Entry
from validation.record.store import RECORD_NAME, Record, load_record
from validation.record.types import CheckResult, ModelKey
from validation.report.step_summary import step_summary
from validation.report.summary_rows import summary_rows
from validation.signoff.findings import Cause, Finding, Verdict
from validation.signoff.rules import Judgement, judge, policy_of
from validation.signoff.shipping import which_files

_HOSTILE = "<b>x</b>|`y`[z](https://example.org)\n# @everyone\x1b[2J"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A run of two variants and two given files, of which one loses too much."""
    write_signable_run(tmp_path / "run", ap=0.16, given=GIVEN)
    return load_record(tmp_path / "run" / RECORD_NAME)


def _summary(record: Record, judgement: Judgement | None = None, lost: tuple[str, ...] = ()) -> str:
    judgement = judgement or judge(record)
    return step_summary(
        record,
        judgement,
        summary_rows(record, judgement),
        which_files(record, judgement, policy_of(record)),
        "reports/night/index.html",
        lost,
    )


def _shown(text: str) -> ET.Element:
    html = cmarkgfm.github_flavored_markdown_to_html(text)
    return ET.fromstring(f"<page>{html}</page>")


def _text(element: ET.Element) -> str:
    return "".join(element.itertext())


def test_summary(record: Record) -> None:
    """Verdict, causes, a row for each file with its figures, what to ship, where the page lies."""
    page = _shown(_summary(record))
    titles = [_text(each) for each in page if each.tag in ("h2", "h3")]
    assert titles == ["Validation: FAIL", "Why", "To ship"]
    rows = [[_text(cell) for cell in row] for row in page.iterfind("table/tbody/tr")]
    assert len(rows) == 4
    assert rows[0][:4] == ["FAIL", "person-int8", "0.1600", "-0.0350"]
    assert "ms, 1 thread" in rows[0][6]
    text = _text(page)
    assert "ap_drop is 0.035" in text
    assert "Report: reports/night/index.html" in text


def test_what_is_wrong_stands_below_its_cause(record: Record) -> None:
    """As a line of its own, in which no name is markup."""
    wrong = Diagnosis(
        "person",
        "int8",
        FaultKind.WEIGHTS,
        Place.CHECKPOINT,
        DiagnosedBy.ROUTES,
        where=_HOSTILE,
        check="accuracy",
    )
    page = _shown(_summary(dataclasses.replace(record, diagnoses=(wrong,))))
    below = [_text(each) for each in page.iterfind("ul/li/ul/li")]
    assert len(below) == 1
    assert below[0].startswith("diagnosis: checkpoint: weights differ: <b>x</b>|")
    assert "next step: take the checkpoint and the graph of one training" in below[0]


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    """Of models, files and checks' messages alike: no element comes from a name."""

    def change(entry: Entry) -> Entry:
        if isinstance(entry, CheckResult) and entry.key == FLOAT:
            return dataclasses.replace(entry, status=Status.FAIL, message=_HOSTILE)
        return entry

    write_signable_run(tmp_path / "run", change=change)
    record = load_record(tmp_path / "run" / RECORD_NAME)
    key = ModelKey(_HOSTILE, "int8", "<i>.tflite")
    header = dataclasses.replace(record.header, selection=(*record.header.selection, key))
    record = dataclasses.replace(record, header=header)
    page = _shown(_summary(record))
    allowed = {"page", "h2", "h3", "p", "ul", "li", "strong", "table", "thead", "tbody"}
    assert {each.tag for each in page.iter()} <= {*allowed, "tr", "th", "td"}
    text = _text(page)
    assert "<b>x</b>|`y`[z](https://example.org)" in text
    assert "<i>.tflite" in text
    assert "\x1b" not in text


def test_long_runs_stay_within_what_github_takes(record: Record) -> None:
    """A thousand files and as many causes are a tenth of a MiB, and what is left out is counted."""
    judgement = judge(record)
    findings = tuple(
        Finding(
            Status.FAIL,
            Cause.RESULT,
            FLOAT,
            "accuracy",
            CheckResult.failed("accuracy", FLOAT, f"cause {number} " + "x" * 300),
        )
        for number in range(1000)
    )
    many = dataclasses.replace(judgement, run=Verdict(Status.FAIL, findings))
    rows = summary_rows(record, judgement) * 250
    text = step_summary(record, many, rows, (), "index.html")
    assert len(text.encode()) < 100_000
    assert "and 800 more files: " in text
    assert "and 960 more causes, see the report" in text


def test_long_texts_stay_within_what_github_takes(record: Record) -> None:
    """A message of a megabyte is cut, and many lines of one section are counted."""
    judgement = judge(record)
    result = CheckResult.failed("accuracy", FLOAT, "*" * 1_000_000)
    finding = Finding(Status.FAIL, Cause.RESULT, FLOAT, "accuracy", result)
    long = dataclasses.replace(judgement, run=Verdict(Status.FAIL, (finding,)))
    lost = tuple(f"{number}: {'x' * 5000}" for number in range(1000))
    text = _summary(record, long, lost)
    assert len(text.encode()) < 100_000
    assert "and 960 more lines, see the report" in text
    assert "…" in text


def test_nothing_of_a_lost_run_is_to_be_shipped(record: Record) -> None:
    """Its files may have gone with it; what could not be written is named instead."""
    page = _shown(_summary(record, lost=("record and pages: No space left on device (reports)",)))
    titles = [_text(each) for each in page if each.tag == "h3"]
    assert titles == ["Why", "Not written"]
