"""Class numbers that differ are found in raw scores and in detections, and noise is no finding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.comparison.class_relation import classes_by_detections, classes_by_scores
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.reference_differences import renumbered
from validation.policy.load import load_policy
from validation.record.detections import Detections

_Floats = NDArray[np.float64]
_CLASSES = 6
_RULES = DifferenceRules.of(load_policy())


def _scores(seed: int, classes: int = _CLASSES) -> _Floats:
    """Two images of 200 anchors; some of them show a class, and the background is the rest."""
    random = np.random.default_rng(seed)
    scores = random.uniform(0, 0.03, (2, 1, 200, classes + 1))
    for _ in range(40):
        image, anchor, number = (int(random.integers(end)) for end in (2, 200, classes))
        scores[image, 0, anchor, number + 1] = random.uniform(0.3, 0.95)
    scores[..., 0] = 1 - scores[..., 1:].max(axis=-1)
    return scores


def _in_8_bits(scores: _Floats) -> _Floats:
    return np.round(scores * 255) / 255


def _detections(seed: int, images: int = 10, each: int = 4) -> dict[str, Detections]:
    random = np.random.default_rng(seed)
    found = {}
    for image in range(images):
        corners = random.uniform(0, 0.6, (each, 2))
        boxes = np.concatenate([corners, corners + random.uniform(0.1, 0.4, (each, 2))], axis=1)
        classes = random.integers(1, _CLASSES + 1, each)
        found[str(image)] = Detections(boxes, random.uniform(0.3, 1, each), classes)
    return found


def _with_classes(side: dict[str, Detections], number: dict[int, int]) -> dict[str, Detections]:
    return {
        image: dataclasses.replace(
            found, classes=np.array([number.get(int(each), int(each)) for each in found.classes])
        )
        for image, found in side.items()
    }


def _moved(side: dict[str, Detections], seed: int) -> dict[str, Detections]:
    """The noise of a quantised file, in another order."""
    random = np.random.default_rng(seed)
    out = {}
    for image, found in side.items():
        order = random.permutation(len(found))
        boxes = found.boxes + random.uniform(-0.003, 0.003, found.boxes.shape)
        scores = np.clip(found.scores + random.uniform(-0.04, 0.04, len(found)), 0, 1)
        out[image] = Detections(boxes[order], scores[order], found.classes[order])
    return out


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([-2, -1, 1, 2]))
def test_a_planted_step_is_found_in_scores(seed: int, step: int) -> None:
    """In 8 bits too; every class that moves speaks for it."""
    ours = _scores(seed)
    theirs = _in_8_bits(np.roll(ours, step, axis=-1))
    facts = classes_by_scores(ours, theirs, (_CLASSES, _CLASSES), _RULES).facts
    assert facts is not None
    assert facts.step == step
    assert facts.agreeing >= 0.8 * facts.compared


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_planted_exchanges_are_found_in_scores(seed: int) -> None:
    """Two classes have each other's numbers, and the others their own."""
    ours = _scores(seed)
    theirs = _in_8_bits(ours)[..., [0, 1, 4, 3, 2, 5, 6]]
    facts = classes_by_scores(ours, theirs, (_CLASSES, _CLASSES), _RULES).facts
    assert facts is not None
    assert (facts.step, facts.pairs) == (0, ((2, 4), (4, 2)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_noise_is_no_other_class_in_scores(seed: int, other: int) -> None:
    """Neither rounding nor the scores of other images claim anything."""
    ours = _scores(seed)
    random = np.random.default_rng(other)
    noisy = np.clip(_in_8_bits(ours) + random.uniform(-0.05, 0.05, ours.shape), 0, 1)
    same = classes_by_scores(ours, noisy, (_CLASSES, _CLASSES), _RULES)
    assert (same.facts, same.why_unknown) == (None, "")
    unrelated = random.uniform(0, 1, ours.shape)
    assert classes_by_scores(ours, unrelated, (_CLASSES, _CLASSES), _RULES).facts is None


def test_a_file_without_the_background_has_the_same_classes() -> None:
    """Its first column is class 1 and not class 0."""
    ours = _scores(1)
    found = classes_by_scores(ours, ours[..., 1:], (_CLASSES, _CLASSES), _RULES)
    assert (found.facts, found.why_unknown) == (None, "")


def test_a_background_that_comes_last_is_a_step() -> None:
    """Every class has the number before its own."""
    ours = _scores(2)
    theirs = np.concatenate([ours[..., 1:], ours[..., :1]], axis=-1)
    facts = classes_by_scores(ours, theirs, (_CLASSES, _CLASSES), _RULES).facts
    assert facts is not None
    assert facts.step == -1


def test_scores_that_do_not_move_say_nothing() -> None:
    """Nor do those of another number of anchors."""
    still = np.full((1, 1, 50, 3), 0.01)
    assert "no class scores enough" in classes_by_scores(still, still, (2, 2), _RULES).why_unknown
    assert "anchors" in classes_by_scores(still, still[:, :, :40], (2, 2), _RULES).why_unknown


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([-1, 1, 3]))
def test_a_planted_step_is_found_in_detections(seed: int, step: int) -> None:
    """And renumbering takes it back."""
    ours = _detections(seed)
    shifted = {each: each + step for each in range(_CLASSES + 1)}
    theirs = _with_classes(_moved(ours, seed + 1), shifted)
    facts = classes_by_detections(ours, theirs, _RULES).facts
    assert facts is not None
    assert facts.step == step
    assert classes_by_detections(ours, renumbered(theirs, facts), _RULES).facts is None


def test_a_planted_order_is_found_in_detections() -> None:
    """Only classes that were met often enough are said to be others."""
    ours = _detections(5, images=30)
    theirs = _with_classes(_moved(ours, 6), {2: 5, 5: 2})
    facts = classes_by_detections(ours, theirs, _RULES).facts
    assert facts is not None
    assert (facts.step, facts.pairs) == (0, ((2, 5), (5, 2)))
    assert classes_by_detections(ours, renumbered(theirs, facts), _RULES).facts is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_noise_is_no_other_class_in_detections(seed: int) -> None:
    """Nor are the detections of other images."""
    ours = _detections(seed)
    found = classes_by_detections(ours, _moved(ours, seed + 1), _RULES)
    assert (found.facts, found.why_unknown) == (None, "")
    assert classes_by_detections(ours, _detections(seed + 2), _RULES).facts is None


def test_a_class_that_is_taken_for_another_is_no_order() -> None:
    """What is a confusion goes one way, and the other class keeps its number."""
    ours = _detections(7, images=30)
    found = classes_by_detections(ours, _with_classes(ours, {2: 5}), _RULES)
    assert (found.facts, found.why_unknown) == (None, "")


@pytest.mark.parametrize("count", [0, 2])
def test_few_detections_claim_nothing(count: int) -> None:
    """It is said how many there were, and how many it takes."""
    ours = _detections(8, images=1, each=count)
    theirs = _with_classes(ours, {each: each + 1 for each in range(1, _CLASSES + 1)})
    found = classes_by_detections(ours, theirs, _RULES)
    assert found.facts is None
    assert found.why_unknown.startswith(f"{count} pairs of detections")
    assert "10 are needed" in found.why_unknown


def test_a_box_with_a_far_higher_score_is_no_partner() -> None:
    """On either side: the same box of another class is another detection then."""
    ours = {
        name: dataclasses.replace(each, scores=each.scores * 0 + 0.3)
        for name, each in _detections(5, images=30).items()
    }
    theirs = _with_classes(
        {
            name: dataclasses.replace(each, scores=each.scores * 0 + 0.9)
            for name, each in ours.items()
        },
        {2: 5, 5: 2},
    )
    for sides in ((ours, theirs), (theirs, ours)):
        assert "0 pairs of detections" in classes_by_detections(*sides, _RULES).why_unknown


def test_every_vote_for_an_exchange_is_counted() -> None:
    """Of both classes that changed places."""
    ours = _detections(5, images=30)
    theirs = _with_classes(ours, {2: 5, 5: 2})
    facts = classes_by_detections(ours, theirs, _RULES).facts
    classes = np.concatenate([each.classes for each in ours.values()])
    assert facts is not None
    assert facts.agreeing == int(np.isin(classes, (2, 5)).sum())
    assert facts.compared == len(classes)
