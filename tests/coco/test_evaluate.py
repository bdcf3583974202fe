"""The COCO figures are pycocotools' own, and nothing slips out of them."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from validation.coco import evaluate as evaluation
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate, evaluation_of
from validation.coco.image_matches import ImageMatcher, join_images
from validation.errors import DatasetError, UsageError
from validation.record.detections import Detections

# Powers of two: boxes come back from fractions as they were, also where an IoU is a threshold.
_WIDTH, _HEIGHT = 512, 256
_NOTHING = Detections((), (), ())


def _annotation(
    image: int, category: int, bbox: tuple[float, float, float, float], *, crowd: bool = False
) -> CocoAnnotation:
    return CocoAnnotation(image, category, bbox, bbox[2] * bbox[3], crowd)


def _dataset(*objects: CocoAnnotation, images: int = 2) -> Dataset:
    return Dataset(
        "tiny",
        Path("tiny.json"),
        tuple(
            CocoImage(number, f"{number}.png", Path(f"{number}.png"), _WIDTH, _HEIGHT)
            for number in range(1, images + 1)
        ),
        objects,
        {1: "person", 17: "cat", 18: "dog"},
        "",
    )


def _normalised(bbox: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x, y, width, height = bbox
    return y / _HEIGHT, x / _WIDTH, (y + height) / _HEIGHT, (x + width) / _WIDTH


def _perfect(dataset: Dataset) -> dict[int, Detections]:
    found = {}
    for image in dataset.images:
        here = [item for item in dataset.ground_truth if item.image_id == image.id]
        found[image.id] = Detections(
            tuple(_normalised(item.bbox) for item in here),
            (0.9,) * len(here),
            tuple(item.category_id for item in here),
        )
    return found


_PERSON = _annotation(1, 1, (40, 20, 100, 90))
_CAT = _annotation(2, 17, (200, 100, 20, 10))


def test_perfect_detections_have_full_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    """Every object of every size is found, and nothing is printed on the way."""
    dataset = _dataset(_PERSON, _CAT)
    found = evaluate(dataset, _perfect(dataset), category_ids=(1, 17))
    figures = found.figures
    assert (figures.ap, figures.ap50, figures.ap75, figures.ar_1, figures.ar_100) == pytest.approx(
        (1,) * 5
    )
    assert (figures.ap_small, figures.ap_medium, figures.ap_large) == pytest.approx((1, 1, -1))
    assert found.per_category == pytest.approx({1: 1, 17: 1})
    assert (found.images, found.category_ids, found.detections) == (2, (1, 17), 2)
    assert capsys.readouterr().out == ""


def test_a_single_object_counts() -> None:
    """The first object is matched like any other, although pycocotools counts from 0."""
    dataset = _dataset(_PERSON)
    assert evaluate(dataset, _perfect(dataset), category_ids=(1,)).figures.ap == pytest.approx(1)


def test_recall_is_told_for_fewer_detections() -> None:
    """Of twelve objects on an image one detection finds one, ten find ten."""
    dataset = _dataset(*(_annotation(1, 1, (30 * i, 10, 20, 40)) for i in range(12)))
    figures = evaluate(dataset, _perfect(dataset), category_ids=(1,)).figures
    assert (figures.ar_1, figures.ar_10, figures.ar_100) == pytest.approx((1 / 12, 10 / 12, 1))


def test_swapped_axes_are_seen() -> None:
    """On an image that is not square no box of swapped axes fits."""
    dataset = _dataset(_PERSON)
    ymin, xmin, ymax, xmax = _normalised(_PERSON.bbox)
    found = {1: Detections(((xmin, ymin, xmax, ymax),), (0.9,), (1,)), 2: _NOTHING}
    assert evaluate(dataset, found, category_ids=(1,)).figures.ap == 0


def test_no_detections_are_no_accuracy() -> None:
    """Zeros, where pycocotools' own loader fails."""
    found = evaluate(_dataset(_PERSON), {1: _NOTHING, 2: _NOTHING}, category_ids=(1,))
    assert (found.figures.ap, found.figures.ar_100, found.detections) == (0, 0, 0)


