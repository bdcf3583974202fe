"""The check's verdict on what differs, and what scores and detections add to it."""

from __future__ import annotations

import numpy as np
import pytest

from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.reference_differences import (
    check_reference_contract,
    differences_of_detections,
    differences_of_scores,
    renumbered,
    worst_first,
)
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.record.difference_facts import ClassFacts, DifferenceKind, Fact
from validation.record.reference_differences import (
    NotCompared,
    ReferenceDifference,
    ReferenceDifferences,
)
from validation.record.types import CheckResult, ModelKey
from validation.specs.references import ReferenceKind

_SLOTS = ReferenceDifference(
    DifferenceKind.GUIDE_DEFAULTS,
    1,
    (Fact("max_detections", 100, 10), Fact("use_regular_nms", True, False)),
    ap=0.3,
)
_SCALES = ReferenceDifference(
    DifferenceKind.SCALES, 2, (Fact("scales", [10, 10, 5, 5], [10, 10, 4, 4]),), ap=0.4
)
_RULES = DifferenceRules.of(load_policy())
_KINDS = (DifferenceKind.SCALES, DifferenceKind.NMS, DifferenceKind.DETECTIONS)


def _check(
    *differences: ReferenceDifference,
    compared: tuple[DifferenceKind, ...] = _KINDS,
    not_compared: tuple[NotCompared, ...] = (),
    variant: str = "float",
    unpriced: str = "",
) -> CheckResult:
    found = ReferenceDifferences(
        "m",
        variant,
        ReferenceKind.GRAPH,
        differences,
        compared,
        not_compared,
        ap=0.275,
        unpriced=unpriced,
        file="detect.tflite",
    )
    key = ModelKey("m", variant, "detect.tflite")
    return check_reference_contract(found, load_policy(), key)


def test_nothing_differs() -> None:
    """PASS, with what could not be compared."""
    gap = NotCompared((DifferenceKind.ANCHORS,), "a SavedModel has none")
    result = _check(not_compared=(gap,))
    assert result.status is Status.PASS
    assert result.message == (
        "nothing of the contract differs; not compared: anchors (a SavedModel has none)"
    )


def test_another_models_contract_fails_and_flags_warn() -> None:
    """NMS and detections are judged by what they cost, elsewhere."""
    assert _check(_SLOTS).status is Status.WARN
    result = _check(_SLOTS, _SCALES)
    assert result.status is Status.FAIL
    assert result.key.file == "detect.tflite"
    assert "10 detections and class-agnostic NMS" in result.message
    assert result.message.count(": -0.025 AP") == 1


@pytest.mark.parametrize(
    ("variant", "steps", "status"),
    [
        ("float", 0.5, Status.WARN),
        ("int8", 0.5, Status.PASS),
        ("float", 127.5, Status.FAIL),
        ("uint8", 127.5, Status.FAIL),
    ],
)
def test_half_a_step_of_the_feed(variant: str, steps: float, status: Status) -> None:
    """An input of 8 bits has no finer ones; floats have."""
    feed = ReferenceDifference(
        DifferenceKind.FEED, steps, (Fact("range", [[-1, 1]], [[-1, 0.99]]),)
    )
    assert _check(feed, compared=(DifferenceKind.FEED,), variant=variant).status is status


def test_an_order_that_the_file_names_is_no_finding() -> None:
    """One that nobody states warns, and one that the reference states fails."""
    compared = (DifferenceKind.OUTPUT_ORDER,)
    for named, stated, status in (
        (True, True, Status.PASS),
        (False, False, Status.WARN),
        (False, True, Status.FAIL),
    ):
        order = ReferenceDifference(
            DifferenceKind.OUTPUT_ORDER,
            4,
            (Fact("order", ["boxes", "scores"], ["scores", "boxes"]),),
            is_named=named,
            is_stated=stated,
        )
        assert _check(order, compared=compared).status is status


