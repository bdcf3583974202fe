"""End to end: image to detections, against the archive's own inference graph."""

from __future__ import annotations

from validation.checks.needs import candidate_detections, reference_detections
from validation.checks.pictures import pictures
from validation.comparison.detections import compare_detections
from validation.comparison.ties import TieRule
from validation.record.lines import Entry
from validation.specs.variants import variant_of
from validation.workspace.context import REFERENCE, CheckContext


def end_to_end_parity(context: CheckContext) -> list[Entry]:
    """The .tflite detects what the archive's own graph detects, on every image."""
    result = compare_detections(
        reference_detections(context),
        candidate_detections(context),
        policy=context.policy,
        key=context.key,
        min_score=context.policy.setting("parity_min_score"),
        score_epsilon=score_epsilon(context),
        min_iou=context.policy.setting("parity_min_iou"),
        capacity=context.build.exported().contract.postprocess.max_detections,
        ties=ties(context),
    )
    evidence = context.inference.evidence
    entries: list[Entry] = [evidence(context.key.variant), result]
    # Pictures and the reference belong to the model: once, whichever variant comes first.
    return [*pictures(context), evidence(REFERENCE), *entries] if context.is_first else entries


def ties(context: CheckContext) -> TieRule | None:
    """Rounding of floats exchanges equal scores; what 8 bits exchange is their cost."""
    if variant_of(context.key.variant).is_quantised:
        return None
    return TieRule(
        nms_iou=context.build.exported().contract.postprocess.nms_iou_threshold,
        score_epsilon=context.policy.setting("parity_tie_epsilon"),
        same_iou=context.policy.setting("parity_tie_same_iou"),
        most_share=context.policy.setting("parity_tie_share"),
    )


def score_epsilon(context: CheckContext) -> float:
    """Distance from the cut within which it cannot be said whether a detection is lost."""
    if variant_of(context.key.variant).is_quantised:
        return context.policy.setting("quantised_score_epsilon")
    return context.policy.setting("parity_score_epsilon")
