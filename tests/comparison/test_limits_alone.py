"""Limits of the built-in policy that others hide: each is broken by a fault that no other sees."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from enough_evidence import ENOUGH

from validation.checks.latency import check_latency
from validation.comparison.anchor_sense import AnchorLayer, AnchorSense
from validation.comparison.ap_difference import check_accuracy_alone
from validation.comparison.canary_matching import check_canaries
from validation.comparison.decoded_outputs import DecodedSides, compare_decoded
from validation.comparison.detection_sense import detection_sense
from validation.comparison.detections import compare_detections
from validation.comparison.evidence_rules import check_evidence
from validation.comparison.operating_point import check_operating_point
from validation.comparison.operating_sides import LabelledImage, OperatingRule
from validation.comparison.plausibility import Sense, check_plausibility
from validation.comparison.reference_differences import check_reference_contract
from validation.comparison.route_check import check_routes
from validation.comparison.route_differences import FLAGS
from validation.comparison.tensors import compare_tensors
from validation.inference.saved_model import RawDetections
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.coco_figures import CocoFigures
from validation.record.detections import Detections
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import ReferenceDifference, ReferenceDifferences
from validation.record.results_facts import Meeting
from validation.record.types import Accuracy, CheckResult, ModelKey, Timing
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
)
from validation.specs.references import ReferenceKind
from validation.zoo.canaries import Canary

_POLICY = load_policy()
_IMAGES = 30
Box = tuple[float, float, float, float]
# Four objects an image, so that one of 120 is less than one in a hundred.
_BOXES: tuple[Box, ...] = tuple((0.1, x, 0.6, x + 0.2) for x in (0.0, 0.25, 0.5, 0.75))


def _found(boxes: tuple[Box, ...] = _BOXES, score: float = 0.8) -> Detections:
    return Detections(boxes, (score,) * len(boxes), (1,) * len(boxes))


def _moved(box: Box, step: float) -> Box:
    return box[0] + step, box[1], box[2] + step, box[3]


def _worse(result: CheckResult) -> dict[str, Status]:
    """Measures that do not pass."""
    return {each.name: each.status for each in result.measures if each.status is not Status.PASS}


def _parity(variant: str, candidate: dict[int, Detections]) -> dict[str, Status]:
    reference = dict.fromkeys(range(_IMAGES), _found())
    result = compare_detections(
        reference,
        {**reference, **candidate},
        policy=_POLICY,
        key=ModelKey("m", variant),
        min_score=0.3,
        score_epsilon=0.001,
        min_iou=0.5,
    )
    return _worse(result)


def test_one_pair_of_a_float_file() -> None:
    """One in 120 is beyond the percentile, and still the worst."""
    (first, *others) = _BOXES
    moved = _found((_moved(first, 0.005), *others))
    assert _parity("float", {7: moved}) == {"worst_iou": Status.FAIL}
    scores = (0.8002, 0.8, 0.8, 0.8)
    shifted = Detections(_BOXES, scores, (1,) * 4)
    assert _parity("float", {7: shifted}) == {"worst_score_shift": Status.FAIL}


@pytest.mark.parametrize(
    ("variant", "step", "score", "broken"),
    [
        ("float16", 0.03, 0.8, {"iou_p01": Status.FAIL}),
        ("int8", 0.1536, 0.8, {"iou_p01": Status.WARN}),
        ("float16", 0.0, 0.65, {"score_shift_p99": Status.FAIL}),
        ("int8", 0.0, 0.35, {}),
        ("dynamic", 0.0, 0.4, {"score_shift_p99": Status.FAIL}),
    ],
)
def test_all_pairs_of_a_quantised_file(
    variant: str, step: float, score: float, broken: dict[str, Status]
) -> None:
    """Neighbours excuse one pair in a hundred, and no more."""
    changed = _found(tuple(_moved(box, step) for box in _BOXES), score)
    assert _parity(variant, dict.fromkeys(range(_IMAGES), changed)) == broken


@pytest.mark.parametrize("variant", ["float16", "dynamic", "int8", "uint8-raw"])
def test_detections_lost_or_invented_by_a_quantised_file(variant: str) -> None:
    """Each side by itself: what is lost is not made up for by what is found beside."""
    fewer = dict.fromkeys(range(_IMAGES), _found(_BOXES[1:]))
    assert _parity(variant, fewer) == {"lost_share": Status.FAIL}
    more = dict.fromkeys(range(_IMAGES), _found((*_BOXES, (0.7, 0.1, 0.95, 0.9))))
    assert _parity(variant, more) == {"gained_share": Status.FAIL}


def test_one_canary_of_two_is_missed() -> None:
    """It is counted beside its overlap of nothing."""
    canaries = [Canary(Path(name), "cat", _BOXES[0], "", "") for name in ("a.jpg", "b.jpg")]
    result = check_canaries(
        canaries,
        {"a.jpg": _found()},
        {1: "cat"},
        policy=_POLICY,
        key=ModelKey("m", "float"),
        min_score=0.3,
    )
    assert _worse(result) == {"missed": Status.FAIL, "worst_iou": Status.FAIL}


@pytest.mark.parametrize(
    ("ap", "met", "in_class", "broken"),
    [
        (0.3, 40, 38, {}),
        (0.005, 40, 38, {"lowest_ap": Status.FAIL}),
        (0.3, 40, 30, {"called_otherwise_share": Status.WARN}),
        (0.3, 40, 10, {"called_otherwise_share": Status.FAIL}),
    ],
)
def test_a_file_without_a_reference(
    ap: float, met: int, in_class: int, broken: dict[str, Status]
) -> None:
    """It has to find something, and to call it what it is."""
    own = Accuracy("m", "float", "m.tflite", CocoFigures(*(ap,) * 12), 60, (1,), 90, 0.0)
    result = check_accuracy_alone(own, Meeting(50, met, in_class, 60, 0), _POLICY)
    assert _worse(result) == broken


_OBJECTS: tuple[Box, ...] = ((0.0, 0.0, 0.5, 0.4), (0.5, 0.5, 1.0, 0.9))


def _shown(candidate: Detections, lost: int, variant: str) -> dict[str, Status]:
    """Of 400 images, so many lose what the candidate lacks."""
    keys = [str(number) for number in range(400)]
    reference = _found(_OBJECTS)
    result, _ = check_operating_point(
        dict.fromkeys(keys, reference),
        {key: candidate if number < lost else reference for number, key in enumerate(keys)},
        dict.fromkeys(keys, LabelledImage(200, 400, reference, Detections((), (), ()))),
        OperatingRule(min_score=0.3, score_epsilon=0.05, min_iou=0.5, moved_iou=0.75),
        asked=0.3,
        names={1: "star"},
        unlabelled=(),
        exact=variant == "float",
        policy=_POLICY,
        key=ModelKey("m", variant),
    )
    assert isinstance(result, CheckResult)
    return _worse(result)


def test_what_an_app_shows_of_a_float_file() -> None:
    """One lost object is a fault, one false alarm as well."""
    assert _shown(_found(_OBJECTS), 400, "float") == {}
    lost = _shown(_found(_OBJECTS[:1]), 1, "float")
    assert lost["lost_share"] is Status.FAIL
    assert lost["worst_cell_lost_at_least"] is Status.FAIL
    assert "gained_share" not in lost
    gained = _shown(_found((*_OBJECTS, (0.0, 0.6, 0.2, 0.9))), 1, "float")
    assert gained == {"gained_share": Status.FAIL}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (DifferenceKind.INPUT_SIZE, Status.FAIL),
        (DifferenceKind.FEED, Status.FAIL),
        (DifferenceKind.STATED_FEED, Status.WARN),
        (DifferenceKind.CLASSES, Status.FAIL),
        (DifferenceKind.CLASS_SHIFT, Status.FAIL),
        (DifferenceKind.CLASS_ORDER, Status.FAIL),
        (DifferenceKind.ANCHORS, Status.FAIL),
        (DifferenceKind.SCALES, Status.FAIL),
        (DifferenceKind.SCORE_KIND, Status.FAIL),
        (DifferenceKind.NMS, Status.WARN),
        (DifferenceKind.DETECTIONS, Status.WARN),
        (DifferenceKind.THRESHOLDS, Status.WARN),
    ],
)
def test_one_kind_of_difference_decides(kind: DifferenceKind, status: Status) -> None:
    """Whatever else agrees; what belongs to the weights fails."""
    difference = ReferenceDifference(kind, 2, (Fact("value", 1, 3),))
    # What a file states of itself is compared with no reference.
    compared = (DifferenceKind.NMS if kind is DifferenceKind.STATED_FEED else kind,)
    found = ReferenceDifferences("m", "float", ReferenceKind.GRAPH, (difference,), compared)
    result = check_reference_contract(found, _POLICY, ModelKey("m", "float", "d.tflite"))
    assert list(_worse(result).values()) == [status]


@pytest.mark.parametrize(
    ("samples", "broken"),
    [
        ((4.0,) * 50, {}),
        ((4.0,) * 19, {"samples": Status.FAIL}),
        ((1500.0,) * 50, {"p50_ms": Status.FAIL}),
        ((4.0,) * 45 + (3000.0,) * 5, {"p95_ms": Status.FAIL}),
    ],
)
def test_times(samples: tuple[float, ...], broken: dict[str, Status]) -> None:
    """Few samples, a slow median and a slow tail each fail by themselves."""
    result = check_latency(Timing("m", "float", "LiteRT", 1, 10, samples), _POLICY)
    assert _worse(result) == broken


def test_labels_alone_are_a_warning() -> None:
    """Without a reference nobody knows what the conversion cost."""
    facts = dataclasses.replace(ENOUGH, has_reference=False)
    result = check_evidence(facts, _POLICY, ModelKey("m", "float"))
    assert _worse(result) == {"references": Status.WARN}


@pytest.mark.parametrize(
    ("name", "step"),
    [(BOX_ENCODINGS_NAME, 2e-3), (CLASS_PREDICTIONS_NAME, 2e-4), (ANCHORS_NAME, 2e-5)],
)
def test_one_tensor_of_two_routes(name: str, step: float) -> None:
    """Encodings, scores and anchors each have a limit of their own."""
    drawn = np.random.default_rng(1)
    names = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, ANCHORS_NAME)
    ours = {each: drawn.random((2, 5, 4)) for each in names}
    theirs = {**ours, name: ours[name] + step * (np.arange(40).reshape(2, 5, 4) == 7)}
    result = compare_tensors(
        ours, theirs, policy=_POLICY, key=ModelKey("m", "float"), check="route_parity"
    )
    assert _worse(result) == {f"{name.rpartition('/')[2]}_max_abs_diff": Status.FAIL}


@pytest.mark.parametrize(
    ("part", "measure"),
    [("boxes", "decoded_boxes_max_abs_diff"), ("scores", "class_predictions_max_abs_diff")],
)
def test_one_side_of_what_a_saved_model_decodes(part: str, measure: str) -> None:
    """The same pixels decide; with a resize of each side's own it is a warning."""
    drawn = np.random.default_rng(2)
    boxes = np.sort(drawn.random((2, 5, 4)), axis=-1)
    same = RawDetections(boxes, drawn.random((2, 5, 2)))
    moved = dataclasses.replace(same, **{part: getattr(same, part) + 1e-3})
    agree, differ = DecodedSides(same, same), DecodedSides(same, moved)
    for sides, broken in (
        ((differ, agree), {measure: Status.FAIL}),
        ((agree, differ), {f"own_resize_{measure}": Status.WARN}),
    ):
        result = compare_decoded(
            *sides, 2, (8, 8), policy=_POLICY, key=ModelKey("m", "float"), images=["a", "b"]
        )
        assert _worse(result) == broken


