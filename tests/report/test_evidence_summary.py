"""What the verdict rests on, in a few lines beside it."""

from __future__ import annotations

import dataclasses

import pytest
from enough_evidence import ENOUGH

from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    EvidenceFacts,
    check_evidence,
)
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.run import DatasetFacts, GivenFile, Header
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.record.until_decided import Look, Undecided, UntilDecided
from validation.report.evidence_summary import EvidenceLine, EvidenceSummary, evidence_summary
from validation.signoff.rules import judge
from validation.specs.references import ReferenceKind

KEYS = (ModelKey("m", "float"), ModelKey("m", "int8"))
_OPEN = Undecided("m", "int8", ("ap_drop",))
GIVEN = ModelKey("m", "int8", "x.tflite")
HEADER = Header(
    "run", "now", KEYS, {}, {}, {}, "a1" * 32, dataset=DatasetFacts("scenes", "b2" * 32, 80, 216)
)


def _summary(*facts: EvidenceFacts, header: Header = HEADER) -> EvidenceSummary:
    policy = load_policy()
    keys = (*header.selection, *(each.key for each in header.given))
    results = tuple(
        check_evidence(each, policy, key) for each, key in zip(facts, keys, strict=False)
    )
    record = Record(dataclasses.replace(header, selection=keys), results=results)
    return evidence_summary(record, judge(record, policy))


def _line(summary: EvidenceSummary, term: str) -> EvidenceLine:
    (line,) = (each for each in summary.lines if each.term == term)
    return line


def test_enough() -> None:
    """Counts, independence and a second route; nothing is marked."""
    facts = dataclasses.replace(ENOUGH, images=80, calibration=CalibrationEvidence(24, 0))
    summary = _summary(facts, facts)
    assert summary.status is Status.PASS
    assert not any(each.is_limited for each in summary.lines)
    assert _line(summary, "Images").text == "80 of scenes, 216 objects, at least 60 of each class"
    assert _line(summary, "Reference").text == (
        "the archive's own graph; independent of this harness; confirmed by a second route"
    )
    assert _line(summary, "Calibration").text == "24 images, none of them scored"


@pytest.mark.parametrize(
    ("changed", "term", "text"),
    [
        ({"images": 8}, "Images", "8 to 80 of scenes, 216 objects, at least 60 of each class"),
        (
            {"objects": {"cat": 80, "dog": 0, "cow": 9}},
            "Classes",
            "up to 34 % of a model's classes have no object",
        ),
        (
            {"is_independent": False, "reference": "built from pipeline.config"},
            "Reference",
            "the archive's own graph, for 1 file built here from the config; "
            "not independent of this harness; confirmed by a second route",
        ),
        (
            {"routes": 1},
            "Reference",
            "the archive's own graph; independent of this harness; "
            "no second route to the graph for 1 file",
        ),
        ({"canaries": 0}, "Canaries", "none"),
        (
            {"calibration": CalibrationEvidence(60, 60)},
            "Calibration",
            "60 images, 60 scored as well",
        ),
    ],
)
def test_less_than_there_should_be(changed: dict[str, object], term: str, text: str) -> None:
    """The line of what is lacking is marked, with the least of all files."""
    enough = dataclasses.replace(ENOUGH, images=80)
    summary = _summary(enough, dataclasses.replace(enough, **changed))  # type: ignore[arg-type]
    assert _line(summary, term) == EvidenceLine(term, text, is_limited=True)
    assert summary.status in (Status.WARN, Status.UNKNOWN)


def test_given_files_name_their_references() -> None:
    """One that labels alone judged is marked, and no independence is claimed."""
    file = GivenFile("m", "int8", "x.tflite", "ab" * 32, ReferenceKind.TFLITE)
    header = dataclasses.replace(HEADER, selection=(), given=(file,))
    enough = dataclasses.replace(ENOUGH, routes=None)
    assert _line(_summary(enough, header=header), "Reference") == EvidenceLine(
        "Reference", "another .tflite file; independent of this harness"
    )
    alone = dataclasses.replace(file, reference=ReferenceKind.NONE)
    facts = dataclasses.replace(ENOUGH, has_reference=False, routes=None)
    header = dataclasses.replace(header, given=(alone,))
    assert _line(_summary(facts, header=header), "Reference") == EvidenceLine(
        "Reference", "no reference", is_limited=True
    )


def test_a_run_without_images() -> None:
    """Says that accuracy is not known, and claims nothing of the reference."""
    summary = _summary(header=dataclasses.replace(HEADER, dataset=None))
    assert summary.status is None
    assert _line(summary, "Images") == EvidenceLine(
        "Images", "none labelled: accuracy is not known", is_limited=True
    )
    assert _line(summary, "Reference") == EvidenceLine("Reference", "the archive's own graph")


@pytest.mark.parametrize(
    ("undecided", "limited"), [(((_OPEN,), ()), False), (((_OPEN,), (_OPEN,)), True)]
)
def test_looks(undecided: tuple[tuple[Undecided, ...], ...], limited: bool) -> None:
    """After how many images the run stopped; marked where it did not decide everything."""
    looks = Look(40, 0.01, 0.98), Look(80, 0.025, 0.97)
    header = dataclasses.replace(HEADER, until_decided=UntilDecided(looks, 0, 1.0, undecided))
    line = _line(_summary(ENOUGH, ENOUGH, header=header), "Looks")
    assert line.is_limited is limited
    assert "look 2 of 2" in line.text
