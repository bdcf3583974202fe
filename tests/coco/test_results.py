"""Detections in COCO's results format are one JSON list, however they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from validation.coco import results
from validation.coco.annotations import CocoImage
from validation.coco.dataset import Dataset
from validation.errors import ArtefactError
from validation.record.detections import Detections

_IMAGES = tuple(CocoImage(key, f"{key}.png", Path(f"{key}.png"), 400, 200) for key in (3, 7))
_DATASET = Dataset("tiny", Path("tiny.json"), _IMAGES, (), {17: "cat"}, "")
_FOUND = {
    3: Detections(
        ((0.1, 0.25, 0.5, 0.75), (-1, 0, 2, 1), (0, 0, 1, 1)), (0.9, 0.5, 0.4), (1, 1, 2)
    ),
    7: Detections(((0.5, 0.5, 1, 1),), (0.25,), (1,)),
}


@pytest.mark.parametrize("at_a_time", [1, 2, 100])
def test_one_list_of_what_was_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    """In pixels and inside the image, by category id; the text is that of one dump."""
    monkeypatch.setattr(results, "_AT_A_TIME", at_a_time)
    path = tmp_path / "results.json"
    results.write_results(path, _DATASET, _FOUND, {1: 17, 2: None})
    expected = [
        {"image_id": 3, "category_id": 17, "bbox": [100.0, 20.0, 200.0, 80.0], "score": 0.9},
        {"image_id": 3, "category_id": 17, "bbox": [0.0, 0.0, 400.0, 200.0], "score": 0.5},
        {"image_id": 7, "category_id": 17, "bbox": [200.0, 100.0, 200.0, 100.0], "score": 0.25},
    ]
    assert path.read_text() == json.dumps(expected)
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_found_is_an_empty_list(tmp_path: Path) -> None:
    """A list all the same."""
    path = tmp_path / "results.json"
    nothing = dict.fromkeys(_FOUND, Detections((), (), ()))
    results.write_results(path, _DATASET, nothing, {})
    assert json.loads(path.read_text()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(ArtefactError, match="cannot be written"):
        results.write_results(tmp_path / "no" / "results.json", _DATASET, _FOUND, {1: 17, 2: None})
