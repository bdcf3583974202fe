"""Tiny data sets in the COCO layout, written where a test wants them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

# Not in the order of their ids, and not square, so that order and axes can be seen.
_TABLE: dict[str, Any] = {
    "images": [
        {"id": 7, "file_name": "seven.png", "width": 40, "height": 20},
        {"id": 3, "file_name": "three.png", "width": 30, "height": 50},
        {"id": 5, "file_name": "five.png", "width": 10, "height": 10},
    ],
    "annotations": [
        {"id": 0, "image_id": 7, "category_id": 1, "bbox": [4, 2, 8, 10], "area": 80, "iscrowd": 0},
        {
            "id": 1,
            "image_id": 3,
            "category_id": 17,
            "bbox": [0, 0, 15, 5],
            "area": 7.5,
            "iscrowd": 0,
        },
        {"id": 2, "image_id": 3, "category_id": 1, "bbox": [1, 1, 9, 9], "area": 81, "iscrowd": 1},
    ],
    "categories": [
        {"id": 1, "name": "person"},
        {"id": 17, "name": "cat"},
        {"id": 18, "name": "dog"},
    ],
}

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def make_coco(tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """Write the annotation file, after a change to its table, and the images as listed."""

    def make(change: Change | None = None) -> tuple[Path, Path]:
        folder = tmp_path / "images"
        folder.mkdir(exist_ok=True)
        for entry in _TABLE["images"]:
            Image.new("RGB", (entry["width"], entry["height"])).save(folder / entry["file_name"])
        table = json.loads(json.dumps(_TABLE))
        if change:
            change(table)
        path = tmp_path / "instances_tiny.json"
        path.write_text(json.dumps(table))
        return path, folder

    return make
