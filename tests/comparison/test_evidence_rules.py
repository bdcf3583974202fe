"""Evidence that is thin, leaked or not independent is never a plain PASS."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from enough_evidence import ENOUGH

from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    ChangedFlag,
    check_evidence,
)
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.formatting import describe_result
from validation.record.types import ModelKey


def _judged(**changed: Any) -> tuple[Status, str]:
    facts = dataclasses.replace(ENOUGH, **changed)
    result = check_evidence(facts, load_policy(), ModelKey("m", "int8"))
    return result.status, describe_result(result)


def test_enough_passes() -> None:
    """Also without anything to calibrate."""
    assert _judged()[0] is Status.PASS
    assert _judged(calibration=None)[0] is Status.PASS


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"images": 1}, Status.UNKNOWN, "images is 1, should be at least 50"),
        ({"images": 0, "objects": {}}, Status.UNKNOWN, "images is 0, should be at least 50"),
        ({"objects": {"cat": 80, "dog": 0}}, Status.WARN, "1 of 2 classes without an object"),
        (
            {"objects": {"cat": 80, "dog": 0, "elk": 0}},
            Status.UNKNOWN,
            "2 of 3 classes without an object on the images: dog, elk",
        ),
        ({"objects": {"cat": 80, "dog": 9}}, Status.WARN, "rarest_class_objects is 9"),
        ({"canaries": 0}, Status.WARN, "no canary shows a class of the model (--canaries"),
        ({"routes": 1}, Status.WARN, "no second route to the model's graph"),
        (
            {"unconfirmed": ("no checkpoint: nothing confirms the weights of the graph",)},
            Status.WARN,
            "no checkpoint: nothing confirms the weights of the graph",
        ),
        (
            {"is_independent": False, "reference": "built from pipeline.config"},
            Status.WARN,
            "the reference is not independent: built from pipeline.config",
        ),
        (
            {"calibration": CalibrationEvidence(9, 0)},
            Status.UNKNOWN,
            "calibration_images is 9, should be at least 10",
        ),
        ({"calibration": CalibrationEvidence(19, 0)}, Status.WARN, "calibration_images is 19"),
        (
            {"calibration": CalibrationEvidence(60, 1)},
            Status.UNKNOWN,
            "1 of 60 calibration images are scored as well: give others with --representative",
        ),
        (
            {"changed_flags": (ChangedFlag("max_detections", 10, 100),)},
            Status.WARN,
            "ships with other flags than its evaluation: max_detections 10 instead of 100",
        ),
    ],
)
def test_what_is_missing_is_named(changed: dict[str, Any], status: Status, said: str) -> None:
    """With what would be enough."""
    found = _judged(**changed)
    assert found[0] is status
    assert said in found[1]
