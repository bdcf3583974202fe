"""What pycocotools' own matching says of one image and category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask
from pycocotools.cocoeval import COCOeval, Params

from validation.coco.annotations import CocoAnnotation

# pycocotools' upper limit of an IoU that it asks for.
MOST_IOU = 1 - 1e-10

# [row], by IoU bits: what some rows matched, and what of that is ignored.
_Bits = tuple[NDArray[np.uint16], NDArray[np.uint16]]


@dataclass(frozen=True)
class PairRows:
    """The detections of an image and category, best first.

    Args:
        boxes: float64 [N, 4] as x, y, width, height.
        areas: float64 [N].
        scores: float64 [N].
    """

    boxes: NDArray[np.float64]
    areas: NDArray[np.float64]
    scores: NDArray[np.float64]


class PairMatcher:
    """Asks pycocotools for one image and category after the other.

    Args:
        parameters: Of the evaluation.
    """

    def __init__(self, parameters: Params) -> None:
        self._ranges = parameters.areaRng
        self._max_dets = parameters.maxDets[-1]
        self._weights = (1 << np.arange(len(parameters.iouThrs))).astype(np.uint16)
        self._least = min(*parameters.iouThrs, MOST_IOU)
        self._evaluation = COCOeval(iouType="bbox")
        self._evaluation.params = parameters

    def bits(
        self, rows: PairRows, objects: Sequence[CocoAnnotation], ignored: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.uint16], NDArray[np.uint16]]:
        """The detections that can match, and by area and detection what came of them.

        Args:
            rows: At least one.
            objects: At least one, in file order.
            ignored: bool [area, objects], which do not count.

        Returns:
            Indices of rows; uint16 [area, row] twice: bit t is set where it matched at the t-th
            IoU, and where what it matched does not count.
        """
        boxes = np.array([item.bbox for item in objects])
        crowds = [int(item.is_crowd) for item in objects]
        # As `COCOeval.computeIoU` does, which would sort and cut off again.
        overlaps = mask.iou(rows.boxes, boxes, crowds)
        # As pycocotools compares: NaN is not below any other IoU.
        some = np.flatnonzero((~(overlaps < self._least)).any(axis=1))
        # pycocotools takes a match with annotation 0 for none.
        truth = [
            {
                "id": key,
                "area": item.area,
                "iscrowd": int(item.is_crowd),
                "ignore": int(item.is_crowd),
            }
            for key, item in enumerate(objects, 1)
        ]
        columns = (rows.areas[some].tolist(), rows.scores[some].tolist())
        results = [
            {"id": key, "area": area, "score": score}
            for key, (area, score) in enumerate(zip(*columns, strict=True), 1)
        ]
        self._evaluation._gts, self._evaluation._dts = {(0, 0): truth}, {(0, 0): results}
        self._evaluation.ious = {(0, 0): overlaps[some]}
        asked: dict[bytes, _Bits] = {}
        by_area = [self._of_area(area, flags, asked) for area, flags in enumerate(ignored.tolist())]
        met, unwanted = (np.array(each) for each in zip(*by_area, strict=True))
        return some, met, unwanted

    def _of_area(self, area: int, flags: list[bool], asked: dict[bytes, _Bits]) -> _Bits:
        """The rows of one area; asked once for all that ignore the same objects.

        The order in which objects are tried follows from which are ignored, and is the same
        where all are and where none is.
        """
        alike = all(flags) or not any(flags)
        key = b"" if alike else bytes(flags)
        if key not in asked:
            one = self._evaluation.evaluateImg(0, 0, self._ranges[area], self._max_dets)
            met = self._weights @ (one["dtMatches"] != 0)
            asked[key] = met, met & (self._weights @ one["dtIgnore"])
        met, unwanted = asked[key]
        if alike:
            return met, met if flags[0] else np.zeros_like(met)
        return met, unwanted


def out_of_range(areas: NDArray[np.float64], parameters: Params) -> NDArray[np.bool_]:
    """[area, N], as pycocotools compares."""
    low, high = np.array(parameters.areaRng, np.float64).T[..., np.newaxis]
    outside: NDArray[np.bool_] = (areas < low) | (areas > high)
    return outside
