"""The figures of COCO's evaluation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CocoFigures:
    """The twelve figures that COCO's evaluation prints, by name.

    Each is in [0, 1], or -1 where no ground truth of that kind exists
    (https://cocodataset.org/#detection-eval).
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
