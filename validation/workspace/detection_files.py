"""Detections of many images as one file, to the last bit and quickly read."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from validation.record.detections import Detections


def write_detections(path: Path, found: Mapping[str, Detections]) -> None:
    """Write detections by image key, in their order.

    Args:
        path: Of the file, ending in .npz.
        found: By image key.
    """
    # Of no image at all there are still arrays of the right shape.
    each = [Detections((), (), ()), *found.values()]
    np.savez(
        path,
        allow_pickle=False,
        keys=np.array(list(found), np.str_),
        offsets=np.cumsum([len(one) for one in each]),
        boxes=np.concatenate([one.boxes for one in each]),
        scores=np.concatenate([one.scores for one in each]),
        classes=np.concatenate([one.classes for one in each]),
    )


def read_detections(path: Path) -> dict[str, Detections]:
    """What `write_detections` wrote."""
    with np.load(path, allow_pickle=False) as file:
        keys, offsets = file["keys"].tolist(), file["offsets"].tolist()
        whole = Detections(file["boxes"], file["scores"], file["classes"])
    return {
        key: whole.take(slice(start, end))
        for key, (start, end) in zip(keys, pairwise(offsets), strict=True)
    }
