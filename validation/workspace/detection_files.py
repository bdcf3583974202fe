"""Detections of many images as one file, to the last bit and quickly read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from validation.record.types import Detections


def write_detections(path: Path, found: Mapping[str, Detections]) -> None:
    """Write detections by image key, in their order.

    Args:
        path: Of the file, ending in .npz.
        found: By image key.
    """
    each = found.values()
    np.savez(
        path,
        allow_pickle=False,
        keys=np.array(list(found), np.str_),
        counts=np.array([len(one) for one in each], np.int64),
        # Python's floats are float64: nothing is rounded.
        boxes=np.array([box for one in each for box in one.boxes], np.float64).reshape(-1, 4),
        scores=np.array([score for one in each for score in one.scores], np.float64),
        classes=np.array([label for one in each for label in one.classes], np.int64),
    )


def read_detections(path: Path) -> dict[str, Detections]:
    """What `write_found` wrote."""
    with np.load(path, allow_pickle=False) as file:
        keys, counts = file["keys"].tolist(), file["counts"]
        boxes = list(map(tuple, file["boxes"].tolist()))
        scores, classes = file["scores"].tolist(), file["classes"].tolist()
    ends = np.concatenate([[0], np.cumsum(counts)]).tolist()
    return {
        key: Detections(
            tuple(boxes[start:end]), tuple(scores[start:end]), tuple(classes[start:end])
        )
        for key, (start, end) in zip(keys, pairwise(ends), strict=True)
    }
