"""Two contracts side by side: input, attributes, anchors, classes, order of outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.comparison.anchor_changes import anchor_difference
from validation.comparison.difference_rules import DifferenceRules
from validation.preprocess.feed import has_usable_scale, takes_bytes
from validation.record.difference_facts import DifferenceKind, Fact
from validation.record.reference_differences import NotCompared, ReferenceDifference
from validation.specs.contracts import (
    DETECTION_ROLES,
    EXPORTER_DEFAULT_MAX_DETECTIONS,
    PostprocessAttributes,
    Preprocessing,
)
from validation.specs.input_stats import Range, range_of, steps_off, wanted_range
from validation.specs.tensors import TensorSpec

_LAST = 255


@dataclass(frozen=True)
class SideFacts:
    """What one side states of its contract; None where it does not.

    Args:
        preprocessing: From image to input.
        input: Of a file; None for a graph, which takes floats.
        takes_bytes: Its input is fed the pixels themselves.
        num_classes: Without the background.
        attributes: Of the post-processing.
        scales: Of the box coder, y, x, h, w, where no attributes state them.
        anchors: [N, 4] in centre form.
        anchor_step: What they are stored in steps of, or how well they are known; 0 for floats.
        outputs: What each output is, in the side's own order: boxes, classes, scores, count.
            Of a reference None where it states no order.
        outputs_named: A file says by name which output is which.
        why: Of what is None: the reason.
    """

    preprocessing: Preprocessing | None = None
    input: TensorSpec | None = None
    takes_bytes: bool = False
    num_classes: int | None = None
    attributes: PostprocessAttributes | None = None
    scales: tuple[float, ...] | None = None
    anchors: NDArray[np.float32] | None = None
    anchor_step: float = 0.0
    outputs: tuple[str, ...] | None = None
    outputs_named: bool = False
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def box_scales(self) -> tuple[float, ...] | None:
        """Of the box coder, y, x, h, w, wherever they are stated."""
        own = self.attributes
        if self.scales is not None or own is None:
            return self.scales
        return own.y_scale, own.x_scale, own.h_scale, own.w_scale


@dataclass(frozen=True)
class Compared:
    """What was found of some kinds of differences.

    Args:
        differences: In no order.
        kinds: What both sides state.
        not_compared: What one of them does not.
    """

    differences: tuple[ReferenceDifference, ...] = ()
    kinds: tuple[DifferenceKind, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()

    @property
    def reasons(self) -> tuple[NotCompared, ...]:
        """What was not compared, each reason once."""
        kinds: dict[str, tuple[DifferenceKind, ...]] = {}
        for each in self.not_compared:
            kinds[each.why] = (*kinds.get(each.why, ()), *each.kinds)
        return tuple(NotCompared(each, why) for why, each in kinds.items())

    def __add__(self, other: Compared) -> Compared:
        """Both together."""
        return Compared(
            (*self.differences, *other.differences),
            (*self.kinds, *other.kinds),
            (*self.not_compared, *other.not_compared),
        )


def contract_differences(
    reference: SideFacts, candidate: SideFacts, rules: DifferenceRules
) -> Compared:
    """Everything of a file's contract that its reference has otherwise."""
    found = Compared()
    for name, (kinds, compare) in _COMPARED.items():
        sides = [getattr(side, name) for side in (reference, candidate)]
        missing = [
            side.why.get(_REASONS.get(name, name), default)
            for side, value, default in zip(
                (reference, candidate),
                sides,
                ("the reference does not state it", "the file does not state it"),
                strict=True,
            )
            if value is None
        ]
        if missing:
            found += Compared(not_compared=(NotCompared(kinds, missing[0]),))
        else:
            ours, theirs = sides
            found += Compared(tuple(compare(ours, theirs, rules)), kinds)
    return (
        found
        + _feed(reference, candidate, rules)
        + _anchors(reference, candidate, rules)
        + _order(reference, candidate)
    )


def _size(
    ours: Preprocessing, theirs: Preprocessing, _: DifferenceRules
) -> list[ReferenceDifference]:
    expected, got = ([side.height, side.width] for side in (ours, theirs))
    if expected == got:
        return []
    amount = sum(one != other for one, other in zip(expected, got, strict=True))
    return [ReferenceDifference(DifferenceKind.INPUT_SIZE, amount, (Fact("size", expected, got),))]


