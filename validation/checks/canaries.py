"""Objects of known class and position, which no shared fault can hide."""

from __future__ import annotations

from validation.checks.both_sides import candidate_detections
from validation.comparison.canary_matching import check_canaries
from validation.record.lines import Entry
from validation.workspace.context import CheckContext


def canaries(context: CheckContext) -> list[Entry]:
    """The .tflite detects objects of known class and position."""
    result = check_canaries(
        context.canaries,
        candidate_detections(context),
        context.class_names().names,
        policy=context.policy,
        key=context.key,
        min_score=context.policy.setting("parity_min_score"),
    )
    return [result]
