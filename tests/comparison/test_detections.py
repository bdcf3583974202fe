"""Two runs agree detection by detection, or the check turns red and says why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.comparison.detections import compare_detections
from validation.errors import CatalogueError
from validation.policy.limits import Limit, Rule, Status
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.formatting import describe_result
from validation.record.types import CheckResult, ModelKey

_KEY = ModelKey("person", "float")
_CHECK = "end_to_end_parity"
_LIMITS = {
    "compared_detections": Limit("min", 1, "nothing compared is no evidence"),
    "unmatched_detections": Limit("max", 0, "test"),
    "lost_share": Limit("max", 0.5, "test"),
    "gained_share": Limit("max", 0.5, "test"),
    "worst_iou": Limit("min", 0.999, "test"),
    "worst_score_shift": Limit("max", 1e-4, "test"),
    "iou_p01": Limit("min", 0.999, "test"),
    "score_shift_p99": Limit("max", 1e-4, "test"),
    "lowest_score": Limit("min", -0.01, "test"),
    "highest_score": Limit("max", 1.01, "test"),
}
_POLICY = Policy(
    tuple(Rule(_CHECK, name, ("*",), ("*",), limit) for name, limit in _LIMITS.items()), {}, {}, ""
)
_NOTHING = Detections((), (), ())


def _compare(
    reference: Mapping[Any, Detections], candidate: Mapping[Any, Detections]
) -> CheckResult:
    return compare_detections(
        reference,
        candidate,
        policy=_POLICY,
        key=_KEY,
        min_score=0.3,
        score_epsilon=1e-4,
        min_iou=0.5,
    )


def _values(result: CheckResult) -> dict[str, Any]:
    return {measure.name: measure.value for measure in result.measures}


# Tall or wide, so that swapped axes cannot fit; far from the threshold.
_BOXES = st.tuples(
    st.floats(0, 0.3), st.floats(0, 0.1), st.floats(0.4, 0.6), st.floats(0.1, 0.2)
).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
_ENTRIES = st.tuples(_BOXES, st.floats(0.4, 0.99), st.integers(1, 3))
_IMAGE = st.lists(_ENTRIES, min_size=1, max_size=5).map(
    lambda entries: Detections(*(tuple(part) for part in zip(*entries, strict=True)))
)
_RUN = st.dictionaries(st.integers(0, 50), _IMAGE, min_size=2, max_size=4)
_SAMPLE = {
    3: Detections(((0.1, 0.1, 0.7, 0.25), (0.2, 0.5, 0.8, 0.6)), (0.9, 0.5), (1, 2)),
    8: Detections(((0.3, 0.2, 0.9, 0.3),), (0.7,), (1,)),
}


def _each(change: Callable[[Detections], Detections]) -> Callable[[dict[Any, Detections]], Any]:
    return lambda run: {image: change(found) for image, found in run.items()}


def _on_first(change: Callable[[Detections], Detections]) -> Callable[[dict[Any, Detections]], Any]:
    return lambda run: {
        image: change(found) if number == 0 else found
        for number, (image, found) in enumerate(run.items())
    }


def _classes(step: int) -> Callable[[Detections], Detections]:
    return lambda found: dataclasses.replace(found, classes=found.classes + step)


def _scores(change: Callable[[float], float]) -> Callable[[Detections], Detections]:
    return lambda found: dataclasses.replace(found, scores=tuple(map(change, found.scores)))


def _boxes(change: Callable[..., Any]) -> Callable[[Detections], Detections]:
    return lambda found: dataclasses.replace(
        found, boxes=tuple(change(*box) for box in found.boxes)
    )


def _swap_roles(found: Detections) -> Detections:
    # The op's classes count from 0, and whoever reads the op adds 1.
    return Detections(found.boxes, found.classes - 1.0, found.scores.astype(int) + 1)


def _truncate(found: Detections) -> Detections:
    return found.take(slice(-1))


_SWAP_AXES = _boxes(lambda ymin, xmin, ymax, xmax: (xmin, ymin, xmax, ymax))
_NAN = float("nan")
_FAULTS: dict[str, Callable[[dict[Any, Detections]], Any]] = {
    "class + 1": _each(_classes(1)),
    "class - 1": _each(_classes(-1)),
    "scores and classes swapped": _each(_swap_roles),
    "axes swapped": _each(_SWAP_AXES),
    "box moved": _on_first(_boxes(lambda y0, x0, y1, x1: (y0, x0 + 0.02, y1, x1 + 0.02))),
    "score shifted": _on_first(_scores(lambda score: score + 0.001)),
    "scores lost": _each(_scores(lambda _: 0.0)),
    "one NaN score": _on_first(_scores(lambda _: _NAN)),
    "one NaN box": _on_first(_boxes(lambda y0, x0, y1, _: (y0, x0, y1, _NAN))),
    "infinite box": _on_first(_boxes(lambda y0, x0, y1, _: (y0, x0, y1, float("inf")))),
    "lost image": lambda run: dict(list(run.items())[1:]),
    "truncated": _on_first(_truncate),
    "nothing found": _each(lambda _: _NOTHING),
    "no images": lambda _: {},
}


@pytest.mark.parametrize("name", _FAULTS)
@given(run=_RUN)
@settings(max_examples=8, deadline=None)
def test_every_fault_turns_the_check_red(name: str, run: dict[int, Detections]) -> None:
    """On either side: what one run does not share with the other is seen."""
    broken = _FAULTS[name](run)
    assert _compare(run, broken).status is Status.FAIL
    assert _compare(broken, run).status is Status.FAIL


@given(run=_RUN, data=st.data())
@settings(max_examples=40, deadline=None)
def test_identical_runs_pass_in_any_order(run: dict[int, Detections], data: st.DataObject) -> None:
    """Images and detections may come in another order."""
    moved = {}
    for image in data.draw(st.permutations(list(run))):
        found = run[image]
        order = data.draw(st.permutations(range(len(found))))
        moved[image] = found.take(np.array(order, int))
    result = _compare(run, moved)
    assert result.status is Status.PASS
    values = _values(result)
    assert values["compared_detections"] == sum(map(len, run.values()))
    assert (values["worst_iou"], values["worst_score_shift"]) == (1, 0)
    assert (values["unmatched_detections"], values["images"]) == (0, len(run))


def test_the_result_carries_its_limits() -> None:
    """Judged measures have the policy's limits; check, model and variant are named."""
    result = _compare(_SAMPLE, _SAMPLE)
    limits = {one.name: one.limit for one in result.measures if one.limit is not None}
    assert limits == _LIMITS
    assert (result.check, result.key) == (_CHECK, _KEY)


