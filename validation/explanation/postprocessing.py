"""Where two sides differ behind the network: attributes of the op, and anchors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from validation.errors import first_few
from validation.explanation.facts import Aspect, Fact
from validation.explanation.sides import Side
from validation.record.formatting import number, plural
from validation.specs.contracts import PostprocessAttributes

# What each attribute does, in one clause.
_MEANING = {
    "max_detections": "how many detections an image can have",
    "max_classes_per_detection": "how many classes a box can have in fast NMS",
    "nms_score_threshold": "boxes of lower scores never enter NMS",
    "nms_iou_threshold": "of two boxes that overlap more, the lower score is dropped",
    "num_classes": "another set of classes: another model",
    "y_scale": "box coder: what an encoded centre is divided by",
    "x_scale": "box coder: what an encoded centre is divided by",
    "h_scale": "box coder: what an encoded height is divided by",
    "w_scale": "box coder: what an encoded width is divided by",
    "detections_per_class": "how many of each class regular NMS keeps",
    "use_regular_nms": "true: boxes of a class suppress each other; false: boxes of all classes do",
}


def postprocessing_facts(first: Side, second: Side) -> tuple[Fact, ...]:
    """Attributes that differ, each with what it does, and anchors."""
    return (*_attributes(first, second), *_anchors(first, second))


def _attributes(first: Side, second: Side) -> Iterator[Fact]:
    one, other = first.postprocess, second.postprocess
    if one is None or other is None:
        if first.num_classes != second.num_classes and None not in (
            first.num_classes,
            second.num_classes,
        ):
            yield _classes(str(first.num_classes), str(second.num_classes))
        return
    for field in dataclasses.fields(PostprocessAttributes):
        values = [getattr(each, field.name) for each in (one, other)]
        if _kept(values[0]) == _kept(values[1]):
            continue
        words = [number(value) for value in values]
        if field.name == "num_classes":
            yield _classes(*words)
        else:
            yield Fact.of(field.name, words, _MEANING[field.name], Aspect.POSTPROCESSING)


def _classes(first: str, second: str) -> Fact:
    return Fact("num_classes", first, second, _MEANING["num_classes"], Aspect.MODEL)


def _kept(value: Any) -> Any:
    """As graph and flatbuffer keep it."""
    return float(np.float32(value)) if isinstance(value, float) else value


def _anchors(first: Side, second: Side) -> Iterator[Fact]:
    one, other = first.anchors, second.anchors
    if one is None or other is None:
        return
    if one.shape != other.shape:
        counts = [number(len(each)) for each in (one, other)]
        yield Fact.of("anchors", counts, "boxes at other places: another model", Aspect.MODEL)
        return
    distance = np.abs(one - other).max(axis=1)
    # Centres and sizes are about 1: what float32 rounds is no difference.
    rows = np.flatnonzero(~(distance <= 2 * np.finfo(np.float32).eps))
    if not len(rows):
        return
    worst = int(distance.argmax())
    words = [
        "row {}: {}".format(worst, ", ".join(f"{value:.5g}" for value in each[worst]))
        for each in (one, other)
    ]
    # Of both files' numbers each rounds by half of a step.
    rounded = distance.max() <= (first.anchors_step + second.anchors_step) / 2
    meaning = (
        f"y, x, h, w: {len(rows)} of {plural(len(one), 'anchor')} differ, by at most "
        f"{distance.max():.2g} of the image" + (", as their numbers round them" if rounded else "")
    )
    if len(rows) < len(one):
        meaning += f": rows {first_few(rows.tolist())}"
    aspect = Aspect.QUANTISATION if rounded else Aspect.POSTPROCESSING
    yield Fact.of("anchors", words, meaning, aspect)
