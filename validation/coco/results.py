"""Detections in COCO's results format, for other people's evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from validation.coco.dataset import Dataset
from validation.coco.in_pixels import CocoDetections, in_pixels
from validation.files.atomic import atomic_file, said_clearly
from validation.record.detections import Detections

# Dicts and lists of numbers take ten times the room of arrays.
_AT_A_TIME = 10_000


def write_results(
    path: Path,
    dataset: Dataset,
    detections: Mapping[int, Detections],
    categories: Mapping[int, int | None],
) -> None:
    """Write what was scored (https://cocodataset.org/#format-results), whole or not at all.

    Args:
        path: JSON file to write.
        dataset: The images.
        detections: Of each image id.
        categories: Category id of each class id, None for what is not scored.

    Raises:
        ArtefactError: The file cannot be written.
    """
    found = in_pixels(dataset.images, detections, categories)
    with said_clearly(path), atomic_file(path) as file:
        file.write(b"[")
        for start in range(0, len(found), _AT_A_TIME):
            file.write(b", " if start else b"")
            file.write(_json(found.take(slice(start, start + _AT_A_TIME))).encode())
        file.write(b"]")


def _json(found: CocoDetections) -> str:
    """The objects of a JSON list."""
    columns = (found.image_ids, found.category_ids, found.boxes, found.scores)
    names = ("image_id", "category_id", "bbox", "score")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows])[1:-1]