def test_nothing_could_be_compared() -> None:
    """UNKNOWN, with the reasons."""
    gap = NotCompared((DifferenceKind.ANCHORS,), "no reference was given")
    result = _check(compared=(), not_compared=(gap,))
    assert result.status is Status.UNKNOWN
    assert result.message == "not compared: anchors (no reference was given)"
    own = ReferenceDifference(
        DifferenceKind.STATED_FEED, 1.0, (Fact("range", [[-1, 1]], [[-1, 0.99]]),)
    )
    against_itself = _check(own, compared=(), not_compared=(gap,), variant="uint8")
    assert against_itself.status is Status.UNKNOWN
    assert "its own metadata states" in against_itself.message


def test_no_labels_no_price() -> None:
    """It is said, where something differs."""
    assert _check(_SLOTS, unpriced="no labelled images").message.endswith("; no labelled images")
    assert "labelled" not in _check(unpriced="no labelled images").message


def test_what_costs_most_comes_first() -> None:
    """What has no price comes last."""
    order = ReferenceDifference(
        DifferenceKind.OUTPUT_ORDER, 2, (Fact("order", ["a", "b"], ["b", "a"]),)
    )
    found = ReferenceDifferences(
        "m", "float", ReferenceKind.GRAPH, (order, _SLOTS, _SCALES), _KINDS, ap=0.2
    )
    assert worst_first(found) == (_SCALES, _SLOTS, order)
    assert found.figures == {
        "scales": 2,
        "nms": 1,
        "detections": 1,
        "output_order": 2,
    }


def _scores() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    random = np.random.default_rng(1)
    scores = random.uniform(0, 0.02, (1, 1, 100, 5))
    scores[0, 0, np.arange(40), random.integers(1, 5, 40)] = random.uniform(0.3, 0.9, 40)
    return scores.astype(np.float32)


def test_logits_with_shifted_classes() -> None:
    """Both are found, for classes are known again through the sigmoid."""
    scores = _scores()
    logits = np.log(scores / (1 - scores))
    found = differences_of_scores(scores, np.roll(logits, 1, axis=-1), (4, 4), _RULES)
    assert [each.kind for each in found.differences] == [
        DifferenceKind.CLASS_SHIFT,
        DifferenceKind.SCORE_KIND,
    ]
    assert found.differences[0].describe().startswith("class numbers are the reference's plus 1 (")
    assert differences_of_scores(scores, scores, (4, 4), _RULES).differences == ()
    few = differences_of_scores(scores, scores[:, :, :50], (4, 4), _RULES)
    assert (few.differences, few.kinds, len(few.not_compared)) == ((), (), 2)


def _found(seed: int, scale: float = 1.0) -> dict[str, Detections]:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 0.5, (30, 2))
    boxes = np.concatenate([corners, corners + 0.3], axis=1)
    scores = random.uniform(0.3, 0.9, 30)
    return {"a": Detections(boxes, scores * scale, random.integers(1, 4, 30))}


def test_detections_tell_less_but_something() -> None:
    """Class numbers of pairs, and scores that are no probabilities."""
    ours = _found(1)
    assert differences_of_detections(ours, ours, _RULES).differences == ()
    shifted = {"a": Detections(ours["a"].boxes, ours["a"].scores, ours["a"].classes - 1)}
    (shift,) = differences_of_detections(ours, shifted, _RULES).differences
    assert shift.classes is not None
    assert shift.classes.step == -1
    logits = np.log(ours["a"].scores / (1 - ours["a"].scores))
    (kind,) = differences_of_detections(
        ours, {"a": Detections(ours["a"].boxes, logits, ours["a"].classes)}, _RULES
    ).differences
    assert kind.describe() == "logits where the reference has scores from 0 to 1"
    nothing = differences_of_detections(ours, {"a": Detections((), (), ())}, _RULES)
    assert "the file detects nothing" in nothing.not_compared[0].why


def test_renumbered_classes() -> None:
    """What would be the background is left out."""
    side = {"a": Detections([(0, 0, 1, 1)] * 3, [0.5, 0.6, 0.7], [1, 2, 3])}
    step = ClassFacts(((3, 2),), 1, 20, 20, of_scores=False)
    assert renumbered(side, step)["a"].classes.tolist() == [1, 2]
    order = ClassFacts(((1, 3), (3, 1)), 0, 20, 20, of_scores=False)
    assert renumbered(side, order)["a"].classes.tolist() == [3, 2, 1]
