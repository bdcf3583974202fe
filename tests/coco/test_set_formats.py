"""One data set in every format has the same figures, as far as the format can say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from set_writers import write_tfrecords, write_voc, write_yolo

from validation.coco.categories import join_categories
from validation.coco.dataset import Dataset, load_dataset
from validation.coco.evaluate import evaluate
from validation.record.dataset_kind import DatasetKind
from validation.record.detections import Detections
from validation.zoo.bundled_files import labelled_scenes

Found = Mapping[int, Detections]
Figures = dict[str, float]

# What no format but COCO's and the OD API's can say: the outline's area, which sorts objects
# into small, medium and large.
_BY_AREA = {"ap_small", "ap_medium", "ap_large", "ar_small", "ar_medium", "ar_large"}


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    """Bundled scenes, read from their COCO json."""
    return load_dataset(*labelled_scenes(), max_images=220)


@pytest.fixture(scope="module")
def found(scenes: Dataset) -> Found:
    """Detections near the objects, some of another class: a detector of middling quality."""
    drawn = np.random.default_rng(3)
    result = {}
    for image in scenes.images:
        boxes, classes = [], []
        for item in scenes.ground_truth:
            for _ in range(2 * (item.image_id == image.id)):
                x, y, width, height = item.bbox
                dx, dy, dw, dh = drawn.normal(0, 0.06, 4) * [width, height, width, height]
                left, top = x + dx, y + dy
                corners = (top, left, top + height + dh, left + width + dw)
                boxes.append(np.divide(corners, (image.height, image.width) * 2))
                wrong = drawn.random() < 0.2
                classes.append(int(drawn.integers(1, 9)) if wrong else item.category_id)
        scores = drawn.random(len(boxes))
        result[image.id] = Detections(boxes, scores, np.array(classes, int))
    return result


@pytest.fixture(scope="module")
def theirs(scenes: Dataset, found: Found) -> Figures:
    """Figures by the COCO json."""
    return _figures(scenes, found, scenes)


def _figures(dataset: Dataset, found: Found, scenes: Dataset) -> Figures:
    join = join_categories(scenes.categories, dataset, len(scenes.categories))
    return dataclasses.asdict(evaluate(dataset, found, category_ids=join.categories).figures)


def _differing(ours: Figures, theirs: Figures) -> set[str]:
    """Names of the figures that differ by more than the order of their sum."""
    return {name for name in ours if abs(ours[name] - theirs[name]) > 1e-12}


def _without_crowds(dataset: Dataset) -> Dataset:
    """The set as YOLO can say it."""
    objects = tuple(
        dataclasses.replace(item, is_crowd=False, area=item.bbox[2] * item.bbox[3])
        for item in dataset.ground_truth
    )
    return dataclasses.replace(dataset, ground_truth=objects)


def test_tfrecords_give_every_figure(
    scenes: Dataset, found: Found, theirs: Figures, tmp_path: Path
) -> None:
    """All twelve, to the last bit: boxes in float32 are within a ten-thousandth of a pixel."""
    write_tfrecords(scenes, str(tmp_path / "scenes.record"))
    read = load_dataset(tmp_path / "scenes.record", cache=tmp_path / "cache")
    assert read.kind is DatasetKind.TFRECORD
    assert read.notices == ()
    assert _figures(read, found, scenes) == theirs


@pytest.mark.parametrize(
    ("shards", "packed", "named"),
    [
        (3, False, "scenes.record-?????-of-00003"),
        (3, False, "scenes.record@3"),
        (2, True, "."),
        (1, True, "*.record"),
    ],
)
def test_tfrecords_in_parts_are_the_same_set(
    scenes: Dataset, tmp_path: Path, shards: int, packed: bool, named: str
) -> None:
    """Whatever names them, in parts and compressed."""
    suffix = f"-{{:05d}}-of-{shards:05d}" if shards > 1 else ""
    write_tfrecords(scenes, str(tmp_path / f"scenes.record{suffix}"), shards=shards, packed=packed)
    read = load_dataset(tmp_path / named, cache=tmp_path / "cache")
    assert [image.id for image in read.images] == [image.id for image in scenes.images]
    assert read.categories == scenes.categories
    ours = np.array(sorted((each.image_id, *each.bbox) for each in read.ground_truth))
    theirs = np.array(sorted((each.image_id, *each.bbox) for each in scenes.ground_truth))
    assert ours == pytest.approx(theirs, abs=1e-4)


def test_voc_gives_every_figure_but_those_by_area(
    scenes: Dataset, found: Found, theirs: Figures, tmp_path: Path
) -> None:
    """The scenes' boxes are whole pixels, so that AP is the same to the last bit."""
    write_voc(scenes, tmp_path / "scenes")
    read = load_dataset(tmp_path / "scenes")
    assert read.describe() == (
        "Pascal VOC (list val.txt): 220 images, 608 objects (14 ignored), 8 categories"
    )
    assert _differing(_figures(read, found, scenes), theirs) == _BY_AREA


def test_yolo_gives_every_figure_but_those_by_area(
    scenes: Dataset, found: Found, tmp_path: Path
) -> None:
    """YOLO has no crowds: of a set without them. Six decimals are thousandths of a pixel."""
    write_yolo(scenes, tmp_path / "scenes")
    read = load_dataset(tmp_path / "scenes" / "data.yaml")
    assert read.kind is DatasetKind.YOLO
    assert read.categories == scenes.categories
    plain = _without_crowds(scenes)
    # An object of 32 x 32 pixels may be small in one and medium in the other.
    ours = _figures(read, found, scenes)
    assert _differing(ours, _figures(plain, found, scenes)) <= _BY_AREA


def test_boxes_are_the_same_within_what_a_format_can_say(scenes: Dataset, tmp_path: Path) -> None:
    """Whole pixels exactly, six decimals of 400 pixels within a thousandth."""
    write_voc(scenes, tmp_path / "voc")
    write_yolo(scenes, tmp_path / "yolo")
    expected = [item.bbox for item in scenes.ground_truth]
    voc = load_dataset(tmp_path / "voc")
    yolo = load_dataset(tmp_path / "yolo")
    assert [item.bbox for item in voc.ground_truth] == expected
    boxes = np.array([item.bbox for item in yolo.ground_truth])
    assert np.abs(boxes - expected).max() < 1e-3
