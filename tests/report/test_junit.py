"""Properties of a JUnit file: figures, verdicts and pages, whatever names hold."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from signable_run import FLOAT, GIVEN, GIVEN_INT8, INT8, write_signable_run

from validation.errors import ArtefactError
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.store import RECORD_NAME, Record, load_record
from validation.record.types import ModelKey
from validation.report.anchors import check_anchor
from validation.report.junit import identity, with_properties
from validation.report.summary_rows import summary_rows
from validation.signoff.rules import judge

_RUN = PurePosixPath("reports/night")


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A run of two variants and two given files, of which one loses too much."""
    write_signable_run(tmp_path / "run", ap=0.16, given=GIVEN)
    return load_record(tmp_path / "run" / RECORD_NAME)


def _document(*cases: list[tuple[str, str]]) -> bytes:
    suite = ET.Element("testsuite", name="pytest")
    for number, properties in enumerate(cases):
        case = ET.SubElement(suite, "testcase", name=f"test_{number}")
        if properties:
            holder = ET.SubElement(case, "properties")
            for name, value in properties:
                ET.SubElement(holder, "property", name=name, value=value)
        ET.SubElement(case, "skipped")
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root)


def _completed(document: bytes, record: Record, **change: Any) -> ET.Element:
    judgement = judge(record)
    given: dict[str, Any] = {"folder": _RUN, "page": "index.html", **change}
    rows = summary_rows(record, judgement)
    return ET.fromstring(with_properties(document, record, judgement, rows, **given))


def _of(element: ET.Element) -> dict[str, str]:
    return {each.attrib["name"]: each.attrib["value"] for each in element.iterfind("*/property")}


def test_properties(record: Record) -> None:
    """Of a test: the file's figures and verdict, the check's result, the place on the page."""
    root = _completed(_document(identity("accuracy", INT8), [], identity("latency", FLOAT)), record)
    (suite,) = root
    own = {each.attrib["name"]: each.attrib["value"] for each in suite.iterfind("properties/*")}
    assert own == {
        "verdict": "FAIL",
        "run": record.header.run,
        "page": "reports/night/index.html",
    }
    accuracy, other, latency = suite.iterfind("testcase")
    files = {each.key: each for each in record.artefacts if each.role == "tflite"}
    found = _of(accuracy)
    assert {name: found[name] for name in ("check", "model", "variant", "verdict", "result")} == {
        "check": "accuracy",
        "model": "person",
        "variant": "int8",
        "verdict": "FAIL",
        "result": "FAIL",
    }
    assert (found["ap"], found["ap_reference"], found["ap_difference"]) == (
        "0.16",
        "0.195",
        "-0.035",
    )
    assert found["sha256"] == files[INT8].sha256
    assert found["page"] == f"reports/night/model-person.html#{check_anchor(INT8, 'accuracy')}"
    assert _of(other) == {}
    assert (_of(latency)["threads"], float(_of(latency)["p50_ms"]) > 0) == ("1", True)
    # What readers of the format expect: properties before the result.
    assert [each.tag for each in accuracy] == ["properties", "skipped"]


def test_diagnoses_of_a_case(record: Record) -> None:
    """Those that its check gave of its file, the most direct first, each with its next step."""
    tried = Diagnosis(
        "person",
        "int8",
        FaultKind.ANCHORS,
        Place.CONFIG,
        DiagnosedBy.HYPOTHESIS,
        got="sides times 1.5\x1b[2J",
        check="accuracy",
    )
    direct = dataclasses.replace(tried, fault=FaultKind.MIRRORED, by=DiagnosedBy.ROUTES, got=None)
    diagnosed = dataclasses.replace(record, diagnoses=(tried, direct))
    cases = [identity(check, INT8) for check in ("accuracy", "latency")]
    (suite,) = _completed(_document(*cases, identity("accuracy", FLOAT)), diagnosed)
    accuracy, *others = suite.iterfind("testcase")
    said = [
        (each.get("name"), each.get("value"))
        for each in accuracy.iterfind("properties/property")
        if each.get("name") in ("diagnosis", "next_step")
    ]
    assert said == [
        ("diagnosis", "pipeline.config: images are mirrored"),
        ("next_step", "feed the image as it is"),
        ("diagnosis", "pipeline.config: anchors are others: sides times 1.5\\x1b[2J"),
        ("next_step", "correct anchor_generator in pipeline.config, or export again"),
    ]
    assert all("diagnosis" not in _of(each) for each in others)


def test_given_files_have_their_own(record: Record) -> None:
    """A variant and a given file of one form never share a figure."""
    (suite,) = _completed(
        _document(identity("accuracy", INT8), identity("accuracy", GIVEN_INT8)), record
    )
    ours, theirs = map(_of, suite.iterfind("testcase"))
    assert theirs["file"] == GIVEN_INT8.file
    assert (ours["ap"], theirs["ap"]) == ("0.16", "0.188")
    assert ours["page"] != theirs["page"]


def test_no_page_without_a_folder(record: Record) -> None:
    """Nothing names what no disk took."""
    (suite,) = _completed(_document(identity("accuracy", INT8)), record, folder=None)
    assert "page" not in _of(suite)
    assert "page" not in _of(suite.find("testcase"))  # type: ignore[arg-type]


def test_names_that_xml_cannot_hold() -> None:
    """They are written as escapes, so that the file can be read."""
    key = ModelKey('a\x1b[2J\x00<b>&"\udcff\ufffe', "int8", "detect\n.tflite")
    (suite,) = ET.fromstring(_document(identity("accuracy", key)))
    assert _of(suite[0]) == {
        "check": "accuracy",
        "model": 'a\\x1b[2J\\x00<b>&"\\udcff\\ufffe',
        "variant": "int8",
        "file": "detect\\n.tflite",
    }


def test_no_xml(record: Record) -> None:
    """What is no XML is left alone, and that is said."""
    with pytest.raises(ArtefactError, match="the JUnit file cannot be read"):
        _completed(b"<testsuites>", record)