def test_a_limit_that_the_policy_lacks_is_an_error() -> None:
    """No tolerance is made up."""
    with pytest.raises(CatalogueError, match="no limit for a measured value"):
        compare_detections(
            _SAMPLE,
            _SAMPLE,
            policy=Policy((), {}, {}, ""),
            key=_KEY,
            min_score=0.3,
            score_epsilon=0,
            min_iou=0.5,
        )


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("class + 1", "1 is subtracted from the class ids: label offset"),
        ("class - 1", "1 is added to the class ids: label offset"),
        ("scores and classes swapped", "scores and classes change places: output order"),
        ("axes swapped", "x and y of the boxes change places: axis order"),
    ],
)
def test_a_known_fault_is_named(fault: str, cause: str) -> None:
    """The message says what brings agreement back, and for how many."""
    result = _compare(_SAMPLE, _FAULTS[fault](_SAMPLE))
    lost = _values(result)["lost_detections"]
    assert f"agreement returns for {lost} of these {lost} when {cause}" in result.message


def test_a_single_class_cannot_hide_swapped_outputs() -> None:
    """Whole-number scores speak for output order where a label offset would fit too."""
    run = {1: Detections(((0.1, 0.1, 0.7, 0.25),), (0.9,), (1,))}
    swapped = {1: Detections(run[1].boxes, (1.0,), (0,))}
    assert "output order" in _compare(run, swapped).message


@pytest.mark.parametrize("fault", ["truncated", "nothing found", "scores lost"])
def test_other_faults_are_not_given_a_cause(fault: str) -> None:
    """No explanation is better than a wrong one."""
    run = {1: Detections(((0.1, 0.1, 0.7, 0.25), (0.3, 0.5, 0.9, 0.6)), (0.9, 0.6), (5, 7))}
    result = _compare(run, _FAULTS[fault](run))
    assert result.status is Status.FAIL
    assert "agreement returns" not in result.message


