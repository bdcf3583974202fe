"""Scores at the cut: what counts as lost depends on the number of bits."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from miniature_cases import MODEL, MiniatureFiles, make_case

from validation.checks import end_to_end_parity
from validation.policy.limits import Status
from validation.record.types import CheckResult, ModelKey


@pytest.mark.parametrize(
    ("variant", "setting"),
    [("float", "parity_score_epsilon"), ("int8", "quantised_score_epsilon")],
)
def test_scores_of_8_bits_are_undecided_further_from_the_cut(
    miniature: MiniatureFiles, monkeypatch: pytest.MonkeyPatch, variant: str, setting: str
) -> None:
    """A detection whose score crosses the cut by a few hundredths is not lost by it."""
    context = make_case(miniature, "float")
    asked: list[float] = []
    compare = end_to_end_parity.compare_detections

    def spy(*runs: Any, score_epsilon: float, **more: Any) -> CheckResult:
        asked.append(score_epsilon)
        return compare(*runs, score_epsilon=score_epsilon, **more)

    monkeypatch.setattr(end_to_end_parity, "compare_detections", spy)
    detections = context.inference.reference()
    monkeypatch.setattr(context.inference, "candidate", lambda _: detections)
    # A run of int8 would take images to calibrate with.
    monkeypatch.setattr(context.inference, "evidence", lambda _: None)
    context = dataclasses.replace(
        context, key=ModelKey(MODEL, variant), subjects=(ModelKey(MODEL, "other"),)
    )
    _, result = end_to_end_parity.end_to_end_parity(context)
    assert isinstance(result, CheckResult)
    assert result.status is Status.PASS
    assert asked == [context.policy.setting(setting)]
