"""Detections of any system in COCO's results format are read, and what is left out is said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.box_formats import BoxFormat
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate
from validation.coco.results import write_results
from validation.coco.results_file import read_results
from validation.coco.results_join import results_as_detections
from validation.comparison.doubts import Doubts
from validation.errors import ArtefactMissing, DatasetError
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.results_facts import (
    ImagesBy,
    LeftResults,
    Meeting,
    ResultsDoubt,
    ResultsFacts,
)
from validation.record.types import Measure, ModelKey

_CATEGORIES = {17: "cat", 18: "dog", 90: "toothbrush"}
_CLASSES = {1: 17, 2: 18, 3: None}
_NAMES = {3: "val/000000000071.jpg", 7: "val/000000000072.jpg", 8: "val/000000000073.jpg"}
_ONE = {"image_id": 3, "category_id": 17, "bbox": [100, 20, 200, 80], "score": 0.5}


def _dataset(names: dict[int, str] | None = None) -> Dataset:
    images = tuple(
        CocoImage(key, name, Path(name), 400, 200) for key, name in (names or _NAMES).items()
    )
    objects = tuple(
        CocoAnnotation(image.id, category, (40.0, 20.0, 100.0 + image.id, 90.0), 9000.0, False)
        for image in images
        for category in (17, 18)
    )
    return Dataset("tiny", Path("tiny.json"), images, objects, _CATEGORIES, "")


def _written(folder: Path, content: Any) -> Path:
    path = folder / "results.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def _read(
    folder: Path, content: Any, dataset: Dataset | None = None, form: BoxFormat | None = None
) -> tuple[dict[str, Detections], ResultsFacts]:
    results = read_results(_written(folder, content))
    found, facts = results_as_detections(results, dataset or _dataset(), _CLASSES, form)
    return dict(found), facts


def _doubts(facts: ResultsFacts) -> list[str]:
    """What the policy's limits make of them."""
    doubts = Doubts(results=facts)
    key = ModelKey("m", "float", "detect.tflite")
    measures = Measure.limited(doubts.figures, load_policy(), "evidence", key)
    found = {each.name for each in measures if each.status is Status.WARN}
    return [facts.words(each) for each in ResultsDoubt if each.value in found]


def test_one_result_is_one_detection(tmp_path: Path) -> None:
    """Class of its category, shares of the image; other images have none."""
    found, facts = _read(tmp_path, [_ONE])
    assert found == {
        "3": Detections(((0.1, 0.25, 0.5, 0.75),), (0.5,), (1,)),
        "7": Detections((), (), ()),
        "8": Detections((), (), ()),
    }
    assert facts == ResultsFacts(
        results=1,
        used=1,
        images=3,
        images_with=1,
        most_per_image=1,
        meeting=Meeting(objects=6, images=3, silent=2),
    )
    assert facts.describe()[0] == "1 of 1 result used, on 1 of 3 images, joined by image id"


def test_the_best_detection_comes_first(tmp_path: Path) -> None:
    """Equal scores keep the file's order, and images may be mixed."""
    scores = [(3, 0.2), (7, 0.9), (3, 0.8), (3, 0.2), (7, 1)]
    rows = [
        _ONE | {"image_id": key, "score": score, "bbox": [number, 0, 9, 9]}
        for number, (key, score) in enumerate(scores)
    ]
    found, _ = _read(tmp_path, rows)
    assert found["3"].scores.tolist() == [0.8, 0.2, 0.2]
    assert (found["3"].boxes[:, 1] * 400).tolist() == [2, 0, 3]
    assert (found["7"].boxes[:, 1] * 400).tolist() == [4, 1]


_BOX = st.tuples(*[st.floats(0, 1)] * 4).map(
    lambda four: (min(four[::2]), min(four[1::2]), max(four[::2]), max(four[1::2]))
)
_FOUND = st.lists(st.tuples(_BOX, st.floats(0, 1), st.sampled_from([1, 2])), max_size=4)


