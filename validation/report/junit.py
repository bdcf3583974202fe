"""What a JUnit file says of a run beside pytest's own: properties of its tests and of the suite."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from validation.errors import ArtefactError
from validation.files.terminal import printable
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import by_directness, describe_diagnosis, next_step
from validation.record.run import ArtefactRole
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.report.anchors import check_anchor
from validation.report.summary_rows import SummaryRow
from validation.signoff.rules import Judgement

# By these a test case says which check and file it is about, while the session runs.
CHECK, MODEL, VARIANT, FILE = "check", "model", "variant", "file"


def identity(check: str, key: ModelKey) -> list[tuple[str, str]]:
    """The properties that a test case has from the beginning."""
    named = [(CHECK, check), (MODEL, key.model), (VARIANT, key.variant), (FILE, key.file)]
    return [(name, printable(value)) for name, value in named if value]


def with_properties(
    document: bytes,
    record: Record,
    judgement: Judgement,
    rows: Sequence[SummaryRow],
    folder: PurePath | None,
    page: str,
) -> bytes:
    """The JUnit document with figures, verdicts and pages.

    Args:
        document: As pytest has written it.
        record: Of the run.
        judgement: Of that record.
        rows: Of its files.
        folder: Of the run; None where it could not be written.
        page: File name of the first page.

    Raises:
        ArtefactError: It is no XML.
    """
    try:
        root = ET.fromstring(document)
    except ET.ParseError as error:
        raise ArtefactError("the JUnit file cannot be read", got=error) from error
    by_identity = {_identity_of(row.key): row for row in rows}
    results = {(each.check, *_identity_of(each.key)): each for each in record.results}
    diagnoses: dict[tuple[str, ...], list[Diagnosis]] = {}
    for each in by_directness(record.diagnoses):
        diagnoses.setdefault((each.check, *_identity_of(each.key)), []).append(each)
    for case in root.iter("testcase"):
        own = _properties_of(case)
        named = tuple(own.get(name, "") for name in (MODEL, VARIANT, FILE))
        row = by_identity.get(named)
        if CHECK not in own or row is None:
            continue
        place = (own[CHECK], *named)
        _add(case, _of_case(own[CHECK], row, results.get(place), folder))
        _add(case, _diagnosed(diagnoses.get(place, ())))
        pack = record.kept(row.key, ArtefactRole.FAILING_CASE)
        if pack is not None and folder is not None:
            _add(case, iter([("failing_case", folder / pack.path)]))
    for suite in root.iter("testsuite"):
        _add(suite, _of_suite(record, judgement, folder, page))
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _identity_of(key: ModelKey) -> tuple[str, ...]:
    return printable(key.model), printable(key.variant), printable(key.file)


def _of_suite(
    record: Record, judgement: Judgement, folder: PurePath | None, page: str
) -> Iterator[tuple[str, object]]:
    yield "verdict", judgement.run.status.upper()
    yield "run", record.header.run
    if folder is not None:
        yield "page", folder / page


def _of_case(
    check: str, row: SummaryRow, result: CheckResult | None, folder: PurePath | None
) -> Iterator[tuple[str, object]]:
    yield "verdict", row.status.upper()
    if result is not None:
        yield "result", result.status.upper()
    figures: Mapping[str, object] = {
        "ap": row.ap,
        "ap_reference": row.ap_reference,
        "ap_difference": row.ap_difference,
        "ap_difference_low": row.ap_interval and row.ap_interval[0],
        "ap_difference_high": row.ap_interval and row.ap_interval[1],
        "p50_ms": row.p50_ms,
        "threads": row.threads or None,
        "size_bytes": row.size_bytes,
        "sha256": row.sha256 or None,
    }
    yield from ((name, value) for name, value in figures.items() if value is not None)
    if folder is not None:
        yield "page", f"{folder / row.page}#{check_anchor(row.key, check)}"


def _diagnosed(diagnoses: Sequence[Diagnosis]) -> Iterator[tuple[str, object]]:
    """Two properties for each: what is wrong, and what to do about it."""
    for each in diagnoses:
        yield "diagnosis", describe_diagnosis(each)
        yield "next_step", next_step(each)


def _properties_of(element: ET.Element) -> dict[str, str]:
    return {
        each.get("name", ""): each.get("value", "")
        for each in element.iterfind("properties/property")
    }


def _add(element: ET.Element, properties: Iterator[tuple[str, object]]) -> None:
    """Behind those that it has; the element that holds them comes before all others."""
    holder = element.find("properties")
    if holder is None:
        holder = ET.Element("properties")
        element.insert(0, holder)
    for name, value in properties:
        ET.SubElement(holder, "property", name=name, value=printable(str(value)))