def test_a_cause_must_explain_more_than_half() -> None:
    """One of two lost detections is too few, two of three are enough."""
    boxes = ((0.1, 0.1, 0.7, 0.2), (0.1, 0.4, 0.7, 0.5), (0.1, 0.8, 0.7, 0.9))
    reference = {1: Detections(boxes, (0.9, 0.8, 0.7), (1, 1, 1))}
    two = {1: Detections(boxes[:2], (0.9, 0.8), (2, 5))}
    found = {1: Detections(boxes, (0.9, 0.8, 0.7), (2, 2, 5))}
    only_two = {1: Detections(boxes[:2], (0.9, 0.8), (1, 1))}
    assert "agreement returns" not in _compare(only_two, two).message
    assert "agreement returns for 2 of these 3" in _compare(reference, found).message


@pytest.mark.parametrize(
    "part", [{"scores": (_NAN, 0.5)}, {"boxes": ((0, 0, 1, _NAN), (0, 0, float("inf"), 1))}]
)
def test_all_bad_images_are_named_at_once(part: dict[str, Any]) -> None:
    """Lost, unknown and broken images stand in one message, the first in where."""
    broken = dataclasses.replace(_SAMPLE[3], **part)
    result = _compare(_SAMPLE, {3: broken, 9: _NOTHING})
    assert "the candidate has no result for 1 images: 8" in result.message
    assert "NaN or infinity in the candidate on 1 images: 3" in result.message
    assert "the reference has no result for 1 images: 9" in result.message
    assert result.where == "image 8"


def test_many_lost_images_are_counted() -> None:
    """Three are named, the others counted."""
    run = dict.fromkeys(range(10), _SAMPLE[3])
    assert "for 10 images: 0, 1, 2 and 7 more" in _compare(run, {}).message


def test_no_images_at_all_fail() -> None:
    """Zero images on both sides are no evidence."""
    result = _compare({}, {})
    assert (result.status, result.message) == (Status.FAIL, "no images were compared")


def test_equal_but_empty_runs_fail() -> None:
    """Nothing found on both sides compares nothing, below the threshold likewise."""
    low = {1: dataclasses.replace(_SAMPLE[8], scores=(0.2,))}
    for run in ({1: _NOTHING}, low):
        result = _compare(run, run)
        assert result.status is Status.FAIL
        assert "compared_detections is 0, should be at least 1" in describe_result(result)


def test_the_worst_pairs_are_placed() -> None:
    """Where names image and detection of the lowest IoU and of the largest score shift."""
    candidate = {
        3: dataclasses.replace(_SAMPLE[3], scores=(0.9, 0.49995)),
        8: dataclasses.replace(_SAMPLE[8], boxes=((0.3, 0.2, 0.9, 0.30005),)),
    }
    result = _compare(_SAMPLE, candidate)
    assert result.status is Status.PASS
    assert "image 8, reference detection 0 (class 1, score 0.7): IoU 0.9995" in result.where
    assert "image 3, reference detection 1 (class 2, score 0.5): score shift -5e-05" in result.where


def test_the_clearest_lonely_detection_is_placed() -> None:
    """A detection without a partner goes before any pair; of several the highest score."""
    lost = _compare(_SAMPLE, {3: _NOTHING, 8: _SAMPLE[8]})
    assert lost.where == "image 3, reference detection 0 (class 1, score 0.9) has no partner"
    extra = _compare({3: _NOTHING, 8: _SAMPLE[8]}, _SAMPLE)
    assert extra.where == "image 3, candidate detection 0 (class 1, score 0.9) has no partner"


def test_counts_stand_in_the_message() -> None:
    """Compared, lost and extra; the limit that broke beside them."""
    result = _compare(_SAMPLE, _FAULTS["truncated"](_SAMPLE))
    assert result.message == (
        "2 detections compared on 2 images at scores from 0.3; 1 of the reference not found, "
        "0 only in the candidate"
    )
    assert "unmatched_detections is 1, should be at most 0" in describe_result(result)