@given(st.lists(_FOUND, min_size=3, max_size=3).filter(any))
def test_what_evaluate_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[list[tuple[Any, float, int]]]
) -> None:
    """The detections that it scored, best first."""
    path = tmp_path_factory.getbasetemp() / "round_trip.json"
    dataset = _dataset()
    found = {
        image.id: Detections(*zip(*sorted(rows, key=lambda row: -row[1]), strict=True))
        if rows
        else Detections((), (), ())
        for image, rows in zip(dataset.images, drawn, strict=True)
    }
    write_results(path, dataset, found, _CLASSES)
    # Few boxes may fit another format as well: who wrote the file knows.
    got, facts = results_as_detections(read_results(path), dataset, _CLASSES, BoxFormat.XYWH)
    assert facts.used == facts.results == sum(map(len, found.values()))
    for key, own in found.items():
        back = got[str(key)]
        assert back.classes.tolist() == own.classes.tolist()
        assert back.scores.tolist() == own.scores.tolist()
        np.testing.assert_allclose(back.boxes, own.boxes, rtol=0, atol=1e-12)


def test_ap_is_that_of_the_detections(tmp_path: Path) -> None:
    """A file of results says as much as the detections that it was made from."""
    random, dataset = np.random.default_rng(1), _dataset()
    found = {}
    for image in dataset.images:
        centre = np.array([0.1, 0.1, 0.55, 0.35]) + random.normal(0, 0.03, (12, 4))
        scores = np.sort(random.uniform(0, 1, 12))[::-1]
        found[image.id] = Detections(centre, scores, random.integers(1, 3, 12))
    path = tmp_path / "results.json"
    write_results(path, dataset, found, _CLASSES)
    got, _ = results_as_detections(read_results(path), dataset, _CLASSES)
    own = evaluate(dataset, found, category_ids=_CLASSES)
    back = evaluate(dataset, {int(key): value for key, value in got.items()}, category_ids=_CLASSES)
    assert own.figures.ap > 0.1
    assert back == own


@pytest.mark.parametrize(
    "content",
    [
        {"annotations": [_ONE | {"id": 1, "iscrowd": 0}], "categories": [], "images": []},
        {"detections": [_ONE]},
        json.dumps(_ONE) + "\n" + json.dumps(_ONE | {"image_id": 7}) + "\n",
        [_ONE | {"image_id": "3", "category_id": "17"}],
        [_ONE | {"image_id": 3.0, "category_id": 17.0}],
        [_ONE | {"image_id": "000000000071"}],
        [_ONE | {"image_id": 71}],
        [_ONE | {"image_id": "000000000071.jpg"}],
        [_ONE | {"image_id": "C:\\images\\000000000071.JPG"}],
        [
            {
                "file_name": "val/000000000071.jpg",
                **{k: v for k, v in _ONE.items() if k != "image_id"},
            }
        ],
    ],
    ids=str,
)
def test_what_people_have_is_read(tmp_path: Path, content: Any) -> None:
    """Lists inside objects, logs, text for numbers, file names for ids."""
    found, facts = _read(tmp_path, content)
    assert found["3"] == Detections(((0.1, 0.25, 0.5, 0.75),), (0.5,), (1,))
    assert facts.used == facts.results


def test_what_was_assumed_and_left_out_is_said(tmp_path: Path) -> None:
    """Counted, with the first of them."""
    rows = [
        _ONE | {"image_id": "3", "segmentation": [], "area": 1},
        _ONE | {"image_id": 99},
        _ONE | {"image_id": 99},
        _ONE | {"category_id": 90},
        _ONE | {"category_id": 0},
        _ONE | {"bbox": [390, 20, 20, 0]},
    ]
    found, facts = _read(tmp_path, rows)
    assert len(found["3"]) == facts.used == 2
    assert facts.other_images == LeftResults(2, ("99",), 1)
    assert facts.unknown_categories == LeftResults(1, ("0",), 1)
    assert facts.other_categories == LeftResults(1, ("90 toothbrush",), 1)
    assert facts.ignored_keys == ("area", "segmentation")
    assert (facts.ids_as_text, facts.boxes_beyond, facts.boxes_without_area) == (1, 1, 1)
    said = " | ".join(facts.describe())
    for words in (
        "2 of 6 results used, on 1 of 3 images",
        "as text and read as numbers: 1",
        "ignored: area, segmentation",
        "data set does not have, left out: 2 (99)",
        "left out: 1 (90 toothbrush)",
    ):
        assert words in said
    assert "count from 0, as classes of a model do: 1 (0)" in " | ".join(_doubts(facts))


