"""Faults between raw outputs and detections, each with what undoes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.anchor_hypotheses import of_anchors, of_levels
from validation.diagnosis.hypotheses import Cause
from validation.diagnosis.raw_outputs import RawHypothesis, RawOutputs, Undo
from validation.record.diagnosis import FaultKind, Place
from validation.specs.contracts import PostprocessAttributes

_Array = NDArray[np.float32]
_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")


def _attributes(wanted: Mapping[str, Any]) -> Undo:
    return lambda raw: raw.with_attributes(**wanted)


def _scores(change: Callable[[_Array], _Array]) -> Undo:
    return lambda raw: dataclasses.replace(raw, scores=change(raw.scores))


def _rolled(step: int) -> Callable[[_Array], _Array]:
    return lambda scores: np.roll(scores, step, axis=-1)


def _encodings(order: tuple[int, int, int, int]) -> Undo:
    return lambda raw: dataclasses.replace(raw, encodings=raw.encodings[:, order])


def raw_hypotheses(
    own: RawOutputs,
    attributes: PostprocessAttributes | None = None,
    anchors: _Array | None = None,
    other_anchors: str = "",
    place: Place = Place.FILE,
) -> Iterator[RawHypothesis]:
    """What may be wrong in what the op reads, the known differences first.

    Args:
        own: Of any image.
        attributes: That the reference states; None where it states none.
        anchors: Alike.
        other_anchors: How its own anchors differ from these, in words.
        place: Where attributes and anchors lie.
    """
    if attributes is not None:
        yield from _stated(own.attributes, attributes, place)
    if anchors is not None and _differ(own.anchors, anchors):
        theirs = anchors
        yield RawHypothesis(
            Cause(FaultKind.ANCHORS, place, other_anchors or "other than the reference's"),
            lambda raw: dataclasses.replace(raw, anchors=theirs),
        )
    yield from _of_scores(own, place)
    yield from _of_encodings(place)
    yield from _of_scales(own.attributes, place)
    yield from of_anchors(place)
    yield from of_levels(own.anchors, place)
    yield from _of_suppression(own.attributes, place)


def _stated(
    own: PostprocessAttributes, stated: PostprocessAttributes, place: Place
) -> Iterator[RawHypothesis]:
    """Attributes that are not the reference's."""
    for names, fault in (
        (_SCALES, FaultKind.BOX_SCALES),
        (("use_regular_nms", "detections_per_class"), FaultKind.NMS),
        (("nms_iou_threshold",), FaultKind.NMS),
        (("nms_score_threshold",), FaultKind.SCORE_THRESHOLD),
        (("max_detections",), FaultKind.DETECTIONS),
        (("max_classes_per_detection",), FaultKind.NMS),
    ):
        wanted = {name: getattr(stated, name) for name in names}
        differ = [name for name in names if getattr(own, name) != wanted[name]]
        if not differ:
            continue
        got = tuple(getattr(own, name) for name in names)
        expected = tuple(wanted.values())
        one = len(differ) == 1
        cause = Cause(
            fault,
            place,
            getattr(own, differ[0]) if one and fault is not FaultKind.BOX_SCALES else got,
            wanted[differ[0]] if one and fault is not FaultKind.BOX_SCALES else expected,
            where=", ".join(differ),
        )
        yield RawHypothesis(cause, _attributes(wanted))


def _differ(own: _Array, other: _Array) -> bool:
    return own.shape == other.shape and not np.allclose(own, other, rtol=0, atol=1e-6)


def _of_scores(own: RawOutputs, place: Place) -> Iterator[RawHypothesis]:
    for change, got, expected in (
        (sigmoid, "logits", "a sigmoid"),
        (logit, "two sigmoids", "one"),
        (lambda scores: softmax(logit(scores)), "a sigmoid", "a softmax"),
        (softmax, "logits", "a softmax"),
    ):
        yield RawHypothesis(
            Cause(FaultKind.SCORES, place, got, expected),
            _scores(change),
        )
    if own.scores.shape[-1] == own.attributes.num_classes + 1:
        for step, got in ((-1, "the background is the second column"), (1, "it is the last one")):
            yield RawHypothesis(
                Cause(FaultKind.CLASS_SHIFT, place, got, "the first one", where="scores"),
                _scores(_rolled(step)),
            )


def sigmoid(values: _Array) -> _Array:
    """Of each value."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def logit(values: _Array) -> _Array:
    """The inverse of `sigmoid`, of values cut to (0, 1)."""
    inside = np.clip(values.astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)), np.float32)


def softmax(values: _Array) -> _Array:
    """Over the last axis."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def _of_encodings(place: Place) -> Iterator[RawHypothesis]:
    for order, got in (
        ((1, 0, 3, 2), "tx, ty, tw, th"),
        ((2, 3, 0, 1), "th, tw, ty, tx"),
        ((0, 2, 1, 3), "ty, th, tx, tw"),
        ((0, 1, 3, 2), "ty, tx, tw, th"),
        ((1, 0, 2, 3), "tx, ty, th, tw"),
    ):
        yield RawHypothesis(
            Cause(FaultKind.BOX_AXES, place, got, "ty, tx, th, tw", where="box encodings"),
            _encodings(order),
        )


def _of_scales(own: PostprocessAttributes, place: Place) -> Iterator[RawHypothesis]:
    have = tuple(float(getattr(own, name)) for name in _SCALES)
    for scales in (
        (10.0, 10.0, 5.0, 5.0),
        (1.0,) * 4,
        (5.0, 5.0, 10.0, 10.0),
        (10.0, 10.0, 4.0, 4.0),
    ):
        if scales != have:
            wanted = dict(zip(_SCALES, scales, strict=True))
            yield RawHypothesis(
                Cause(FaultKind.BOX_SCALES, place, have, scales),
                _attributes(wanted),
            )


def _of_suppression(own: PostprocessAttributes, place: Place) -> Iterator[RawHypothesis]:
    def of(fault: FaultKind, name: str, value: Any, **more: Any) -> RawHypothesis:
        return RawHypothesis(
            Cause(fault, place, getattr(own, name), value, where=name),
            lambda raw: raw.with_attributes(**{name: value}, **more),
        )

    regular = not own.use_regular_nms
    more = {"detections_per_class": own.max_detections} if regular else {}
    yield of(FaultKind.NMS, "use_regular_nms", regular, **more)
    for iou in (0.6, 0.5, 0.45, 0.7, 0.3):
        if abs(iou - own.nms_iou_threshold) > 1e-3:
            yield of(FaultKind.NMS, "nms_iou_threshold", iou)
    if own.max_detections < _ALL_DETECTIONS:
        kept = {"detections_per_class": _ALL_DETECTIONS}
        yield of(FaultKind.DETECTIONS, "max_detections", _ALL_DETECTIONS, **kept)
    if own.nms_score_threshold > _LOW:
        yield of(FaultKind.SCORE_THRESHOLD, "nms_score_threshold", _LOW)


_ALL_DETECTIONS = 100
_LOW = 1e-8