def test_a_class_is_scored_as_its_category() -> None:
    """Class 1 of a cat detector is category 17."""
    dataset = _dataset(_CAT)
    found = {1: _NOTHING, 2: Detections((_normalised(_CAT.bbox),), (0.9,), (1,))}
    result = evaluate(dataset, found, category_ids={1: 17})
    assert result.figures.ap == pytest.approx(1)
    assert result.category_ids == (17,)


def test_classes_of_no_category_are_counted_apart() -> None:
    """They neither help nor harm the figures."""
    dataset = _dataset(_PERSON)
    perfect = _perfect(dataset)[1]
    found = {
        1: Detections(perfect.boxes.repeat(2, axis=0), (0.5, 0.9), (1, 2)),
        2: Detections(perfect.boxes, (0.9,), (2,)),
    }
    result = evaluate(dataset, found, category_ids={1: 1, 2: None})
    assert result.figures.ap == pytest.approx(1)
    assert (result.detections, result.unscored_detections) == (1, 2)


def test_categories_that_the_images_do_not_show_are_told() -> None:
    """Their AP is -1 and the mean is without them."""
    dataset = _dataset(_PERSON)
    result = evaluate(dataset, _perfect(dataset), category_ids=(1, 18))
    assert result.per_category == pytest.approx({1: 1, 18: -1})
    assert result.figures.ap == pytest.approx(1)


def test_ranges_of_images_give_the_same_as_all_at_once() -> None:
    """Figures, and how many detections are scored and how many are not."""
    dataset = _dataset(_PERSON, _CAT, _annotation(4, 1, (8, 8, 64, 64)), images=5)
    found = {**_perfect(dataset), 3: Detections(((0.0, 0.0, 0.5, 0.5),), (0.95,), (18,))}
    categories = {1: 1, 17: 17, 18: None}
    whole = evaluate(dataset, found, category_ids=categories)
    matcher = ImageMatcher(dataset, categories)
    ranges = [dataset.images[:2], dataset.images[2:3], dataset.images[3:]]
    parts = [matcher.matched(some, {each.id: found[each.id] for each in some}) for some in ranges]
    assert evaluation_of(join_images(parts)) == whole
    assert (whole.images, whole.detections, whole.unscored_detections) == (5, 3, 1)


def test_crowds_are_neither_asked_for_nor_punished() -> None:
    """A box in a crowd is no false positive."""
    dataset = _dataset(_PERSON, _annotation(2, 1, (0, 0, 300, 150), crowd=True))
    found = _perfect(dataset)
    found[2] = Detections((_normalised((10, 10, 50, 50)),), (0.99,), (1,))
    assert evaluate(dataset, found, category_ids=(1,)).figures.ap == pytest.approx(1)


@pytest.mark.parametrize(
    "box",
    [
        (0.9, 0.9, 0.1, 0.95),  # upside down: its signed area would be negative
        (-900.0, -900.0, 900.0, 900.0),  # larger than COCO's largest area
        (0.5, 0.5, 0.5, 0.5),
    ],
)
def test_impossible_boxes_are_false_positives(box: tuple[float, float, float, float]) -> None:
    """A box that can match nothing stands in the way of precision."""
    dataset = _dataset(_PERSON)
    found = {
        1: Detections((_normalised(_PERSON.bbox), box), (0.5, 0.9), (1, 1)),
        2: _NOTHING,
    }
    assert evaluate(dataset, found, category_ids=(1,)).figures.ap50 == pytest.approx(0.5)


def test_boxes_are_clipped_to_the_image() -> None:
    """A box that leaves the image is scored by what of it is inside, as the OD API does."""
    dataset = _dataset(_annotation(1, 1, (0, 0, 100, 100)))
    inside, beyond = (0, 0, 100, 100), (-100, 0, 200, 100)
    figures = [
        evaluate(
            dataset,
            {1: Detections((_normalised(box),), (0.9,), (1,)), 2: _NOTHING},
            category_ids=(1,),
        ).figures
        for box in (inside, beyond)
    ]
    assert figures[0] == figures[1]
    assert figures[0].ap75 == pytest.approx(1)