def test_numbers_that_are_ids_and_file_names_are_doubted(tmp_path: Path) -> None:
    """COCO's word decides where both fit: image_id is an id."""
    dataset = _dataset({1: "2.jpg", 2: "1.jpg"})
    found, facts = _read(tmp_path, [_ONE | {"image_id": 1}], dataset)
    assert (len(found["1"]), facts.by, facts.either_way) == (1, ImagesBy.ID, 1)
    assert "files of other images are called so too" in _doubts(facts)[0]


def _objects(**changes: Any) -> list[dict[str, Any]]:
    """A result on each labelled object."""
    return [
        {"image_id": item.image_id, "category_id": item.category_id, "score": 0.5}
        | {"bbox": list(item.bbox)}
        | changes
        for item in _dataset().ground_truth
    ]


@pytest.mark.parametrize(
    ("rows", "meeting", "doubt"),
    [
        (_objects(), Meeting(6, 6, 6, 3, 0), None),
        (_objects()[::2], Meeting(6, 6, 3, 3, 0), None),
        (_objects(bbox=[20, 40, 90, 100]), Meeting(6, 0, 0, 3, 0), "hardly any object is met"),
        (_objects(category_id=18)[::2] + _objects(bbox=[0, 0, 1, 9]), Meeting(6, 6, 3, 3, 0), None),
        (_objects()[:2], Meeting(6, 2, 2, 3, 2), "2 of 3 images with objects have no detection"),
        (_objects(bbox=[350, 40, 90, 100]), Meeting(6, 0, 0, 3, 0), "6 of 6 boxes reach beyond"),
    ],
)
def test_results_that_do_not_meet_the_objects_are_doubted(
    tmp_path: Path, rows: list[dict[str, Any]], meeting: Meeting, doubt: str | None
) -> None:
    """Boxes of another size or order, parts of a set; what meets them is not doubted."""
    _, facts = _read(tmp_path, rows)
    assert facts.meeting == meeting
    assert any(doubt in each for each in _doubts(facts)) if doubt else _doubts(facts) == []
    assert meeting.describe() in facts.describe()


def test_categories_that_are_shifted_are_doubted(tmp_path: Path) -> None:
    """Boxes lie right and are called otherwise."""
    only_cats = tuple(item for item in _dataset().ground_truth if item.category_id == 17)
    dataset = dataclasses.replace(_dataset(), ground_truth=only_cats)
    _, facts = _read(tmp_path, _objects(category_id=18), dataset)
    assert facts.meeting == Meeting(3, 3, 0, 3, 0)
    assert "only 0 are called by their category" in _doubts(facts)[0]


def test_more_than_coco_scores_is_said(tmp_path: Path) -> None:
    """A hundred of an image and category count."""
    _, facts = _read(tmp_path, [_ONE] * 101)
    assert "up to 101 detections on an image" in " ".join(facts.describe())


def test_boxes_in_pixels_of_the_model_s_input_are_doubted(tmp_path: Path) -> None:
    """They all lie in the upper left part."""
    rows = [_ONE | {"bbox": [5 * n, 2 * n, 60, 30]} for n in range(12)]
    _, facts = _read(tmp_path, rows)
    assert facts.in_one_corner
    assert any("pixels of the model's input" in each for each in _doubts(facts))