def _part(place: Place, where: str) -> Diagnosis:
    return Diagnosis("m", "float", FaultKind.NMS, place, DiagnosedBy.ROUTES, where, 100, 10)


@pytest.mark.parametrize(
    ("place", "where", "broken"),
    [
        (Place.SHIPPED_GRAPH, FLAGS[0], {"differing_flags": Status.WARN}),
        (Place.SHIPPED_GRAPH, "nms_iou_threshold", {"differing_parts": Status.FAIL}),
        (Place.CHECKPOINT, FLAGS[0], {"differing_parts": Status.FAIL}),
    ],
)
def test_one_part_of_the_routes(place: Place, where: str, broken: dict[str, Status]) -> None:
    """A shipped graph's own flags are a choice; whatever else differs is another model."""
    routes = ("pipeline.config", "tflite_graph.pb")
    found = [_part(place, where)]
    result = check_routes(found, routes, None, _POLICY, ModelKey("m", "float"))
    assert _worse(result) == broken
    clean = check_routes([], routes, None, _POLICY, ModelKey("m", "float"))
    assert _worse(clean) == {}


def test_parts_that_one_file_says_alone_are_a_warning() -> None:
    """If it is wrong, nothing shows it."""
    facts = dataclasses.replace(ENOUGH, unconfirmed=("layers: the frozen graph alone",))
    result = check_evidence(facts, _POLICY, ModelKey("m", "float"))
    assert _worse(result) == {"unconfirmed_parts": Status.WARN}