def test_fewer_detections_an_image_can_be_scored() -> None:
    """AP is at the number asked for, which pycocotools' summary would give as -1."""
    dataset = _dataset(_PERSON)
    true = _normalised(_PERSON.bbox)
    found = {
        1: Detections((*[(0.8, 0.8, 0.9, 0.9)] * 10, true), (*[0.9] * 10, 0.5), (1,) * 11),
        2: _NOTHING,
    }
    assert evaluate(dataset, found, category_ids=(1,), max_dets=10).figures.ap == 0
    assert evaluate(dataset, found, category_ids=(1,)).figures.ap == pytest.approx(1 / 11)


def test_too_few_detections_are_a_usage_error() -> None:
    """COCO's AR@10 would have no meaning."""
    dataset = _dataset(_PERSON)
    with pytest.raises(UsageError, match=r"too few detections an image.*at least 10, got 9"):
        evaluate(dataset, _perfect(dataset), category_ids=(1,), max_dets=9)


def test_a_lost_image_is_an_error() -> None:
    """It is named, and not taken as an image on which nothing was found."""
    with pytest.raises(DatasetError, match=r"1 images without a result.*got image ids 2"):
        evaluate(_dataset(_PERSON), {1: _NOTHING}, category_ids=(1,))


def test_an_unknown_image_is_an_error() -> None:
    """Results of another data set do not go unseen."""
    found = dict.fromkeys((1, 2, 9), _NOTHING)
    with pytest.raises(DatasetError, match=r"1 images that the data set does not have.* ids 9"):
        evaluate(_dataset(_PERSON), found, category_ids=(1,))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["boxes", "scores"])
def test_values_that_are_not_finite_are_an_error(part: str, value: float) -> None:
    """The image is named."""
    dataset = _dataset(_PERSON, _CAT)
    found = _perfect(dataset)
    broken: Any = ((0.0, 0.0, value, 1.0),) if part == "boxes" else (value,)
    for image in (1, 2):
        changed = {**found, image: dataclasses.replace(found[image], **{part: broken})}
        with pytest.raises(DatasetError, match=rf"on 1 images are not finite.*image ids {image}"):
            evaluate(dataset, changed, category_ids=(1, 17))


def test_unknown_classes_are_an_error() -> None:
    """A label offset shows as a class that the model does not have."""
    dataset = _dataset(_PERSON, _CAT)
    found = _perfect(dataset)
    for image in (1, 2):
        changed = {**found, image: dataclasses.replace(found[image], classes=(0,))}
        with pytest.raises(DatasetError, match=r"1 class ids that stand for no category.*got 0"):
            evaluate(dataset, changed, category_ids=(1, 17))


@pytest.mark.parametrize(("ids", "got"), [((1, 2), "got 2"), ((2, 1), "got 2"), ((), "got none")])
def test_unknown_categories_are_an_error(ids: tuple[int, ...], got: str) -> None:
    """What is scored must be the data set's, and something must be scored."""
    dataset = _dataset(_PERSON)
    with pytest.raises(DatasetError, match=f"categories to score are not the data set's.*{got}"):
        evaluate(dataset, _perfect(dataset), category_ids=ids)


@pytest.mark.parametrize("objects", [(), (_CAT,), (_annotation(1, 1, (0, 0, 50, 50), crowd=True),)])
def test_nothing_to_find_is_an_error(objects: tuple[CocoAnnotation, ...]) -> None:
    """Figures of -1 would be no evidence; a crowd is nothing to find."""
    dataset = _dataset(*objects)
    with pytest.raises(DatasetError, match="no object of the scored categories"):
        evaluate(dataset, {1: _NOTHING, 2: _NOTHING}, category_ids=(1,))