def test_losses_and_gains_are_counted_apart() -> None:
    """Each as a count and as a share of the reference's detections."""
    more = Detections(((0.1, 0.8, 0.3, 0.9),), (0.8,), (2,))
    gained = _values(_compare(_SAMPLE, {**_SAMPLE, 8: _joined(_SAMPLE[8], more)}))
    assert (gained["lost_detections"], gained["gained_detections"]) == (0, 1)
    assert (gained["lost_share"], gained["gained_share"]) == (0, pytest.approx(1 / 3))
    lost = _values(_compare(_SAMPLE, {3: _SAMPLE[3], 8: _NOTHING}))
    assert (lost["lost_detections"], lost["gained_detections"]) == (1, 0)
    assert (lost["lost_share"], lost["gained_share"]) == (pytest.approx(1 / 3), 0)


def test_shares_of_nothing_do_not_pass() -> None:
    """Without a detection in the reference there is nothing to lose."""
    result = _compare({3: _NOTHING}, {3: _SAMPLE[3]})
    assert result.status is Status.FAIL
    assert (_values(result)["lost_share"], _values(result)["gained_share"]) == (None, None)


def _joined(one: Detections, other: Detections) -> Detections:
    return Detections(
        np.concatenate([one.boxes, other.boxes]),
        np.concatenate([one.scores, other.scores]),
        np.concatenate([one.classes, other.classes]),
    )


def test_a_loss_at_the_threshold_is_counted_and_not_judged() -> None:
    """Rounding may decide there; the count is in the record."""
    edge = {**_SAMPLE, 9: Detections(((0.1, 0.1, 0.7, 0.25),), (0.30005,), (1,))}
    result = _compare(edge, {**_SAMPLE, 9: _NOTHING})
    assert result.status is Status.PASS
    assert _values(result)["borderline_detections"] == 1


def test_boxes_outside_the_image_are_counted() -> None:
    """They have no partner, and their number is in the record."""
    outside = {**_SAMPLE, 9: Detections(((1.1, 0.1, 1.7, 0.25),), (0.9,), (1,))}
    result = _compare({**_SAMPLE, 9: _NOTHING}, outside)
    assert result.status is Status.PASS
    assert _values(result)["detections_outside_image"] == 1


def test_one_pair_in_a_hundred_may_lie_beyond() -> None:
    """And of few pairs as many as chance puts there: the worst is reported, and another judged."""

    def values(images: int, far: int) -> dict[str, Any]:
        one = Detections(((0.1, 0.1, 0.5, 0.5),), (0.9,), (1,))
        other = Detections(((0.1, 0.1, 0.5, 0.4),), (0.5,), (1,))
        reference = dict.fromkeys(range(images), one)
        return _values(_compare(reference, {**reference, **dict.fromkeys(range(far), other)}))

    measured = values(101, 1)
    assert (measured["worst_iou"], measured["worst_score_shift"]) == pytest.approx((0.75, 0.4))
    assert (measured["iou_p01"], measured["score_shift_p99"]) == (1, 0)
    for images, chance in ((1, 0), (5, 0), (50, 2), (101, 3), (2001, 20)):
        within = values(images, chance)
        assert (within["iou_p01"], within["score_shift_p99"]) == (1, 0)
        measured = values(images, chance + 1)
        assert (measured["iou_p01"], measured["score_shift_p99"]) == pytest.approx((0.75, 0.4))


def _one(score: float) -> dict[str, Detections]:
    return {"a": Detections(((0.1, 0.1, 0.6, 0.3), (0.2, 0.5, 0.8, 0.9)), (score, 0.5), (1, 2))}


@pytest.mark.parametrize("score", [1.26, 2.39, -0.4])
def test_logits_are_no_scores_even_where_both_runs_agree(score: float) -> None:
    """A converter that was not found is a failure by name, on whichever side."""
    for result in (_compare(_one(score), _one(score)), _compare(_one(0.9), _one(score))):
        assert result.status is Status.FAIL
        assert "logits: no score converter was found" in result.message


@pytest.mark.parametrize("score", [0.0, 1.0, 1.0 + 1e-6, 256 / 255])
def test_a_score_at_the_edge_is_a_score(score: float) -> None:
    """Rounding and a step of 8 bits go beyond 1."""
    assert "logits" not in _compare(_one(score), _one(score)).message
