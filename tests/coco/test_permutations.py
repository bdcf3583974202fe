"""Numbers do not matter where names are known: any numbering gives the same figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.categories import join_categories
from validation.coco.dataset import Dataset
from validation.coco.evaluate import CocoEvaluation, evaluate
from validation.record.detections import Detections

_NAMES = ("red ball", "blue_ball", "arrow-up", "star", "Ring")
_IMAGES = tuple(CocoImage(key, f"{key}.png", Path(f"{key}.png"), 64, 48) for key in (3, 4, 9))


def _scene() -> tuple[list[tuple[int, str, tuple[float, float, float, float]]], list[int]]:
    """Objects with their names, and which of them a model finds as what."""
    random = np.random.default_rng(5)
    objects = [
        (
            image.id,
            _NAMES[int(random.integers(5))],
            (*random.uniform(0, 20, 2), *random.uniform(4, 24, 2)),
        )
        for image in _IMAGES
        for _ in range(6)
    ]
    return objects, random.permutation(len(objects))[:12].tolist()


_OBJECTS, _FOUND = _scene()


def _evaluated(classes: list[str], categories: dict[int, str]) -> CocoEvaluation:
    """The scene, seen by a model that numbers its classes so, in a file that numbers so."""
    ids = {name.replace("_", " "): key for key, name in categories.items()}
    truth = tuple(
        CocoAnnotation(image, ids[name.replace("_", " ")], box, box[2] * box[3], is_crowd=False)
        for image, name, box in _OBJECTS
    )
    dataset = Dataset("drawn", Path("drawn.json"), _IMAGES, truth, categories, "")
    labels = dict(enumerate(classes, 1))
    number = {name: key for key, name in labels.items()}
    found = {}
    for image in _IMAGES:
        own = [_OBJECTS[index] for index in _FOUND if _OBJECTS[index][0] == image.id]
        boxes = [
            (y / 48, (x + 1.5) / 64, (y + height) / 48, (x + width) / 64)
            for _, _, (x, y, width, height) in own
        ]
        scores = np.linspace(0.9, 0.4, len(own))
        found[image.id] = Detections(boxes, scores, [number[name] for _, name, _ in own])
    join = join_categories(labels, dataset, len(classes))
    assert join.facts.doubts() == ()
    return evaluate(dataset, found, category_ids=join.categories)


_EXPECTED = _evaluated(list(_NAMES), dict(enumerate(_NAMES, 1)))


def test_the_scene_says_something() -> None:
    """Neither all nor nothing is found."""
    assert 0.1 < _EXPECTED.figures.ap < 0.9


@given(
    classes=st.permutations(_NAMES),
    categories=st.permutations(_NAMES),
    ids=st.lists(st.integers(0, 99), min_size=5, max_size=5, unique=True),
)
@settings(max_examples=30, deadline=None)
def test_any_numbering_gives_the_same_figures(
    classes: list[str], categories: list[str], ids: list[int]
) -> None:
    """Of the model and of the annotations; names are spelt with other separators besides."""
    spelt = [name.replace("_", " ") for name in categories]
    found = _evaluated(classes, dict(zip(ids, spelt, strict=True)))
    expected = dataclasses.astuple(_EXPECTED.figures)
    assert dataclasses.astuple(found.figures) == pytest.approx(expected, abs=1e-12)
