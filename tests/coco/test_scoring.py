"""Ranges of images, matched and joined, give what pycocotools gives of all at once."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval, Params

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.evaluate import evaluation_of
from validation.coco.image_matches import MatchedImages
from validation.coco.in_pixels import CocoDetections, in_pixels
from validation.coco.joined_matches import join_matches
from validation.coco.matches import Matches, write_matches
from validation.coco.matching import match
from validation.coco.precision import RECALLS, precision
from validation.coco.recall import recall
from validation.errors import RecordError
from validation.record.detections import Detections

_CATEGORIES = (1, 17, 18)
_IMAGES = (3, 5, 8, 13, 21)
# Ends of COCO's ranges of area, and what is just beyond them.
_AREAS = (0.0, 1.0, 1024.0, 1024.5, 9216.0, 9216.5, 1e10)

# Coarse, so that many boxes are equal, or overlap by exactly a half; some have no area.
_box = st.tuples(*[st.integers(0, 2)] * 2, *[st.sampled_from([3, 4, 5, 6, 0])] * 2).map(
    lambda sides: tuple(10.0 * side for side in sides)
)
_area = st.sampled_from(_AREAS)
_objects = st.lists(
    st.builds(
        CocoAnnotation,
        # No object on the last image, none of the last category, some that are not scored.
        st.sampled_from(_IMAGES[:-1]),
        st.sampled_from([*_CATEGORIES[:-1], 5]),
        _box,
        _area,
        st.booleans(),
    ),
    max_size=16,
)
# Few scores, so that many are equal: their order is what settles them.
_found = st.lists(
    st.tuples(
        st.sampled_from(_IMAGES),
        st.sampled_from(_CATEGORIES),
        _box,
        _area,
        st.sampled_from([0.25, 0.5, 0.75]),
    ),
    max_size=60,
)


def _table(found: list[Any]) -> CocoDetections:
    rows = sorted(found, key=lambda row: int(row[0]))
    images, categories, boxes, areas, scores = zip(*rows, strict=True) if rows else [()] * 5
    return CocoDetections(
        np.array(images, np.int64),
        np.array(categories, np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
        np.array(areas, np.float64),
        np.array(scores, np.float64),
    )


def _parts(
    objects: list[CocoAnnotation], found: CocoDetections, cuts: list[int], most: int
) -> list[Matches]:
    """Matches of the ranges of images between the cuts."""
    parts = []
    ends = sorted({0, *cuts, len(_IMAGES)})
    for start, end in itertools.pairwise(ends):
        ids = _IMAGES[start:end]
        here = [item for item in objects if item.image_id in ids]
        own = found.take(np.isin(found.image_ids, ids))
        parts.append(match(ids, here, own, _CATEGORIES, most))
    return parts


def _pycocotools(
    objects: list[CocoAnnotation], found: CocoDetections, max_dets: list[int]
) -> COCOeval:
    """All categories on all images at once, without any code of ours."""

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
        for item in objects
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
        if max_dets == [1, 10, 100]:
            evaluation.summarize()
    return evaluation


# A medium object takes the first detection where the small one does not count, and leaves that one
# to the second detection.
_SMALL_AND_MEDIUM = [
    CocoAnnotation(3, 1, (0.0, 0.0, 40.0, 40.0), 100.0, False),
    CocoAnnotation(3, 1, (0.0, 0.0, 40.0, 60.0), 5000.0, False),
]
_BOTH_FOUND = [
    (3, 1, (0.0, 0.0, 40.0, 40.0), 100.0, 0.75),
    (3, 1, (0.0, 0.0, 40.0, 20.0), 100.0, 0.5),
]

_cuts = st.lists(st.integers(0, len(_IMAGES)), max_size=5)


@settings(max_examples=120, deadline=None)
@given(
    objects=_objects,
    found=_found,
    cuts=_cuts,
    max_dets=st.sampled_from([[1, 10, 100], [1, 2], [3]]),
)
@example(objects=_SMALL_AND_MEDIUM, found=_BOTH_FOUND, cuts=[2], max_dets=[1, 10, 100])
def test_parts_are_the_whole(
    objects: Any, found: Any, cuts: list[int], max_dets: list[int]
) -> None:
    """To the last bit, wherever the images are divided: also with nothing to find.

    With crowds, areas at the ends of ranges, equal scores, images without objects or detections,
    and detections cut off.
    """
    rows = _table(found)
    expected = _pycocotools(objects, rows, max_dets)
    matches = join_matches(_parts(objects, rows, cuts, max_dets[-1]))
    np.testing.assert_array_equal(recall(matches, max_dets), expected.eval["recall"])
    np.testing.assert_array_equal(precision(matches), expected.eval["precision"][..., -1])
    if max_dets == [1, 10, 100]:
        result = evaluation_of(MatchedImages(matches, len(rows), 0))
        assert list(dataclasses.asdict(result.figures).values()) == expected.stats.tolist()


@settings(max_examples=50, deadline=None)
@given(objects=_objects, found=_found)
@example(objects=_SMALL_AND_MEDIUM, found=_BOTH_FOUND)
def test_rows_are_pycocotools(objects: Any, found: Any) -> None:
    """Each detection's bits, not only what comes of them; and how many objects count."""
    rows = _table(found)
    matches = match(_IMAGES, objects, rows, _CATEGORIES, 2)
    evaluation = _pycocotools(objects, rows, [2])
    images, areas = len(_IMAGES), len(matches.areas)
    for column, category in enumerate(matches.categories):
        for area in range(areas):
            start = (column * areas + area) * images
            some = [
                (index, one)
                for index, one in enumerate(evaluation.evalImgs[start : start + images])
                if one is not None
            ]
            assert category.images.tolist() == [
                index for index, one in some for _ in one["dtScores"]
            ]
            assert category.scores.tolist() == [
                score for _, one in some for score in one["dtScores"]
            ]
            for bit in range(len(matches.ious)):
                for bits, name in ((category.matched, "dtMatches"), (category.ignored, "dtIgnore")):
                    assert ((bits[area] >> bit) & 1).tolist() == [
                        int(flag != 0) for _, one in some for flag in one[name][bit]
                    ]
            counts = dict(
                zip(category.object_images.tolist(), category.objects[area].tolist(), strict=True)
            )
            for index, one in some:
                assert counts.get(index, 0) == np.count_nonzero(one["gtIgnore"] == 0)


