"""What undoes a fault is its inverse, and the right hypothesis restores every digit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from drawn_detections import RULES, drawn_detections, scenes
from hypothesis import given
from hypothesis import strategies as st

from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.agreement import Found, agreements
from validation.diagnosis.feed_hypotheses import (
    NORMALISATIONS,
    FeedHypothesis,
    feed_hypotheses,
    inset,
    letterbox,
    normalise,
    resize_hypotheses,
    without_inset,
)
from validation.diagnosis.hypotheses import Tried, explanation
from validation.diagnosis.raw_hypotheses import (
    RawOutputs,
    logit,
    raw_hypotheses,
    sigmoid,
)
from validation.diagnosis.result_hypotheses import fitted_hypotheses, mirrored, result_hypotheses
from validation.policy.load import load_policy
from validation.preprocess.prepare import prepare
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind
from validation.specs.contracts import (
    CHANNEL_MEANS,
    UNIT_RANGE,
    PostprocessAttributes,
    Preprocessing,
)

_CLASSES = DifferenceRules.of(load_policy())
_ATTRIBUTES = PostprocessAttributes(100, 1, 1e-8, 0.6, 4, 10.0, 10.0, 5.0, 5.0, 100, True)
_OWN = Preprocessing(24, 24, *UNIT_RANGE)


_REFERENCE = scenes(24)


def _boxes(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Found], Found]:
    return lambda found: {
        image: dataclasses.replace(each, boxes=change(each.boxes)) for image, each in found.items()
    }


def _classes(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Found], Found]:
    return lambda found: {
        image: dataclasses.replace(each, classes=change(each.classes))
        for image, each in found.items()
    }


def _scores(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Found], Found]:
    return lambda found: {
        image: dataclasses.replace(each, scores=change(each.scores))
        for image, each in found.items()
    }


def _late(found: Found) -> Found:
    each = list(found.values())
    return dict(zip(found, [each[-1], *each[:-1]], strict=True))


_FAULTS: dict[str, tuple[Callable[[Found], Found], FaultKind]] = {
    "x and y": (_boxes(lambda boxes: boxes[:, [1, 0, 3, 2]]), FaultKind.BOX_AXES),
    "height and width": (
        _boxes(lambda boxes: np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])),
        FaultKind.BOX_AXES,
    ),
    "mirrored": (
        _boxes(lambda boxes: np.abs([0, 1, 0, 1] - boxes[:, [0, 3, 2, 1]])),
        FaultKind.MIRRORED,
    ),
    "a pixel off": (_boxes(lambda boxes: boxes + 1 / 300), FaultKind.BOXES_MOVED),
    "of a larger image": (
        _boxes(lambda boxes: boxes * [0.9, 0.8, 0.9, 0.8]),
        FaultKind.BOXES_MOVED,
    ),
    "one too high": (_classes(lambda ids: ids + 1), FaultKind.CLASS_SHIFT),
    "one too low": (_classes(lambda ids: ids - 1), FaultKind.CLASS_SHIFT),
    "90 too high": (_classes(lambda ids: ids + 90), FaultKind.CLASS_SHIFT),
    "another order": (_classes(lambda ids: np.array([0, 2, 3, 1, 4])[ids]), FaultKind.CLASS_ORDER),
    "logits": (_scores(lambda scores: np.log(scores / (1 - scores))), FaultKind.SCORES),
    "two sigmoids": (_scores(lambda scores: 1 / (1 + np.exp(-scores))), FaultKind.SCORES),
    "a per mille": (_scores(lambda scores: scores * 0.999), FaultKind.SCORES),
    "the image before": (_late, FaultKind.OTHER_IMAGE),
    "a class lost": (
        lambda found: {key: each.take(each.classes != 2) for key, each in found.items()},
        FaultKind.CLASS_LOST,
    ),
    "three detections": (
        lambda found: {key: each.take(np.argsort(-each.scores)[:3]) for key, each in found.items()},
        FaultKind.DETECTIONS,
    ),
    "a threshold": (
        lambda found: {key: each.take(each.scores >= 0.6) for key, each in found.items()},
        FaultKind.SCORE_THRESHOLD,
    ),
    "each twice": (
        lambda found: {
            key: each.take(np.repeat(np.arange(len(each)), 2)) for key, each in found.items()
        },
        FaultKind.NMS,
    ),
    "scores and classes": (
        lambda found: {
            key: Detections(each.boxes, each.classes - 1.0, np.zeros(len(each), int))
            for key, each in found.items()
        },
        FaultKind.OUTPUT_ORDER,
    ),
}


def _explained(candidate: Found) -> list[FaultKind]:
    tried = [
        Tried(
            each.cause,
            agreements(_REFERENCE, candidate, RULES),
            agreements(each.expect(_REFERENCE), each.undo(candidate), RULES),
        )
        for each in (
            *result_hypotheses(_REFERENCE, candidate, RULES, _CLASSES),
            *fitted_hypotheses(_REFERENCE, candidate, RULES),
        )
    ]
    return [each.cause.fault for each in explanation(tried, RULES)]


@pytest.mark.parametrize("fault", _FAULTS)
def test_faults_of_results_are_named_first(fault: str) -> None:
    """And without ties: the scenes are not symmetric."""
    put, expected = _FAULTS[fault]
    assert _explained(put(_REFERENCE)) == [expected]


def test_nothing_is_wrong_with_the_reference_itself() -> None:
    """Nor with one whose detections were drawn anew."""
    assert _explained(_REFERENCE) == []
    others = scenes(24, first=100)
    assert _explained(others) == []


def test_a_symmetric_scene_ties() -> None:
    """Square boxes on the diagonal: nothing tells x and y exchanged from a box read as it is."""
    boxes = np.array([(0.1, 0.2, 0.3, 0.4), (0.2, 0.1, 0.4, 0.3)])
    symmetric = {str(i): Detections(boxes + i / 50, [0.9, 0.9], [1, 1]) for i in range(12)}
    exchanged = _boxes(lambda each: each[:, [1, 0, 3, 2]])(symmetric)
    assert agreements(symmetric, exchanged, RULES).min() == 1


@given(drawn_detections())
def test_mirrored_twice_is_as_before(found: Detections) -> None:
    """Up to rounding."""
    again = mirrored(mirrored(found))
    assert again.boxes == pytest.approx(found.boxes, abs=1e-12)


@given(
    drawn_detections(),
    st.tuples(st.integers(20, 400), st.integers(20, 400)),
    st.booleans(),
)
def test_boxes_come_out_of_a_letterbox(
    found: Detections, shape: tuple[int, int], centred: bool
) -> None:
    """Boxes of the image, put into the input as the image is, come back."""
    top, left, tall, wide = place = inset(shape, (300, 300), centred=centred)
    inside = Detections(
        found.boxes * (tall, wide, tall, wide) + (top, left, top, left), found.scores, found.classes
    )
    assert without_inset(inside, place).boxes == pytest.approx(found.boxes, abs=1e-9)


def test_a_letterbox_holds_the_whole_image() -> None:
    """In its own aspect ratio, black around it."""
    white = np.full((20, 40, 3), 255, np.uint8)
    room = letterbox(white, 24, 24, centred=True)
    assert room.shape == (24, 24, 3)
    assert (room[6:18] == 255).all()
    assert not room[:6].any()
    assert not room[18:].any()


def _feed(seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (1, 24, 24, 3)).astype(np.float32)


_FED_OTHERWISE: dict[str, tuple[Callable[[np.ndarray], np.ndarray], FaultKind]] = {
    "BGR": (lambda feed: feed[..., ::-1], FaultKind.CHANNELS),
    "0..1": (lambda feed: (feed + 1) / 2, FaultKind.NORMALISATION),
    "pixels": (lambda feed: (feed + 1) * 127.5, FaultKind.NORMALISATION),
    "128": (lambda feed: ((feed + 1) * 127.5 - 128) / 128, FaultKind.NORMALISATION),
    "means": (
        lambda feed: (feed + 1) * 127.5 - np.array(CHANNEL_MEANS[1]),
        FaultKind.NORMALISATION,
    ),
    "mirrored": (lambda feed: feed[:, :, ::-1], FaultKind.MIRRORED),
    "upside down": (lambda feed: feed[:, ::-1], FaultKind.MIRRORED),
    "turned": (lambda feed: feed.transpose(0, 2, 1, 3), FaultKind.TRANSPOSED),
}


@pytest.mark.parametrize("fault", _FED_OTHERWISE)
def test_one_hypothesis_undoes_a_faulty_feed(fault: str) -> None:
    """To rounding; hypotheses of other kinds do not."""
    put, expected = _FED_OTHERWISE[fault]
    right = _feed()
    wrong = np.ascontiguousarray(put(right), np.float32)
    near = [
        each.cause.fault
        for each in feed_hypotheses(_OWN)
        if each.undo is not None and np.abs(each.undo(wrong) - right).max() < 1e-5
    ]
    assert set(near) == {expected}


@pytest.mark.parametrize("wanted", NORMALISATIONS)
def test_every_normalisation_is_fed_instead_of_another(wanted: str) -> None:
    """A file that wants it is given it, whatever it was given before."""
    scale, offset = NORMALISATIONS[wanted]
    image = np.random.default_rng(4).integers(0, 256, (24, 24, 3), np.uint8)
    means = Preprocessing(24, 24, *NORMALISATIONS["[-0.5, 0.5]"])
    right = prepare(image, Preprocessing(24, 24, scale, offset))
    near = [
        each
        for each in feed_hypotheses(means)
        if each.undo is not None
        and np.allclose(each.undo(prepare(image, means)), right, rtol=1e-5, atol=1e-4)
    ]
    assert wanted == "[-0.5, 0.5]" or near[0].cause.expected == wanted


def _resize_of(words: str) -> FeedHypothesis:
    (found,) = [each for each in resize_hypotheses(_OWN) if words in str(each.cause.expected)]
    return found


@pytest.mark.parametrize("flag", ["align_corners", "half_pixel_centers"])
def test_a_resize_is_made_anew(flag: str) -> None:
    """Fed as a file with the flag is fed."""
    image = np.random.default_rng(5).integers(0, 256, (40, 50, 3), np.uint8)
    wanted = dataclasses.replace(_OWN, **{flag: True})
    hypothesis = _resize_of("align_corners" if flag == "align_corners" else "half-pixel")
    assert hypothesis.resize is not None
    made = normalise(hypothesis.resize(image, 24, 24), _OWN)
    assert made == pytest.approx(prepare(image, wanted), abs=1e-6)


def _raw(seed: int = 0) -> RawOutputs:
    """Two anchors in each cell of a grid of three by three."""
    random = np.random.default_rng(seed)
    grid = (np.stack(np.meshgrid(range(3), range(3), indexing="ij"), -1).reshape(-1, 2) + 0.5) / 3
    anchors = np.hstack([np.repeat(grid, 2, axis=0), np.tile([[0.2, 0.3], [0.25, 0.3]], (9, 1))])
    encodings = random.normal(0, 1, (18, 4)).astype(np.float32)
    logits = random.normal(-1, 2, (18, 5)).astype(np.float32)
    return RawOutputs(encodings, sigmoid(logits), anchors.astype(np.float32), _ATTRIBUTES)


_RAW_FAULTS: dict[str, tuple[Callable[[RawOutputs], RawOutputs], FaultKind]] = {
    "scales of 1": (
        lambda raw: raw.with_attributes(y_scale=1.0, x_scale=1.0, h_scale=1.0, w_scale=1.0),
        FaultKind.BOX_SCALES,
    ),
    "larger anchors": (
        lambda raw: dataclasses.replace(
            raw, anchors=raw.anchors * np.array([1, 1, 1.5, 1.5], np.float32)
        ),
        FaultKind.ANCHORS,
    ),
    "anchors of x and y": (
        lambda raw: dataclasses.replace(raw, anchors=raw.anchors[:, [1, 0, 3, 2]]),
        FaultKind.ANCHORS,
    ),
    "logits": (
        lambda raw: dataclasses.replace(raw, scores=logit(raw.scores)),
        FaultKind.SCORES,
    ),
    "two sigmoids": (
        lambda raw: dataclasses.replace(raw, scores=sigmoid(raw.scores)),
        FaultKind.SCORES,
    ),
    "background last": (
        lambda raw: dataclasses.replace(raw, scores=np.roll(raw.scores, -1, axis=-1)),
        FaultKind.CLASS_SHIFT,
    ),
    "coder of x and y": (
        lambda raw: dataclasses.replace(raw, encodings=raw.encodings[:, [1, 0, 3, 2]]),
        FaultKind.BOX_AXES,
    ),
    "a threshold": (
        lambda raw: raw.with_attributes(nms_score_threshold=0.6),
        FaultKind.SCORE_THRESHOLD,
    ),
    "two detections": (lambda raw: raw.with_attributes(max_detections=2), FaultKind.DETECTIONS),
    "fast NMS": (lambda raw: raw.with_attributes(use_regular_nms=False), FaultKind.NMS),
    "keeps what overlaps": (
        lambda raw: raw.with_attributes(nms_iou_threshold=0.95),
        FaultKind.NMS,
    ),
}


@pytest.mark.parametrize("fault", _RAW_FAULTS)
@pytest.mark.parametrize("stated", [True, False])
def test_faults_of_raw_outputs_are_named_first(fault: str, stated: bool) -> None:
    """Whether the reference states its attributes and anchors or not."""
    put, expected = _RAW_FAULTS[fault]
    right = {str(seed): _raw(seed) for seed in range(8)}
    reference = {key: raw.detections() for key, raw in right.items()}
    wrong = {key: put(raw) for key, raw in right.items()}
    before = agreements(reference, {key: raw.detections() for key, raw in wrong.items()}, RULES)
    known = (_ATTRIBUTES, right["0"].anchors) if stated else (None, None)
    tried = [
        Tried(
            each.cause,
            before,
            agreements(
                reference, {key: each.undo(raw).detections() for key, raw in wrong.items()}, RULES
            ),
        )
        for each in raw_hypotheses(wrong["0"], *known)
    ]
    assert [each.cause.fault for each in explanation(tried, RULES)] == [expected]


def test_of_right_raw_outputs_nothing_is_said() -> None:
    """There is nothing that could be restored."""
    raw = {str(seed): _raw(seed) for seed in range(8)}
    reference = {key: each.detections() for key, each in raw.items()}
    before = agreements(reference, reference, RULES)
    for each in raw_hypotheses(raw["0"], _ATTRIBUTES, raw["0"].anchors):
        found = {key: each.undo(one).detections() for key, one in raw.items()}
        tried = [Tried(each.cause, before, agreements(reference, found, RULES))]
        assert explanation(tried, RULES) == ()


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=9))
def test_sigmoid_and_logit_undo_each_other(scores: list[float]) -> None:
    """To float32."""
    values = np.array(scores, np.float32)
    assert sigmoid(logit(values)) == pytest.approx(values, abs=1e-5)
