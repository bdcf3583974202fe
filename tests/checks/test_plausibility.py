"""Faults that both sides share, labels among them: caught and named without a reference."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from validation.checks import label_relation, on_labels
from validation.checks.plausibility import plausibility
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate_with_matches
from validation.errors import NotProvided
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis
from validation.record.types import CheckResult, ModelKey
from validation.specs.references import ReferenceKind
from validation.workspace.routes import RouteFindings, Unconfirmed

_NAMES = dict(enumerate(("ball", "ring", "board", "star", "arrow"), 1))
_SIZE = _HEIGHT, _WIDTH = 240, 320
_KEY = ModelKey("m", "float")
Found = dict[str, Detections]
Scenes = tuple[Dataset, Found]


def _scenes(images: int) -> Scenes:
    """Two objects an image, nearly all of them found, some with a second class on them."""
    generator = np.random.default_rng(7)
    listed, objects, found = [], [], {}
    for number in range(1, images + 1):
        listed.append(CocoImage(number, f"{number}.png", Path("none"), _WIDTH, _HEIGHT))
        boxes, scores, classes = [], [], []
        for place in range(2):
            height, width = generator.uniform(40, 110), generator.uniform(40, 140)
            x, y = 160 * place + generator.uniform(0, 18), generator.uniform(0, 125)
            category = int(generator.integers(1, len(_NAMES) + 1))
            box = (x, y, width, height)
            objects.append(CocoAnnotation(number, category, box, width * height, False))
            if generator.uniform() < 0.1:
                continue
            y, x = y + generator.uniform(-2, 2), x + generator.uniform(-2, 2)
            corners = (y / _HEIGHT, x / _WIDTH, (y + height) / _HEIGHT, (x + width) / _WIDTH)
            boxes.append(corners)
            scores.append(generator.uniform(0.5, 0.95))
            classes.append(category)
            # Rings and balls look alike: a second detection of lower score.
            if category < 3:
                boxes.append(corners)
                scores.append(scores[-1] * 0.65)
                classes.append(3 - category)
        found[str(number)] = Detections(boxes, scores, classes)
    sha256 = hashlib.sha256(str(images).encode()).hexdigest()
    data = Dataset("drawn", Path("drawn.json"), tuple(listed), tuple(objects), _NAMES, sha256)
    return data, found


@pytest.fixture(scope="module", params=(24, 80))
def scenes(request: pytest.FixtureRequest) -> Scenes:
    """Few images and many."""
    return _scenes(request.param)


@pytest.fixture(autouse=True)
def _scored_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """AP without the cache of products."""

    def score(context: Any, dataset: Dataset) -> Any:
        categories = label_relation.class_join(context, dataset).categories
        own = {int(key): each for key, each in context.subject.detections().items()}
        evaluation, _ = evaluate_with_matches(dataset, own, category_ids=categories)
        return SimpleNamespace(
            accuracy=SimpleNamespace(figures=evaluation.figures),
            per_category=evaluation.per_category,
        )

    monkeypatch.setattr(on_labels, "subject_score", score)


def _check(
    dataset: Dataset | None,
    found: Found,
    reference: Found | None = None,
    names: Mapping[int, str] = _NAMES,
    *,
    given: bool = False,
    missing: tuple[Unconfirmed, ...] = (),
) -> tuple[CheckResult, list[Diagnosis]]:
    """Of a file; without another one the reference detects the same."""

    def no_anchors() -> None:
        raise NotProvided("no anchors")

    class Build:
        """Of a given file without an archive: there is nothing to ask."""

        @property
        def entry(self) -> Any:
            if given:
                raise NotProvided("no archive")
            return SimpleNamespace(group="own", published={})

        @property
        def archive(self) -> Any:
            if given:
                raise NotProvided("no archive")
            return SimpleNamespace(frozen_graph=Path("g.pb"), meta_graph=None, tflite_graph=None)

    class Subject:
        postprocess = SimpleNamespace(max_detections=100)
        op_anchors = property(lambda _: no_anchors())

        def detections(self) -> Found:
            return found

    context: Any = SimpleNamespace(
        key=_KEY,
        dataset=dataset,
        policy=load_policy(),
        build=Build(),
        is_raw=False,
        is_first=True,
        routes=RouteFindings((), (), missing),
        given=object() if given else None,
        subject=Subject(),
        reference=SimpleNamespace(
            kind=ReferenceKind.GRAPH,
            detections=lambda: found if reference is None else reference,
        ),
        num_classes=len(_NAMES),
        class_names=lambda: SimpleNamespace(names=dict(names), count=None),
    )
    entries = plausibility(context)
    results = [each for each in entries if isinstance(each, CheckResult)]
    assert len(results) == 1
    return results[0], [each for each in entries if isinstance(each, Diagnosis)]


def _relabelled(dataset: Dataset, numbers: Mapping[int, int]) -> Dataset:
    items = tuple(
        dataclasses.replace(each, category_id=numbers.get(each.category_id, each.category_id))
        for each in dataset.ground_truth
    )
    return dataclasses.replace(dataset, ground_truth=items)


def _boxes(
    change: Callable[[float, float, float, float], tuple[float, ...]],
) -> Callable[[Dataset], Dataset]:
    def changed(dataset: Dataset) -> Dataset:
        items = tuple(
            dataclasses.replace(each, bbox=change(*each.bbox)) for each in dataset.ground_truth
        )
        return dataclasses.replace(dataset, ground_truth=items)

    return changed


def _renamed(dataset: Dataset, names: Mapping[int, str]) -> Dataset:
    return dataclasses.replace(dataset, categories={**dataset.categories, **names})


def _next_image(dataset: Dataset) -> Dataset:
    count = len(dataset.images)
    items = tuple(
        dataclasses.replace(each, image_id=each.image_id % count + 1)
        for each in dataset.ground_truth
    )
    return dataclasses.replace(dataset, ground_truth=items)


def test_a_clean_file_passes(scenes: Scenes) -> None:
    """Though two of its classes look alike and a tenth of the objects is missed."""
    result, diagnoses = _check(*scenes)
    assert (result.status, diagnoses) == (Status.PASS, []), result.message


_FAULTS: dict[str, tuple[Callable[[Dataset], Dataset], FaultKind, str]] = {
    "shifted up": (
        lambda d: _relabelled(d, {1: 2, 2: 3, 3: 4, 4: 5, 5: 1}),
        FaultKind.CLASS_SHIFT,
        "class numbers are shifted: +1 instead of +0",
    ),
    "shifted down": (
        lambda d: _relabelled(d, {1: 5, 2: 1, 3: 2, 4: 3, 5: 4}),
        FaultKind.CLASS_SHIFT,
        "class numbers are shifted: -1 instead of +0",
    ),
    "swapped": (
        lambda d: _relabelled(d, {4: 5, 5: 4}),
        FaultKind.CLASS_ORDER,
        "arrow is found as star, star is found as arrow",
    ),
    "swapped, of two that look alike": (
        lambda d: _relabelled(d, {1: 2, 2: 1}),
        FaultKind.CLASS_ORDER,
        "ring is found as ball, ball is found as ring",
    ),
    "names swapped": (
        lambda d: _renamed(d, {4: "arrow", 5: "star"}),
        FaultKind.CLASS_ORDER,
        "star",
    ),
    "renamed": (
        lambda d: _renamed(d, {4: "Stern"}),
        FaultKind.CLASS_NAMES,
        "category 4 is called Stern instead of star",
    ),
    "of a half the size": (
        _boxes(lambda *box: tuple(value / 2 for value in box)),
        FaultKind.LABELLED_SIZE,
        "boxes 0.5 times as large instead of boxes in pixels of the image",
    ),
    "a half larger": (
        _boxes(lambda *box: tuple(value * 1.5 for value in box)),
        FaultKind.LABELLED_SIZE,
        "boxes 1.5 times as large",
    ),
    "x and y exchanged": (
        _boxes(lambda x, y, w, h: (y, x, h, w)),
        FaultKind.BOX_LAYOUT,
        "x, y, width, height instead of y, x, height, width",
    ),
    "corners": (
        _boxes(lambda x, y, w, h: (x, y, x + w, y + h)),
        FaultKind.BOX_LAYOUT,
        "xywh instead of xyxy",
    ),
    "centres": (
        _boxes(lambda x, y, w, h: (x + w / 2, y + h / 2, w, h)),
        FaultKind.BOX_LAYOUT,
        "xywh instead of cxcywh",
    ),
    "of the image before": (
        _next_image,
        FaultKind.OTHER_IMAGES,
        "labels are of other images",
    ),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_a_fault_of_the_labels_is_caught_and_named(scenes: Scenes, name: str) -> None:
    """One diagnosis, of the labels; where figures can be had, undoing it brings AP back."""
    change, kind, words = _FAULTS[name]
    dataset, found = scenes
    result, (diagnosis,) = _check(change(dataset), found)
    assert result.status in (Status.FAIL, Status.WARN)
    assert (diagnosis.fault, diagnosis.place) == (kind, Place.LABELS)
    assert words in describe_diagnosis(diagnosis)
    if kind is not FaultKind.CLASS_NAMES:
        assert diagnosis.before is not None
        assert diagnosis.after is not None
        assert diagnosis.after > diagnosis.before + 0.1
        assert diagnosis.after > 0.5


def test_a_label_map_that_names_wrongly_is_caught(scenes: Scenes) -> None:
    """A line too many at its head: each class has the name of the one before."""
    dataset, found = scenes
    names = {key: _NAMES[(key - 2) % len(_NAMES) + 1] for key in _NAMES}
    result, (diagnosis,) = _check(dataset, found, names=names)
    assert result.status is Status.FAIL
    assert diagnosis.fault is FaultKind.CLASS_SHIFT


def test_classes_of_the_file_alone_are_not_blamed_on_the_labels(scenes: Scenes) -> None:
    """The reference calls the objects rightly."""
    dataset, found = scenes
    shifted = {
        key: Detections(each.boxes, each.scores, each.classes % len(_NAMES) + 1)
        for key, each in found.items()
    }
    result, (diagnosis,) = _check(dataset, shifted, found)
    assert result.status is Status.FAIL
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.CLASS_SHIFT, Place.FILE)
    assert (diagnosis.expected, diagnosis.got) == ("+0", "+1")


def test_a_class_that_is_never_found_is_named() -> None:
    """Its objects are there and those of others are found."""
    dataset, found = _scenes(150)
    without = {key: each.take(each.classes != 4) for key, each in found.items()}
    result, (diagnosis,) = _check(dataset, without)
    assert result.status is Status.WARN
    assert (diagnosis.fault, diagnosis.where) == (FaultKind.CLASS_LOST, "star")
    assert diagnosis.place is Place.GRAPH
    assert _check(dataset, without, found)[1][0].place is Place.FILE


def test_a_detector_that_finds_next_to_nothing_is_not_signed(scenes: Scenes) -> None:
    """Both sides agree, and no reading of the labels explains it."""
    dataset, found = scenes
    generator = np.random.default_rng(3)

    def noise(each: Detections) -> Detections:
        low = generator.uniform(0, 0.9, (len(each), 2))
        return Detections(np.concatenate([low, low + 0.1], axis=1), each.scores, each.classes)

    result, (diagnosis,) = _check(dataset, {key: noise(each) for key, each in found.items()})
    assert result.status is Status.UNKNOWN
    assert diagnosis.fault is FaultKind.FINDS_NOTHING
    nothing = dict.fromkeys(found, Detections((), (), ()))
    result, (diagnosis,) = _check(dataset, nothing)
    assert result.status is Status.UNKNOWN
    assert diagnosis.fault is FaultKind.FINDS_NOTHING
    # The reference finds them: what the file lacks is for others to say.
    assert _check(dataset, nothing, found)[1] == []


def test_without_labels_values_alone_are_judged(scenes: Scenes) -> None:
    """Scores that are no probabilities are seen all the same."""
    _, found = scenes
    assert _check(None, found)[0].status is Status.PASS
    logits = {
        key: Detections(each.boxes, 10 * each.scores, each.classes) for key, each in found.items()
    }
    result, (diagnosis,) = _check(None, logits, found)
    assert result.status is Status.FAIL
    assert (diagnosis.fault, diagnosis.place) == (FaultKind.SCORES, Place.FILE)
    assert _check(None, logits)[1][0].place is Place.GRAPH


def test_classes_that_no_category_stands_for_are_named_without_a_figure(scenes: Scenes) -> None:
    """The op's own numbers, from 0: nothing can be scored, and the shift is seen all the same."""
    dataset, found = scenes
    from_zero = {
        key: Detections(each.boxes, each.scores, each.classes - 1) for key, each in found.items()
    }
    result, (diagnosis,) = _check(dataset, from_zero, found)
    assert result.status is Status.FAIL
    assert (diagnosis.fault, diagnosis.got) == (FaultKind.CLASS_SHIFT, "-1")
    assert (diagnosis.before, diagnosis.after) == (None, None)


def test_a_given_file_needs_no_archive(scenes: Scenes) -> None:
    """It is judged by the labels all the same."""
    dataset, found = scenes
    assert _check(dataset, found, given=True)[0].status is Status.PASS
    swapped = _relabelled(dataset, {4: 5, 5: 4})
    result, (diagnosis,) = _check(swapped, found, given=True)
    assert (result.status, diagnosis.fault) == (Status.FAIL, FaultKind.CLASS_ORDER)


def test_classes_that_one_file_alone_states_may_be_wrong_in_it_or_in_the_labels(
    scenes: Scenes,
) -> None:
    """Where nothing confirms the weights of the graph, both places are named."""
    dataset, found = scenes
    moved = _relabelled(dataset, {1: 2, 2: 1})
    for missing, places in (
        ((Unconfirmed.NO_CHECKPOINT,), (Place.GRAPH, Place.LABELS)),
        ((Unconfirmed.NO_CONFIG,), (Place.LABELS,)),
        ((), (Place.LABELS,)),
    ):
        _, (diagnosis, *_) = _check(moved, found, missing=missing)
        assert (diagnosis.place, *diagnosis.other_places) == places
    assert describe_diagnosis(diagnosis).startswith("labels: ")
