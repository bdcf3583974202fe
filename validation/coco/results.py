"""Detections in COCO's results format, for other people's evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from validation.coco.dataset import Dataset
from validation.coco.evaluate import coco_detections
from validation.files.atomic import write_text_atomic
from validation.record.detections import Detections


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
    entries = [
        {key: entry[key] for key in ("image_id", "category_id", "bbox", "score")}
        for image in dataset.images
        for entry in coco_detections(image, detections[image.id], categories)
    ]
    write_text_atomic(path, json.dumps(entries))
