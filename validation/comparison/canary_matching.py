"""Objects of known class and place: a fault that both sides share shows here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from validation.comparison.matching import box_iou
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, Measure, ModelKey
from validation.zoo.canaries import Canary

_NOTHING = Detections((), (), ())


def check_canaries(
    canaries: Sequence[Canary],
    found: Mapping[str, Detections],
    labels: Mapping[int, str],
    *,
    policy: Policy,
    key: ModelKey,
    min_score: float,
    check: str = "canaries",
) -> CheckResult:
    """Every canary whose class the model knows is found where it is.

    Args:
        canaries: With class name and box.
        found: Detections by the image's file name.
        labels: The model's class names by id.
        policy: Its limits: canaries (how many could be tried), missed, worst_iou.
        key: Model and variant.
        min_score: Detections below it do not count.
        check: Name in the record.
    """
    ids = {name: number for number, name in labels.items()}
    tried = [canary for canary in canaries if canary.label in ids]
    if not tried:
        known = ", ".join(sorted({canary.label for canary in canaries}))
        return CheckResult.unknown(check, key, f"the model knows no class of the canaries: {known}")
    overlaps = {
        canary.path.name: _best_overlap(
            # An image without a result is missed, not left out.
            canary,
            found.get(canary.path.name, _NOTHING),
            ids[canary.label],
            min_score,
        )
        for canary in tried
    }
    missed = [name for name, overlap in overlaps.items() if overlap == 0]
    values: dict[str, float | int] = {
        "canaries": len(tried),
        "missed": len(missed),
        "worst_iou": min(overlaps.values()),
    }
    measures = Measure.limited(values, policy, check, key)
    worst = min(overlaps, key=lambda name: overlaps[name])
    message = f"not found on {', '.join(missed)}" if missed else ""
    return CheckResult.judged(check, key, measures, where=f"image {worst}", message=message)


def _best_overlap(canary: Canary, found: Detections, class_id: int, min_score: float) -> float:
    """IoU of the best detection of the canary's class; 0 when there is none."""
    boxes = found.boxes[(found.classes == class_id) & (found.scores >= min_score)]
    return float(np.max(box_iou(np.array([canary.box]), boxes), initial=0.0))