def _classes(ours: int, theirs: int, _: DifferenceRules) -> list[ReferenceDifference]:
    if ours == theirs:
        return []
    fact = Fact("num_classes", ours, theirs)
    return [ReferenceDifference(DifferenceKind.CLASSES, abs(theirs - ours), (fact,))]


def _attributes(
    ours: PostprocessAttributes, theirs: PostprocessAttributes, rules: DifferenceRules
) -> list[ReferenceDifference]:
    def facts(*names: str) -> list[Fact]:
        values = [(name, getattr(ours, name), getattr(theirs, name)) for name in names]
        return [Fact(*value) for value in values if not same_attribute(*value[1:], rules)]

    nms, detections = facts("use_regular_nms"), facts("max_detections")
    # Each kind of NMS reads one attribute that the other does not.
    if ours.use_regular_nms and theirs.use_regular_nms:
        detections += facts("detections_per_class")
    elif ours.use_regular_nms == theirs.use_regular_nms:
        nms += facts("max_classes_per_detection")
    elif not theirs.use_regular_nms and theirs.max_classes_per_detection != 1:
        nms.append(Fact("max_classes_per_detection", 1, theirs.max_classes_per_detection))
    thresholds = facts("nms_score_threshold", "nms_iou_threshold")
    found = [(DifferenceKind.THRESHOLDS, thresholds, len(thresholds))]
    if nms and detections and _has_guide_defaults(theirs):
        found.append((DifferenceKind.GUIDE_DEFAULTS, [*detections, *nms], 1))
    else:
        found += [
            (DifferenceKind.NMS, nms, len(nms)),
            (DifferenceKind.DETECTIONS, detections, len(detections)),
        ]
    return [ReferenceDifference(kind, amount, tuple(each)) for kind, each, amount in found if each]


def _has_guide_defaults(attributes: PostprocessAttributes) -> bool:
    return (
        not attributes.use_regular_nms
        and attributes.max_detections == EXPORTER_DEFAULT_MAX_DETECTIONS
        and attributes.max_classes_per_detection == 1
    )


def _scales(
    ours: tuple[float, ...], theirs: tuple[float, ...], rules: DifferenceRules
) -> list[ReferenceDifference]:
    amount = sum(not same_attribute(*pair, rules) for pair in zip(ours, theirs, strict=True))
    fact = Fact("scales", list(ours), list(theirs))
    return [ReferenceDifference(DifferenceKind.SCALES, amount, (fact,))] if amount else []


def same_attribute(expected: Any, got: Any, rules: DifferenceRules) -> bool:
    """Whether two values of one attribute are the same.

    Attributes are float32 in a file; thresholds next to 0 keep every score there is.
    """
    if isinstance(expected, float) or isinstance(got, float):
        return math.isclose(expected, got, rel_tol=rules.rounding, abs_tol=rules.rounding)
    return bool(expected == got)


def _feed(reference: SideFacts, candidate: SideFacts, rules: DifferenceRules) -> Compared:
    """What pixels are read as against what the reference wants, and what the file itself states.

    An input of 8 bits is fed bytes, whatever the file's metadata states: its scale and zero point
    say what they are read as.
    """
    read, wanted, stated = _read_as(candidate), _wanted(reference), _wanted(candidate)
    kinds = (DifferenceKind.FEED,)
    if not read or not wanted:
        reason = (reference if read else candidate).why.get("preprocessing", _NO_RANGE)
        found = Compared(not_compared=(NotCompared(kinds, reason),))
    else:
        found = Compared(_ranges_differ(kinds[0], wanted, read, rules), kinds)
    if not read or not stated:
        return found
    kind = DifferenceKind.STATED_FEED
    own = _ranges_differ(kind, stated, read, rules)
    # Where the metadata says what the reference says there is nothing to add.
    is_said = wanted and not _ranges_differ(kind, stated, wanted, rules)
    return found if is_said else found + Compared(own)


_NO_RANGE = "what pixels are read as is not stated"


