"""Boxes of another format are recognised and refused, and read when they are asked for."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.coco.annotations import read_annotations
from validation.coco.box_formats import BoxFormat, in_coco_layout, in_one_corner, parse_box_format
from validation.coco.dataset import load_dataset
from validation.errors import DatasetError
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Make = Callable[..., tuple[Path, Path]]

# Wide, so that exchanged axes leave the image.
_SIZE = np.array([640, 320])


def _written(boxes: np.ndarray, form: BoxFormat) -> np.ndarray:
    """Boxes in COCO's layout, written in another one."""
    low, side = boxes[:, :2], boxes[:, 2:]
    parts = {
        "xywh": (low, side),
        "xyxy": (low, low + side),
        "yxyx": (low[:, ::-1], (low + side)[:, ::-1]),
        "cxcywh": (low + side / 2, side),
    }
    scale = _SIZE[::-1] if form.order == "yxyx" else _SIZE
    divisor = scale if form.is_normalised else 1
    return np.concatenate([part / divisor for part in parts[form.order]], axis=1)


def _drawn(count: int, seed: int = 3) -> np.ndarray:
    random = np.random.default_rng(seed)
    low = random.uniform(0, 0.8, (count, 2)) * _SIZE
    return np.concatenate([low, random.uniform(0.1, 1, (count, 2)) * (_SIZE - low)], axis=1)


def _sizes(boxes: np.ndarray) -> np.ndarray:
    return np.tile(_SIZE, (len(boxes), 1))