_SIDES = st.integers(4, 180)
# Inside the image of 400x200: clipping has its own test.
_BBOXES = st.tuples(st.integers(0, 200), st.integers(0, 20), _SIDES, _SIDES)
_OBJECTS = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 17]), _BBOXES, st.booleans()), max_size=6
)
_FOUND = st.lists(
    st.tuples(st.integers(1, 3), st.sampled_from([1, 17]), _BBOXES, st.floats(0, 1)), max_size=12
)


@given(objects=_OBJECTS, found=_FOUND)
@settings(max_examples=25, deadline=None)
def test_figures_are_those_of_pycocotools_summary(
    objects: list[tuple[int, int, tuple[int, int, int, int], bool]],
    found: list[tuple[int, int, tuple[int, int, int, int], float]],
) -> None:
    """Each named figure is the one that pycocotools prints in its place."""
    items = [_PERSON, *(_annotation(image, cat, box, crowd=c) for image, cat, box, c in objects)]
    # Half of the objects are found, so that the figures are not all zero.
    results = [(item.image_id, item.category_id, item.bbox, 0.5) for item in items[::2]] + found
    dataset = _dataset(*items, images=3)
    detections = {}
    for image in (3, 1, 2):
        here = [entry for entry in results if entry[0] == image]
        detections[image] = Detections(
            tuple(_normalised(bbox) for _, _, bbox, _ in here),
            tuple(score for *_, score in here),
            tuple(category for _, category, _, _ in here),
        )
    figures = evaluate(dataset, detections, category_ids=(1, 17)).figures
    expected = _summary(dataset, results)
    assert np.allclose(dataclasses.astuple(figures), expected, atol=1e-9)


def _summary(dataset: Dataset, results: list[Any]) -> list[float]:
    """The twelve figures through pycocotools' own doors: index, loader and summary."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": image.id} for image in dataset.images],
            "categories": [{"id": 1}, {"id": 17}],
            "annotations": [
                {
                    "id": number,
                    "image_id": item.image_id,
                    "category_id": item.category_id,
                    "bbox": list(item.bbox),
                    "area": item.area,
                    "iscrowd": int(item.is_crowd),
                }
                for number, item in enumerate(dataset.ground_truth, 1)
            ],
        }
        truth.createIndex()
        # In order of image, as ties between scores are broken by position.
        rows = [
            {"image_id": image, "category_id": category, "bbox": list(bbox), "score": score}
            for image, category, bbox, score in sorted(results, key=lambda entry: entry[0])
        ]
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return list(evaluation.stats)


def test_images_beyond_the_first_range_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are matched at a time, the figures are the same."""
    boxes = [_annotation(number, 17, (0.0, 0.0, 64.0, 64.0)) for number in range(1, 6)]
    dataset = _dataset(*boxes, images=5)
    found = {**_perfect(dataset), 5: _NOTHING}
    whole = evaluate(dataset, found, category_ids=(17,))
    monkeypatch.setattr(evaluation, "IMAGES_AT_A_TIME", 2)
    assert evaluate(dataset, found, category_ids=(17,)) == whole
    assert whole.images == 5
    assert whole.figures.ar_100 == pytest.approx(0.8)


def test_an_object_behind_those_that_do_not_count_is_enough() -> None:
    """A crowd and another category come first; without it their number is named."""
    box = (0.0, 0.0, 64.0, 64.0)
    others = [_annotation(1, 17, box, crowd=True), _annotation(1, 1, box)]
    crowds = [*others, _annotation(1, 17, box, crowd=True)]
    with pytest.raises(DatasetError, match="2 crowds"):
        evaluate(_dataset(*crowds), {1: _NOTHING, 2: _NOTHING}, category_ids=(17,))
    one = _dataset(*others, _annotation(2, 17, box))
    assert evaluate(one, _perfect(one), category_ids={1: None, 17: 17}).figures.ap == pytest.approx(
        1
    )
