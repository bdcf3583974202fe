"""Where two sides differ behind the network: attributes of the op, and anchors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from validation.comparison.anchor_changes import anchor_difference, differing_rows
from validation.comparison.contract_differences import same_attribute
from validation.comparison.difference_rules import DifferenceRules
from validation.errors import first_few
from validation.explanation.facts import Aspect, Fact
from validation.explanation.sides import Side
from validation.record.difference_facts import AnchorChange
from validation.record.difference_words import anchor_rows
from validation.record.formatting import number
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


def postprocessing_facts(first: Side, second: Side, rules: DifferenceRules) -> tuple[Fact, ...]:
    """Attributes that differ, each with what it does, and anchors.

    Args:
        first: One.
        second: The other.
        rules: Say what is rounding.
    """
    return (*_attributes(first, second, rules), *_anchors(first, second, rules))


def _attributes(first: Side, second: Side, rules: DifferenceRules) -> Iterator[Fact]:
    one, other = first.postprocess, second.postprocess
    if one is None or other is None:
        if first.num_classes != second.num_classes and None not in (
            first.num_classes,
            second.num_classes,
        ):
            yield _classes(str(first.num_classes), str(second.num_classes))
        return
    for field in dataclasses.fields(PostprocessAttributes):
        values = getattr(one, field.name), getattr(other, field.name)
        if same_attribute(*values, rules):
            continue
        words = [number(value) for value in values]
        if field.name == "num_classes":
            yield _classes(*words)
        else:
            yield Fact.of(field.name, words, _MEANING[field.name], Aspect.POSTPROCESSING)


def _classes(first: str, second: str) -> Fact:
    return Fact("num_classes", first, second, _MEANING["num_classes"], Aspect.MODEL)


def _anchors(first: Side, second: Side, rules: DifferenceRules) -> Iterator[Fact]:
    """As `reference_contract` finds them; what storage alone rounds is a fact of its own."""
    one, other = first.anchors, second.anchors
    if one is None or other is None:
        return
    step, aspect = max(first.anchors_step, second.anchors_step), Aspect.POSTPROCESSING
    found = anchor_difference(one, other, step=step, rules=rules)
    if found is None:
        step, aspect = 0.0, Aspect.QUANTISATION
        found = anchor_difference(one, other, step=step, rules=rules)
    if found is None:
        return
    if found.change is AnchorChange.COUNT:
        counts = [number(each) for each in (found.expected, found.got)]
        yield Fact.of("anchors", counts, "boxes at other places: another model", Aspect.MODEL)
        return
    rows = np.flatnonzero(differing_rows(one, other, step=step, rules=rules))
    distance = np.abs(one.astype(np.float64) - other)[rows].max(axis=1)
    worst = int(rows[distance.argmax()])
    words = [
        "row {}: {}".format(worst, ", ".join(f"{value:.5g}" for value in each[worst]))
        for each in (one, other)
    ]
    meaning = f"y, x, h, w: {anchor_rows(found)}, by at most {distance.max():.2g} of the image" + (
        ", as their numbers round them" if aspect is Aspect.QUANTISATION else ""
    )
    if len(rows) < len(one):
        meaning += f": rows {first_few(rows.tolist())}"
    yield Fact.of("anchors", words, meaning, aspect)