def _read_as(side: SideFacts) -> list[Range]:
    """What the darkest and the brightest pixel are read as: once, or for each channel."""
    spec = side.input
    if spec is None or not takes_bytes(spec) or not side.takes_bytes:
        return _wanted(side)
    return [range_of(spec)] if has_usable_scale(spec) else []


def _wanted(side: SideFacts) -> list[Range]:
    """As `_read_as`, of the normalisation that a side states; empty without one."""
    preprocessing = side.preprocessing
    if preprocessing is None or not all(preprocessing.scale):
        return []
    each = [
        (0.0 - offset, _LAST * scale - offset)
        for scale, offset in zip(preprocessing.scale, preprocessing.offset, strict=True)
    ]
    return [wanted_range(preprocessing)] if len(set(each)) == 1 else each


def _ranges_differ(
    kind: DifferenceKind, wanted: list[Range], read: list[Range], rules: DifferenceRules
) -> tuple[ReferenceDifference, ...]:
    if len(wanted) != len(read):
        # Bytes have one range; an extractor that treats channels apart needs all of them in it.
        wanted, read = [_widest(wanted)], [_widest(read)]
    amount = max(steps_off(*pair) for pair in zip(read, wanted, strict=True))
    if amount <= rules.feed_steps:
        return ()
    fact = Fact("range", *([list(each) for each in side] for side in (wanted, read)))
    return (ReferenceDifference(kind, amount, (fact,)),)


def _widest(ranges: list[Range]) -> Range:
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _anchors(reference: SideFacts, candidate: SideFacts, rules: DifferenceRules) -> Compared:
    kinds = (DifferenceKind.ANCHORS,)
    ours, theirs = reference.anchors, candidate.anchors
    if ours is None or theirs is None:
        side, whose = (reference, "reference") if ours is None else (candidate, "file")
        reason = side.why.get("anchors", f"the {whose} has no anchors")
        return Compared(not_compared=(NotCompared(kinds, reason),))
    facts = anchor_difference(
        ours, theirs, step=max(reference.anchor_step, candidate.anchor_step), rules=rules
    )
    if facts is None:
        return Compared(kinds=kinds)
    amount = facts.differing or abs(facts.got - facts.expected)
    return Compared((ReferenceDifference(DifferenceKind.ANCHORS, amount, anchors=facts),), kinds)


def _order(reference: SideFacts, candidate: SideFacts) -> Compared:
    kinds = (DifferenceKind.OUTPUT_ORDER,)
    got = candidate.outputs
    if got is None:
        reason = candidate.why.get("outputs", "which output is which is not known")
        return Compared(not_compared=(NotCompared(kinds, reason),))
    is_stated = reference.outputs is not None
    order = reference.outputs or DETECTION_ROLES
    if set(got).isdisjoint(order):
        reason = "one side ends in raw outputs and the other in detections"
        return Compared(not_compared=(NotCompared(kinds, reason),))
    # An output that the file lacks, such as the count, takes no place.
    expected = [role for role in order if role in got]
    amount = sum(one != other for one, other in zip(expected, got, strict=False))
    silent = NotCompared(kinds, "the reference states no order")
    found = Compared(kinds=kinds) if is_stated else Compared(not_compared=(silent,))
    if not amount:
        return found
    difference = ReferenceDifference(
        DifferenceKind.OUTPUT_ORDER,
        amount,
        (Fact("order", expected, list(got)),),
        is_named=candidate.outputs_named,
        is_stated=is_stated,
    )
    return found + Compared((difference,))


_Compare = Callable[[Any, Any, DifferenceRules], list[ReferenceDifference]]
# Which field of `SideFacts` gives which kinds of differences.
_COMPARED: Mapping[str, tuple[tuple[DifferenceKind, ...], _Compare]] = {
    "preprocessing": ((DifferenceKind.INPUT_SIZE,), _size),
    "num_classes": ((DifferenceKind.CLASSES,), _classes),
    "box_scales": ((DifferenceKind.SCALES,), _scales),
    "attributes": (
        (DifferenceKind.NMS, DifferenceKind.DETECTIONS, DifferenceKind.THRESHOLDS),
        _attributes,
    ),
}
# Why a field is not there, where another one's reason says it.
_REASONS = {"box_scales": "attributes"}
