"""Ways to a PASS that nobody earned: each ends otherwise, in words on the first page."""

from __future__ import annotations

import dataclasses
import html
from pathlib import Path

import pytest
from enough_evidence import ENOUGH

from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    ChangedFlag,
    check_evidence,
)
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.run import Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.report.render import render_report
from validation.signoff.exit_codes import exit_code
from validation.signoff.rules import judge

_KEY = ModelKey("model", "int8")


def _page(tmp_path: Path, *results: CheckResult) -> tuple[Status, str]:
    """Verdict and first page of a run in which everything else passed."""
    shipped = load_policy()
    policy = dataclasses.replace(shipped, required={"evidence": ("*",)})
    header = Header("run", "2026-01-02T03:04:05Z", (_KEY,), {}, {}, {}, policy.sha256)
    footer = Footer("2026-01-02T03:05:05Z", 60.0, len(results), 0)
    record = Record(header, results=results, footer=footer)
    judgement = judge(record, policy)
    index = render_report(tmp_path, record, judgement, policy)
    return judgement.run.status, html.unescape(index.read_text())


def test_enough_evidence_is_a_pass(tmp_path: Path) -> None:
    """So what follows is not PASS for the reason that it names."""
    assert _page(tmp_path, check_evidence(ENOUGH, load_policy(), _KEY))[0] is Status.PASS


@pytest.mark.parametrize(
    ("facts", "status", "said"),
    [
        ({"images": 1}, Status.UNKNOWN, "images is 1, should be at least 50"),
        (
            {"objects": {"cat": 80, "dog": 0}},
            Status.WARN,
            "1 of 2 classes without an object on the images: dog",
        ),
        (
            {"calibration": CalibrationEvidence(60, 60)},
            Status.UNKNOWN,
            "60 of 60 calibration images are scored as well",
        ),
        (
            {"is_independent": False, "reference": "built from pipeline.config"},
            Status.WARN,
            "the reference is not independent: built from pipeline.config",
        ),
        ({"routes": 1}, Status.WARN, "no second route to the model's graph"),
        (
            {"changed_flags": (ChangedFlag("max_detections", 10, 100),)},
            Status.WARN,
            "max_detections 10 instead of 100",
        ),
    ],
    ids=["one image", "class never scored", "leak", "own reading", "one route", "other file"],
)
def test_thin_or_leaked_evidence(
    tmp_path: Path, facts: dict[str, object], status: Status, said: str
) -> None:
    """UNKNOWN or WARN, with what is missing and what would be enough."""
    changed = dataclasses.replace(ENOUGH, **facts)  # type: ignore[arg-type]
    verdict, page = _page(tmp_path, check_evidence(changed, load_policy(), _KEY))
    assert verdict is status
    assert said in page


def test_unknown_does_not_end_with_success(tmp_path: Path) -> None:
    """`pytest suites/ && ship`."""
    verdict, page = _page(tmp_path, CheckResult.unknown("evidence", _KEY, "no images were given"))
    assert exit_code(verdict, of_pytest=0) not in (0, 1)
    assert "no images were given" in page