@settings(max_examples=40, deadline=None)
@given(objects=_objects, found=_found, cuts=_cuts, reverse=st.booleans())
def test_joined_parts_have_equal_bytes(
    tmp_path_factory: Any, objects: Any, found: Any, cuts: list[int], reverse: bool
) -> None:
    """As matches of all images at once, in whatever order the parts come."""
    folder = tmp_path_factory.mktemp("joined")
    rows = _table(found)
    parts = _parts(objects, rows, cuts, 100)
    write_matches(folder / "parts.npz", join_matches(parts[::-1] if reverse else parts))
    write_matches(folder / "whole.npz", match(_IMAGES, objects, rows, _CATEGORIES, 100))
    assert (folder / "parts.npz").read_bytes() == (folder / "whole.npz").read_bytes()


def _empty(ids: tuple[int, ...], categories: tuple[int, ...] = _CATEGORIES) -> Matches:
    return match(ids, [], _table([]), categories, 100)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (_empty((9,), (1, 17)), "other categories"),
        (dataclasses.replace(_empty((9,)), ious=np.linspace(0.5, 0.9, 10)), "other IoUs"),
        (dataclasses.replace(_empty((9,)), areas=("all", "tiny", "m", "l")), "other areas"),
        (_empty((5, 8)), "image ids in both: 5"),
        (_empty((4, 8)), "image ids 3 to 5, and 4 to 8"),
    ],
)
def test_what_does_not_belong_together_is_refused(other: Matches, message: str) -> None:
    """By name, whichever of the parts it is."""
    first, early, late = _empty((3, 5)), _empty((1,)), _empty((30, 31))
    for parts in ([first, other], [other, first], [early, first, other], [late, other, first]):
        with pytest.raises(RecordError, match=message):
            join_matches(parts)


def test_parts_without_images_add_nothing() -> None:
    """Alone they are matches of no image."""
    joined = join_matches([_empty(()), _empty((3, 5)), _empty(()), _empty((8,))])
    assert joined.same_data(_empty((3, 5, 8)))
    assert join_matches([_empty(()), _empty(())]).same_data(_empty(()))


def test_no_parts_are_refused() -> None:
    """Rather than figures of nothing."""
    with pytest.raises(RecordError, match="no matches to join"):
        join_matches([])


@settings(max_examples=40, deadline=None)
@given(found=_found)
def test_rows_keep_the_models_order(found: Any) -> None:
    """Image by image as the data set has them, without what is not scored."""
    images = [CocoImage(key, f"{key}.png", Path(f"{key}.png"), 300, 200) for key in _IMAGES]
    each = {key: [row for row in found if row[0] == key] for key in _IMAGES}
    detections = {
        key: Detections(
            np.array([row[2] for row in rows]).reshape(-1, 4) / 120,
            [row[4] for row in rows],
            [row[1] for row in rows],
        )
        for key, rows in each.items()
    }
    rows = in_pixels(images, detections, {1: 7, 17: 0, 18: None})
    category = {1: 7, 17: 0}
    expected = [
        (key, category[row[1]], row[4])
        for key in _IMAGES
        for row in each[key]
        if row[1] in category
    ]
    got = zip(
        rows.image_ids.tolist(), rows.category_ids.tolist(), rows.scores.tolist(), strict=True
    )
    assert list(got) == expected
    assert len(rows) == len(expected)


def test_points_of_recall_are_cocos() -> None:
    """Spelt out a second time, because intervals are found without pycocotools."""
    np.testing.assert_array_equal(RECALLS, Params(iouType="bbox").recThrs)