@pytest.mark.parametrize(
    ("box", "looks"),
    [([200, 40, 390, 190], "xyxy"), ([0.5, 0.2, 0.9, 0.9], "xyxy-normalised or yxyx-normalised: ")],
)
def test_boxes_of_another_format_are_refused_by_its_name(
    tmp_path: Path, box: list[float], looks: str
) -> None:
    """And read where the format is stated."""
    rows = [_ONE | {"bbox": box}] * 3
    with pytest.raises(DatasetError, match=r"boxes.*expected x, y, width") as error:
        _read(tmp_path, rows)
    assert looks in (error.value.next_step or "")
    assert "--box-format" not in str(error.value)


def test_a_stated_box_format_is_converted(tmp_path: Path) -> None:
    """As boxes of annotations are."""
    found, _ = _read(tmp_path, [_ONE | {"bbox": [100, 20, 300, 100]}], form=BoxFormat.XYXY)
    assert found["3"].boxes.tolist() == [[0.1, 0.25, 0.5, 0.75]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", r"cannot be read as JSON.*a JSON list of objects"),
        ({"images": [1]}, r"not the layout of COCO's results.*an object with images"),
        ([1], r"a list of other things"),
        ("3", r"no list"),
        ([{"image_id": 3, "segmentation": {"counts": ""}, "score": 1}], "results of outlines"),
        ([{"image_id": 3, "keypoints": [], "score": 1}], "results of keypoints"),
        ([{"image_id": 3, "caption": "a cat"}], "results of captions"),
        ([{"image_id": 3, "score": 1}], "a result without bbox"),
        ([{k: v for k, v in _ONE.items() if k != "score"}], r"labels and no.*--coco-annotations"),
        ([_ONE | {"score": 87.5}], r"score is wrong.*87\.5 \(.*|in per cent by 100"),
        ([_ONE | {"score": -0.1}], "score is wrong"),
        ('[{"image_id": 3, "category_id": 17, "bbox": [1, 2, 3, 4], "score": NaN}]', "score is"),
        ('[{"image_id": 3, "category_id": 17, "bbox": [1, 2, NaN, 4], "score": 1}]', "bbox is"),
        ([_ONE | {"bbox": [10**400, 2, 3, 4]}], "bbox is wrong"),
        ([_ONE | {"bbox": [1, 2, 3]}], "four finite numbers"),
        ([_ONE | {"category_id": "cat"}], r"category_id is wrong.*got 'cat'"),
        ([_ONE | {"category_id": None}], r"category_id is wrong.*got nothing"),
        ([_ONE | {"image_id": [3]}], r"image_id is wrong.*got \[3\]"),
        ([_ONE | {"image_id": True}], r"image_id is wrong"),
        ([_ONE, _ONE | {"bbox": [300, 20, -200, 80]}], r"side below 0.*results\[1\]"),
        ([], r"the file has no detections"),
        ([_ONE | {"image_id": 99}], r"no result is on an image.*3 val/.*got 99"),
        ([_ONE | {"category_id": 1}], r"no result is of a category.*17 cat.*got 1\b"),
    ],
)
def test_what_is_no_detection_of_boxes_is_refused(tmp_path: Path, content: Any, said: str) -> None:
    """By what it is, and where."""
    with pytest.raises(DatasetError, match=said) as error:
        _read(tmp_path, content)
    assert "results.json" in str(error.value)


def test_a_name_of_several_images_is_refused(tmp_path: Path) -> None:
    """Only whoever wrote the file knows which."""
    dataset = _dataset({1: "a/x.jpg", 2: "b/x.jpg"})
    with pytest.raises(DatasetError, match=r"several images.*got x\.jpg: images 1, 2"):
        _read(tmp_path, [_ONE | {"image_id": "x.jpg"}], dataset)
    found, facts = _read(tmp_path, [_ONE | {"image_id": "b/x.jpg"}], dataset)
    assert (len(found["2"]), facts.by) == (1, ImagesBy.NAME)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(ArtefactMissing, match=r"results cannot be read.*none\.json"):
        read_results(tmp_path / "none.json")