@pytest.mark.parametrize("form", list(BoxFormat))
@given(count=st.integers(1, 30), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_every_format_is_read_when_asked_for(form: BoxFormat, count: int, seed: int) -> None:
    """The boxes are those that were written, to float64's own accuracy."""
    boxes = _drawn(count, seed)
    read = in_coco_layout(_written(boxes, form), _sizes(boxes), form, "a.json")
    np.testing.assert_allclose(read, boxes, atol=1e-9)


@pytest.mark.parametrize("form", [each for each in BoxFormat if each is not BoxFormat.XYWH])
def test_another_format_is_refused_with_what_to_type(form: BoxFormat) -> None:
    """The flag is among what the message offers."""
    boxes = _drawn(40)
    with pytest.raises(DatasetError, match=rf"--box-format={form}( |,|$)") as caught:
        in_coco_layout(_written(boxes, form), _sizes(boxes), None, "a.json")
    assert "a.json" in str(caught.value)
    assert ("no number of any box is above 1" in str(caught.value)) is form.is_normalised


@pytest.mark.parametrize("form", [BoxFormat.XYXY, BoxFormat.CXCYWH])
def test_a_careless_box_hides_no_format(form: BoxFormat) -> None:
    """One of a hundred boxes that passes the edge is a slip in any format."""
    boxes = _drawn(100)
    boxes[7, 2] += 640
    with pytest.raises(DatasetError, match=f"add .*--box-format={form} .*as they are"):
        in_coco_layout(_written(boxes, form), _sizes(boxes), None, "a.json")


@given(seed=st.integers(0, 500), count=st.integers(8, 60), careless=st.integers(0, 1))
@settings(max_examples=60, deadline=None)
def test_boxes_of_coco_stay_as_they_are(seed: int, count: int, careless: int) -> None:
    """A box that passes the edge of its image among them changes nothing."""
    boxes = _drawn(count, seed)
    boxes[:careless, 2] += 640
    np.testing.assert_array_equal(in_coco_layout(boxes, _sizes(boxes), None, "a.json"), boxes)


def test_whole_bodies_beyond_the_image_are_kept() -> None:
    """Annotations of what the image cuts off fit no other format, and are scored as they are."""
    boxes = _drawn(20)
    boxes[:, 3] += 200
    boxes[:4] = [-20, 10, 300, 400]
    np.testing.assert_array_equal(in_coco_layout(boxes, _sizes(boxes), None, "a.json"), boxes)


@pytest.mark.parametrize("scale", [1, 0.5])
@given(seed=st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_boxes_of_smaller_images_keep_to_one_corner(scale: float, seed: int) -> None:
    """As those in per cent do; a few boxes may do so by chance."""
    boxes = _drawn(12, seed)
    boxes[0] = [500, 250, 140, 70]
    assert in_one_corner(boxes * scale, _sizes(boxes)) is (scale < 1)
    assert not in_one_corner(boxes[:5] * scale, _sizes(boxes[:5]))


def test_boxes_in_per_cent_of_small_images_keep_to_one_corner() -> None:
    """Many boxes show it where the images are hardly larger than 100 pixels."""
    boxes = _written(_drawn(60), BoxFormat.XYWH_NORMALISED) * 100
    assert in_one_corner(boxes, np.full((60, 2), 130))
    assert not in_one_corner(boxes[:12], np.full((12, 2), 130))


def test_objects_in_the_middle_keep_to_no_corner() -> None:
    """Photographs of one product each: as much is free above and to the left."""
    boxes = 0.4 * _drawn(60) + np.array([*(0.3 * _SIZE), 0, 0])
    assert not in_one_corner(boxes, _sizes(boxes))


def test_what_is_asked_for_is_not_doubted() -> None:
    """A message of this kind has to have a way out."""
    boxes = _written(_drawn(20), BoxFormat.XYXY)
    read = in_coco_layout(boxes, _sizes(boxes), BoxFormat.XYWH, "a.json")
    np.testing.assert_array_equal(read, boxes)


def _corners(table: dict[str, Any]) -> None:
    for entry in table["annotations"]:
        x, y, width, height = entry["bbox"]
        entry["bbox"] = [x, y, x + width, y + height]
        del entry["area"]


def test_a_file_is_converted_when_asked(make_coco: Make) -> None:
    """Its areas are those of the converted boxes, and its hash is another one."""
    path, folder = make_coco(_corners)
    read = read_annotations(path, folder, BoxFormat.XYXY)
    assert [item.bbox for item in read.objects] == [(4, 2, 8, 10), (0, 0, 15, 5), (1, 1, 9, 9)]
    assert [item.area for item in read.objects] == [80, 75, 81]
    assert Kind.BOX_CONVERTED in {notice.kind for notice in read.notices}
    hashes = {load_dataset(path, folder, box_format=each).sha256 for each in (None, *_ASKED)}
    assert len(hashes) == 3


_ASKED = (BoxFormat.XYWH, BoxFormat.XYXY)


def _corner_before(table: dict[str, Any]) -> None:
    table["annotations"][0]["bbox"] = [9, 9, 5, 5]


def test_boxes_that_are_not_of_the_format_asked_for_are_refused(make_coco: Make) -> None:
    """A corner cannot lie before the one it belongs to."""
    with pytest.raises(DatasetError, match=r"bbox is wrong.*xyxy, no side below 0"):
        read_annotations(*make_coco(_corner_before), BoxFormat.XYXY)


def test_boxes_beyond_their_image_or_without_area_are_noticed(make_coco: Make) -> None:
    """No detection can match them, so the figures are lower for them."""

    def change(table: dict[str, Any]) -> None:
        table["annotations"][0]["bbox"] = [30, 2, 12, 10]
        table["annotations"][1]["bbox"] = [0, 0, 15, 0]

    notices = load_dataset(*make_coco(change)).notices
    assert {notice.kind: notice.examples for notice in notices} == {
        Kind.BOX_BEYOND_IMAGE: ("seven.png",),
        Kind.BOX_WITHOUT_AREA: ("three.png",),
    }
    assert all(notice.moves_figures for notice in notices)


@pytest.mark.parametrize("area", [0.01, 90])
def test_areas_unlike_their_boxes_are_noticed(make_coco: Make, area: float) -> None:
    """Shares of the image, or of another size of it: what is small is decided by them."""

    def change(table: dict[str, Any]) -> None:
        table["annotations"][0]["area"] = area

    (notice,) = load_dataset(*make_coco(change)).notices
    assert (notice.kind, notice.count, notice.moves_figures) == (Kind.AREA_UNLIKE_BOX, 1, True)


def test_objects_that_stand_twice_are_noticed(make_coco: Make) -> None:
    """Two detections would be needed to find both, and non-maximum suppression leaves one."""

    def change(table: dict[str, Any]) -> None:
        table["annotations"].append({**table["annotations"][0], "id": 9})

    (notice,) = load_dataset(*make_coco(change)).notices
    assert (notice.kind, notice.count, notice.moves_figures) == (Kind.OBJECT_TWICE, 1, True)


def test_a_format_is_named() -> None:
    """Case does not count, and another word is answered with the nearest."""
    assert parse_box_format("XYXY") is BoxFormat.XYXY
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape("did you mean 'yxyx'?")):
        parse_box_format("xyx")