_ANCHORS = AnchorSense(
    4, 0, 0.0, 0, 0.3, (AnchorLayer(0, 2, 2, 0.2), AnchorLayer(2, 2, 2, 0.3)), 0.01
)


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({}, []),
        ({"sides_not_positive": 1}, ["anchors_without_area"]),
        ({"centre_beyond": 9.0}, ["anchor_centres_beyond"]),
        ({"largest_side": 99.0}, ["largest_anchor_side"]),
        ({"layers": _ANCHORS.layers[::-1]}, ["shrinking_anchor_layers"]),
        ({"by_column": True}, ["anchors_by_column"]),
    ],
)
def test_one_thing_that_no_anchors_are(changed: dict[str, Any], broken: list[str]) -> None:
    """Beside detections that say nothing."""
    anchors = dataclasses.replace(_ANCHORS, **changed)
    found = {str(number): _found(score=0.5 + number / 10) for number in range(3)}
    sense = Sense(detection_sense(found, 0.3, 100), anchors, None, True, 0.3)
    worse = _worse(check_plausibility(sense, _POLICY, ModelKey("m", "float")))
    assert [each for each in worse if "anchor" in each] == broken


def test_a_value_that_no_model_of_the_zoo_has_warns() -> None:
    """Beside detections and anchors that are as they should be."""
    found = {str(number): _found(score=0.5 + number / 10) for number in range(3)}
    sense = Sense(detection_sense(found, 0.3, 100), _ANCHORS, None, True, 0.3, unusual=1)
    result = check_plausibility(sense, _POLICY, ModelKey("m", "float"))
    assert _worse(result) == {"unusual_values": Status.WARN}


def test_a_fault_that_both_sides_share_fails() -> None:
    """Undoing it finds more, whatever the sides have in common."""
    own = Accuracy("m", "float", "m.tflite", CocoFigures(*(0.3,) * 12), 60, (1,), 90, 0.0)
    result = check_accuracy_alone(own, Meeting(50, 40, 38, 60, 0), _POLICY, undone_gain=0.3)
    assert _worse(result) == {"undone_gain": Status.FAIL}
