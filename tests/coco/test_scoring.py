"""pycocotools in pieces gives what it gives in one, and its matches give it again."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from validation.coco import scoring
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.in_pixels import CocoDetections, in_pixels
from validation.coco.precision import RECALLS, precision
from validation.record.detections import Detections

_CATEGORIES = {1: "person", 17: "cat", 18: "dog"}
_IMAGES = (3, 5, 8, 13)

_corners = st.tuples(*[st.integers(0, 8)] * 4).map(
    lambda sides: (*sides[:2], sides[0] + sides[2] + 1, sides[1] + sides[3] + 1)
)
_objects = st.lists(
    st.tuples(st.sampled_from(_IMAGES), st.sampled_from([1, 17]), _corners, st.booleans()),
    max_size=12,
)
# Few scores, so that many are equal: their order is what settles them.
_found = st.lists(
    st.tuples(
        st.sampled_from(_IMAGES),
        st.sampled_from([*_CATEGORIES, 90]),
        _corners,
        st.sampled_from([0.25, 0.5, 0.75]),
    ),
    max_size=40,
)


def _dataset(objects: list[tuple[int, int, Any, bool]]) -> Dataset:
    images = tuple(CocoImage(key, f"{key}.png", Path(f"{key}.png"), 300, 200) for key in _IMAGES)
    truth = [
        CocoAnnotation(
            image,
            category,
            (15.0 * x0, 10.0 * y0, 15.0 * (x1 - x0), 10.0 * (y1 - y0)),
            150.0 * (x1 - x0) * (y1 - y0),
            crowd,
        )
        for image, category, (y0, x0, y1, x1), crowd in objects
    ]
    return Dataset("tiny", Path("tiny.json"), images, tuple(truth), _CATEGORIES, "")


def _detections(found: list[tuple[int, int, Any, float]]) -> dict[int, Detections]:
    rows = {key: [row[1:] for row in found if row[0] == key] for key in _IMAGES}
    return {
        key: Detections(
            np.array([corners for _, corners, _ in each]).reshape(-1, 4) / 20,
            [score for *_, score in each],
            [category for category, *_ in each],
        )
        for key, each in rows.items()
    }


def _whole(dataset: Dataset, found: CocoDetections, max_dets: list[int]) -> tuple[Any, Any]:
    """Precision and recall of all categories on all images at once."""

    def index(entries: list[dict[str, Any]]) -> COCO:
        coco = COCO()
        numbered = [{**entry, "id": number} for number, entry in enumerate(entries, 1)]
        coco.dataset = {"images": [], "categories": [], "annotations": numbered}
        coco.createIndex()
        return coco

    truth = [
        {
            "image_id": item.image_id,
            "category_id": item.category_id,
            "bbox": list(item.bbox),
            "area": item.area,
            "iscrowd": int(item.is_crowd),
        }
        for item in dataset.ground_truth
    ]
    results = [
        {
            "image_id": int(found.image_ids[row]),
            "category_id": int(found.category_ids[row]),
            "bbox": found.boxes[row].tolist(),
            "area": float(found.areas[row]),
            "score": float(found.scores[row]),
        }
        for row in range(len(found))
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(index(truth), index(results), "bbox")
        evaluation.params.imgIds = list(_IMAGES)
        evaluation.params.catIds = list(_CATEGORIES)
        evaluation.params.maxDets = max_dets
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"], evaluation.eval["recall"]


@settings(max_examples=60, deadline=None)
@given(
    objects=_objects,
    found=_found,
    at_a_time=st.integers(1, 5),
    max_dets=st.sampled_from([[1, 10, 100], [1, 2]]),
)
def test_pieces_are_the_whole(
    objects: Any, found: Any, at_a_time: int, max_dets: list[int]
) -> None:
    """To the last bit, however many images a piece has: also with nothing to find.

    So is the precision that the matches give, with crowds, sizes, ties and detections cut off.
    """
    dataset = _dataset(objects)
    rows = in_pixels(dataset, _detections(found), {1: 1, 17: 17, 18: 18, 90: None})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "_IMAGES_AT_A_TIME", at_a_time)
        scores = scoring.score(dataset, rows, tuple(_CATEGORIES), max_dets)
    expected, recall = _whole(dataset, rows, max_dets)
    np.testing.assert_array_equal(scores.precision, expected)
    np.testing.assert_array_equal(precision(scores.matches), expected[..., -1])
    np.testing.assert_array_equal(scores.recall, recall)


@settings(max_examples=60, deadline=None)
@given(found=_found)
def test_rows_keep_the_models_order(found: Any) -> None:
    """Image by image as the data set has them, without what is not scored."""
    rows = in_pixels(_dataset([]), _detections(found), {1: 7, 17: 0, 18: None, 90: 2})
    category = {1: 7, 17: 0, 90: 2}
    expected = [
        (key, category[each[1]], each[3])
        for key in _IMAGES
        for each in found
        if each[0] == key and each[1] in category
    ]
    got = zip(
        rows.image_ids.tolist(), rows.category_ids.tolist(), rows.scores.tolist(), strict=True
    )
    assert list(got) == expected
    assert len(rows) == len(expected)


def test_points_of_recall_are_cocos() -> None:
    """Spelt out a second time, because intervals are found without pycocotools."""
    np.testing.assert_array_equal(RECALLS, Params(iouType="bbox").recThrs)
