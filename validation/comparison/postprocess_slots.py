"""The post-processing op inside a .tflite against the NumPy port of its semantics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, Measure, ModelKey


@dataclass(frozen=True)
class _Gap:
    """How far the op and the port are apart on one image."""

    image: str
    boxes: float
    scores: float
    classes: int
    count: int

    @property
    def severity(self) -> tuple[bool, int, float]:
        """Orders gaps by what a reader wants to see first; NaN is the largest gap."""
        numbers = np.nan_to_num(np.array([self.boxes, self.scores]), nan=np.inf)
        return self.count != 0, self.classes, float(numbers.max())


def check_postprocess(
    op: Sequence[Detections],
    port: Sequence[Detections],
    images: Sequence[str],
    *,
    anchors_steps_off: float | None,
    policy: Policy,
    key: ModelKey,
    check: str = "postprocess_parity",
) -> CheckResult:
    """Slot by slot, in the op's own order: same count, same classes, same numbers.

    Args:
        op: Detections of the .tflite with the op, one an image.
        port: Of the port, fed with the raw outputs of the same body.
        images: Names of the images.
        anchors_steps_off: How far the op's anchors are from the exported ones, in steps of
            what they are stored as; None where nothing states any.
        policy: Its limits: anchors_steps_off, compared_detections, count_mismatches,
            class_mismatches, boxes_max_abs_diff, scores_max_abs_diff.
        key: Model and variant.
        check: Name in the record.
    """
    gaps = [
        _gap(image, first, second) for image, first, second in zip(images, op, port, strict=True)
    ]
    compared = sum(min(len(first), len(second)) for first, second in zip(op, port, strict=True))
    values: dict[str, float | int] = {
        "compared_detections": compared,
        "count_mismatches": sum(gap.count != 0 for gap in gaps),
        "class_mismatches": sum(gap.classes for gap in gaps),
        "boxes_max_abs_diff": _worst([gap.boxes for gap in gaps]),
        "scores_max_abs_diff": _worst([gap.scores for gap in gaps]),
    }
    if anchors_steps_off is not None:
        values = {"anchors_steps_off": anchors_steps_off, **values}
    measures = Measure.limited(values, policy, check, key)
    worst = max(gaps, key=lambda gap: gap.severity, default=None)
    return CheckResult.judged(
        check,
        key,
        measures,
        where=f"image {worst.image}" if worst else "",
        message=f"{compared} slots on {len(gaps)} images compared in the op's own order",
    )


def _gap(image: str, op: Detections, port: Detections) -> _Gap:
    shared = min(len(op), len(port))
    return _Gap(
        image=image,
        boxes=_max_diff(op.boxes[:shared], port.boxes[:shared]),
        scores=_max_diff(op.scores[:shared], port.scores[:shared]),
        classes=int(np.count_nonzero(op.classes[:shared] != port.classes[:shared])),
        count=abs(len(op) - len(port)),
    )


def _max_diff(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    # max() keeps a NaN, so one undefined value cannot pass.
    return float(np.max(np.abs(first - second))) if first.size else 0.0


def _worst(values: Sequence[float]) -> float:
    return float(np.max(np.asarray(values))) if values else float("nan")
