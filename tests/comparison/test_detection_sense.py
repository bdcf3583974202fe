"""Detections that no detector gives."""

from __future__ import annotations

import numpy as np
import pytest

from validation.comparison.anchor_sense import anchor_sense
from validation.comparison.detection_sense import detection_sense
from validation.comparison.labelled_sense import LabelledSense
from validation.comparison.plausibility import Sense, check_plausibility
from validation.comparison.plausibility_diagnoses import of_values
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.diagnosis import FaultKind, Place
from validation.record.types import CheckResult, ModelKey

_KEY = ModelKey("m", "float")


def _found(seed: int = 1, images: int = 6) -> dict[str, Detections]:
    generator = np.random.default_rng(seed)

    def one() -> Detections:
        low = generator.uniform(0, 0.6, (5, 2))
        boxes = np.concatenate([low, low + generator.uniform(0.1, 0.4, (5, 2))], axis=1)
        scores = np.sort(generator.uniform(0.05, 0.95, 5))[::-1]
        return Detections(boxes, scores, generator.integers(1, 4, 5))

    return {str(number): one() for number in range(images)}


def _judged(
    found: dict[str, Detections],
    *,
    trained: bool = True,
    labelled: LabelledSense | None = None,
    capacity: int = 100,
) -> tuple[CheckResult, list[FaultKind]]:
    sense = Sense(detection_sense(found, 0.3, capacity), None, labelled, trained, 0.3)
    result = check_plausibility(sense, load_policy(), _KEY)
    faults = of_values(sense.detections, None, result, Place.FILE)
    return result, [each.fault for each in faults]


def _changed(change: object) -> dict[str, Detections]:
    return {key: change(each) for key, each in _found().items()}  # type: ignore[operator]


def test_detections_of_a_detector_pass() -> None:
    """Nothing is said of them."""
    result, faults = _judged(_found())
    assert (result.status, faults, result.message) == (Status.PASS, [], "")


@pytest.mark.parametrize(
    ("change", "measure", "fault"),
    [
        (
            lambda d: Detections(d.boxes, d.scores - 0.5, d.classes),
            "lowest_score",
            FaultKind.SCORES,
        ),
        (
            lambda d: Detections(d.boxes, 1 + d.scores, d.classes),
            "highest_score",
            FaultKind.SCORES,
        ),
        (
            lambda d: Detections(d.boxes, np.where(d.classes == 2, np.nan, d.scores), d.classes),
            "not_finite_detections",
            FaultKind.NOT_FINITE,
        ),
        (
            lambda d: Detections(d.boxes, np.full(len(d), 0.5), d.classes),
            "one_score",
            FaultKind.CONSTANT_OUTPUT,
        ),
        (
            lambda d: Detections(d.boxes[:, [2, 3, 0, 1]], d.scores, d.classes),
            "turned_boxes",
            FaultKind.BOX_AXES,
        ),
    ],
)
def test_what_no_detector_gives_fails_and_is_named(
    change: object, measure: str, fault: FaultKind
) -> None:
    """One value alone is beyond its limit."""
    result, faults = _judged(_changed(change))
    failed = [each.name for each in result.measures if each.status is Status.FAIL]
    assert failed == [measure]
    assert faults == [fault]
    assert result.message


def test_the_same_on_every_image_fails() -> None:
    """An output that does not move with the image."""
    one = _found()["0"]
    result, faults = _judged({str(number): one for number in range(4)})
    assert result.status is Status.FAIL
    assert faults == [FaultKind.CONSTANT_OUTPUT]


def test_no_detection_anywhere_is_not_constant() -> None:
    """An empty image is no fault by itself; that nothing is met is judged by labels."""
    nothing = Detections((), (), ())
    result, _ = _judged({"1": nothing, "2": nothing})
    assert result.status is Status.PASS


def test_boxes_beside_the_image_fail() -> None:
    """Other anchors or scales decode boxes that leave the image."""
    result, _ = _judged(_changed(lambda d: Detections(d.boxes + 0.8, d.scores, d.classes)))
    assert [each.name for each in result.measures if each.status is Status.FAIL] == [
        "beside_image_share"
    ]


def test_slots_that_are_all_shown_warn() -> None:
    """Fifty slots, all of them above the score of an app; of ten it says nothing."""

    def shown(count: int) -> dict[str, Detections]:
        def change(each: Detections) -> Detections:
            rows = np.arange(count) % len(each)
            return Detections(each.boxes[rows], each.scores[rows] / 2 + 0.4, each.classes[rows])

        return _changed(change)

    assert _judged(shown(50), capacity=50)[0].status is Status.WARN
    assert _judged(shown(50), capacity=51)[0].status is Status.PASS
    assert _judged(shown(10), capacity=10)[0].status is Status.PASS
    assert _judged(shown(50), capacity=50, trained=False)[0].status is Status.PASS


@pytest.mark.parametrize(
    ("labelled", "status"),
    [
        (LabelledSense(100, 80, 75), Status.PASS),
        # Too few are met to say anything, and no failure: the domain may be a hard one.
        (LabelledSense(100, 2, 2), Status.UNKNOWN),
        (LabelledSense(9, 0, 0), Status.PASS),
        (LabelledSense(100, 80, 40), Status.WARN),
        (LabelledSense(100, 80, 75, read_otherwise=True), Status.FAIL),
        (LabelledSense(100, 80, 70, lost=(3,)), Status.WARN),
    ],
)
def test_objects_are_met_and_called_by_their_class(labelled: LabelledSense, status: Status) -> None:
    """The floor is a share of the objects; the option that states another one is named."""
    result = _judged(_found(), labelled=labelled)[0]
    assert result.status is status
    if status is Status.UNKNOWN:
        assert "measure met_share, in a file for --policy" in result.message


def test_anchors_that_are_not_finite_fail() -> None:
    """Found and named beside detections that are right."""
    table = np.tile(np.array([[0.5, 0.5, 0.2, 0.2]], np.float32), (4, 1))
    table[2, 0] = np.nan
    anchors = anchor_sense(table, 0, load_policy())
    sense = Sense(detection_sense(_found(), 0.3, 100), anchors, None, True, 0.3)
    result = check_plausibility(sense, load_policy(), _KEY)
    (fault,) = of_values(sense.detections, anchors, result, Place.GRAPH)
    assert (fault.fault, fault.place, fault.got) == (
        FaultKind.ANCHORS,
        Place.GRAPH,
        "1 of 4 are not finite",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_box_that_is_not_finite_is_counted(value: float) -> None:
    """Its score may be a number: the detection is none."""

    def spoilt(found: Detections) -> Detections:
        boxes = found.boxes.copy()
        boxes[2, 3] = value
        return Detections(boxes, found.scores, found.classes)

    result, faults = _judged(_found() | {"0": spoilt(_found()["0"])})
    values = {each.name: each.value for each in result.measures}
    assert values["not_finite_detections"] == 1
    assert (result.status, faults) == (Status.FAIL, [FaultKind.NOT_FINITE])


@pytest.mark.parametrize("other", range(4))
def test_one_image_that_differs_is_enough(other: int) -> None:
    """Whichever of them it is."""
    found = {str(number): _found()["0"] for number in range(4)} | {str(other): _found()["1"]}
    result, faults = _judged(found)
    assert (result.status, faults) == (Status.PASS, [])
