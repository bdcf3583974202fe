"""What a given file has otherwise than its reference, and what each difference costs in AP."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from validation.errors import first_few
from validation.record.formatting import number, plural
from validation.record.run import ReferenceKind
from validation.record.types import OfVariant


class DifferenceKind(enum.StrEnum):
    """What differs. All but GUIDE_DEFAULTS are measures of the check `reference_contract`."""

    INPUT_SIZE = "input_size"
    FEED = "feed"
    """What the darkest and the brightest pixel become."""
    CLASSES = "classes"
    """How many there are."""
    CLASS_SHIFT = "class_shift"
    """Every class has another's number, always as far away."""
    CLASS_ORDER = "class_order"
    """Some classes have each other's numbers."""
    ANCHORS = "anchors"
    SCALES = "scales"
    """Of the box coder."""
    SCORE_KIND = "score_kind"
    """What was done to the scores: nothing, a sigmoid, a softmax."""
    OUTPUT_ORDER = "output_order"
    GUIDE_DEFAULTS = "guide_defaults"
    """The exporter's own defaults: 10 detections and fast NMS. One decision, so one finding."""
    NMS = "nms"
    """For each class, or once over all."""
    DETECTIONS = "detections"
    """How many a file gives."""
    THRESHOLDS = "thresholds"
    """Of score and overlap, in NMS."""


# A finding that stands for two kinds is counted for both.
_COUNTED_AS: Mapping[DifferenceKind, tuple[DifferenceKind, ...]] = {
    DifferenceKind.GUIDE_DEFAULTS: (DifferenceKind.NMS, DifferenceKind.DETECTIONS)
}
# The measure of an order that no reference states.
UNSTATED_ORDER = "output_order_unstated"


class AnchorChange(enum.StrEnum):
    """What would make a file's anchors of the reference's."""

    COUNT = "count"
    ROW_ORDER = "row order"
    AXES = "axes"
    CORNERS = "corners"
    SCALED = "scaled"
    SHIFTED = "shifted"
    ASPECT = "aspect"
    SOME_ROWS = "some rows"
    OTHER = "other"


@dataclass(frozen=True)
class Fact:
    """One value that both sides state.

    Args:
        name: For example ``max_detections``.
        expected: The reference's: a number, text, bool, or a list of them.
        got: The file's.
    """

    name: str
    expected: Any
    got: Any


@dataclass(frozen=True)
class AnchorFacts:
    """How two tables of anchors differ.

    Args:
        expected: Rows of the reference's.
        got: Rows of the file's.
        differing: Rows that differ; 0 where they are not as many.
        change: What was done to them, as far as it can be told.
        factors: Of `SCALED`: height and width of the file's over the reference's. Of
            `SHIFTED`: what is added to the centres' y and x.
    """

    expected: int
    got: int
    differing: int
    change: AnchorChange
    factors: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClassFacts:
    """Which of the reference's classes a file's class is, where the numbers differ.

    Args:
        pairs: The file's class and the reference's, by the file's; numbered from 1.
        step: The file's number less the reference's, where that is the same for all; else 0.
        agreeing: Pieces of evidence for it.
        compared: Of so many.
        of_scores: The evidence is classes whose raw scores agree; else pairs of detections.
    """

    pairs: tuple[tuple[int, int], ...]
    step: int
    agreeing: int
    compared: int
    of_scores: bool


@dataclass(frozen=True)
class ReferenceDifference:
    """One thing that a file does not have as its reference has it.

    Args:
        kind: What it is.
        amount: How much differs: of the feed steps of a 255th, of anchors rows, of classes
            their numbers; else how many values.
        facts: The values themselves.
        anchors: Of `ANCHORS`.
        classes: Of `CLASS_SHIFT` and `CLASS_ORDER`.
        is_named: Of `OUTPUT_ORDER`: the file says by name which output is which.
        is_stated: Of `OUTPUT_ORDER`: the reference has an order; else the op's own is meant.
        ap: Of the file with this one thing as the reference has it; None where that was not
            measured.
    """

    kind: DifferenceKind
    amount: float
    facts: tuple[Fact, ...] = ()
    anchors: AnchorFacts | None = None
    classes: ClassFacts | None = None
    is_named: bool = False
    is_stated: bool = True
    ap: float | None = None

    def describe(self, ap: float | None = None) -> str:
        """The finding on one line, with what it costs where that is known.

        Args:
            ap: Of the file as it is.
        """
        words = _WORDS[self.kind](self)
        change = self.ap_change(ap)
        return words if change is None else f"{words}: {_signed(change)} AP"

    def ap_change(self, ap: float | None) -> float | None:
        """What the difference does to AP: below 0 where it costs something."""
        return None if ap is None or self.ap is None else ap - self.ap


@dataclass(frozen=True)
class NotCompared:
    """What could not be held against the reference, and why.

    Args:
        kinds: What.
        why: One reason for all of them.
    """

    kinds: tuple[DifferenceKind, ...]
    why: str

    def describe(self) -> str:
        """On one line."""
        return f"not compared: {', '.join(map(kind_in_words, self.kinds))} ({self.why})"


@dataclass(frozen=True)
class ReferenceDifferences(OfVariant):
    """Everything that a given file has otherwise than its reference.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        reference: What it was compared with.
        differences: The one that costs most first.
        compared: What both sides state.
        not_compared: What one of them does not.
        ap: Of the file as it is; None where nothing was priced.
        ap_of_all: With all that could be priced as the reference has it.
        images: Labelled images that AP is of.
        unpriced: Why nothing has a price; empty where something has, and where nothing differs.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    reference: ReferenceKind
    differences: tuple[ReferenceDifference, ...]
    compared: tuple[DifferenceKind, ...]
    not_compared: tuple[NotCompared, ...] = ()
    ap: float | None = None
    ap_of_all: float | None = None
    images: int = 0
    unpriced: str = ""
    file: str = ""

    @property
    def figures(self) -> dict[str, float]:
        """What differs by how much, by the names of the check's measures."""
        found: dict[str, float] = {kind.value: 0 for kind in self.compared}
        for each in self.differences:
            for name in measures_of(each):
                found[name] = max(found.get(name, 0), each.amount)
        return found

    @property
    def sentences(self) -> tuple[str, ...]:
        """Each difference on a line."""
        return tuple(each.describe(self.ap) for each in self.differences)


def measures_of(difference: ReferenceDifference) -> tuple[str, ...]:
    """Names of the measures that it counts for; none for an order that the file names."""
    if difference.kind is DifferenceKind.OUTPUT_ORDER:
        if difference.is_named:
            return ()
        return (difference.kind.value if difference.is_stated else UNSTATED_ORDER,)
    return tuple(each.value for each in _COUNTED_AS.get(difference.kind, (difference.kind,)))


def kind_in_words(kind: DifferenceKind) -> str:
    """``class order``."""
    return _NAMES.get(kind, kind.value.replace("_", " "))


_NAMES = {
    DifferenceKind.NMS: "NMS",
    DifferenceKind.CLASSES: "number of classes",
    DifferenceKind.SCALES: "box scales",
    DifferenceKind.DETECTIONS: "number of detections",
    DifferenceKind.SCORE_KIND: "kind of scores",
    DifferenceKind.FEED: "normalisation",
}


def _signed(change: float) -> str:
    """Three digits after the point, four where three would hide the change."""
    text = f"{change:+.3f}"
    return f"{change:+.4f}" if float(text) == 0 and abs(change) >= 5e-5 else text


_Words = Callable[[Any], str]
# What a value is called, and how it stands beside one that has been called so before.
_ATTRIBUTES: Mapping[str, tuple[_Words, _Words]] = {
    "max_detections": (lambda value: plural(value, "detection"), number),
    "use_regular_nms": (lambda value: _nms(value), lambda value: _nms(value)),
    "detections_per_class": (lambda value: f"{number(value)} of a class",) * 2,
    "max_classes_per_detection": (lambda value: f"{_classes(value)} for a box", number),
    "nms_score_threshold": (lambda value: f"a score threshold of {number(value)}", number),
    "nms_iou_threshold": (lambda value: f"an IoU threshold of {number(value)}", number),
    "num_classes": (lambda value: _classes(value), number),
    "size": (lambda value: f"an input of {_size(value)}", lambda value: _size(value)),
    "scales": (lambda value: f"box scales {_scales(value)}", lambda value: _scales(value)),
    "range": (lambda value: f"pixels from {_range(value)}", lambda value: _range(value)),
    "order": (lambda value: f"outputs in the order {_listed(value)}", lambda value: _listed(value)),
    "scores": (str, str),
}


def _nms(is_regular: bool) -> str:
    return "NMS for each class" if is_regular else "class-agnostic NMS"


def _size(value: Any) -> str:
    return "x".join(map(str, value))


def _scales(value: Any) -> str:
    return ", ".join(number(float(each)) for each in value)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value))


def _classes(count: int) -> str:
    return "1 class" if count == 1 else f"{count:,} classes"


def _range(value: Any) -> str:
    """One range, or one for each channel."""
    return " and ".join(f"{low:.4g} to {high:.4g}" for low, high in value)


def _by_facts(difference: ReferenceDifference) -> str:
    got, expected = (
        " and ".join(_in_words(each, side) for each in difference.facts)
        for side in ("got", "expected")
    )
    return f"{got} where the reference has {expected}"


def _in_words(fact: Fact, side: str) -> str:
    value = getattr(fact, side)
    words = _ATTRIBUTES.get(fact.name)
    if words is None:
        return f"{fact.name} {number(value)}"
    return words[side == "expected"](value)


def _feed(difference: ReferenceDifference) -> str:
    return f"{_by_facts(difference)}, off by {number(round(difference.amount, 2))} of 255 steps"


def _output_order(difference: ReferenceDifference) -> str:
    if difference.is_named:
        return f"{_by_facts(difference)}; the file names them, so that apps can bind by name"
    whose = "the reference has" if difference.is_stated else "the op's own order is"
    (fact,) = difference.facts
    return (
        f"outputs in the order {_listed(fact.got)} where {whose} {_listed(fact.expected)}: "
        "apps that bind by position mix them up"
    )


def _anchors(difference: ReferenceDifference) -> str:
    facts = difference.anchors
    if facts is None:
        return "another anchor table"
    if facts.change is AnchorChange.COUNT:
        return f"{plural(facts.got, 'anchor')} where the reference has {facts.expected:,}"
    words = _CHANGES[facts.change](facts.factors)
    return f"another anchor table, {facts.differing:,} of {plural(facts.got, 'row')} differ{words}"


_CHANGES: Mapping[AnchorChange, Callable[[tuple[float, ...]], str]] = {
    AnchorChange.ROW_ORDER: lambda _: ": the same rows in another order",
    AnchorChange.AXES: lambda _: ": y and x have changed places",
    AnchorChange.CORNERS: lambda _: ": corners where centres and sides belong",
    AnchorChange.SCALED: lambda factors: (
        f": sides are {' and '.join(f'{each:.4g}' for each in factors)} times the reference's"
    ),
    AnchorChange.SHIFTED: lambda factors: (
        f": centres are shifted by {' and '.join(f'{each:+.4g}' for each in factors)} (y and x)"
    ),
    AnchorChange.ASPECT: lambda _: ": other aspect ratios at the same areas",
    AnchorChange.SOME_ROWS: lambda _: ", the others are the same",
    AnchorChange.OTHER: lambda _: "",
}


def _class_shift(difference: ReferenceDifference) -> str:
    facts = difference.classes
    if facts is None:
        return "class numbers are shifted"
    return f"class numbers are the reference's {_step(facts.step)} ({_evidence(facts)})"


def _step(step: int) -> str:
    return f"plus {step}" if step > 0 else f"minus {-step}"


def _class_order(difference: ReferenceDifference) -> str:
    facts = difference.classes
    if facts is None:
        return "classes in another order"
    pairs = first_few((f"{got} is the reference's {expected}" for got, expected in facts.pairs), 4)
    return f"classes in another order: {pairs} ({_evidence(facts)})"


def _evidence(facts: ClassFacts) -> str:
    of = "classes by their raw scores" if facts.of_scores else "pairs of detections"
    return f"{facts.agreeing:,} of {facts.compared:,} {of}"


_WORDS: Mapping[DifferenceKind, Callable[[ReferenceDifference], str]] = {
    DifferenceKind.FEED: _feed,
    DifferenceKind.OUTPUT_ORDER: _output_order,
    DifferenceKind.ANCHORS: _anchors,
    DifferenceKind.CLASS_SHIFT: _class_shift,
    DifferenceKind.CLASS_ORDER: _class_order,
    **dict.fromkeys(
        (
            DifferenceKind.INPUT_SIZE,
            DifferenceKind.CLASSES,
            DifferenceKind.SCALES,
            DifferenceKind.SCORE_KIND,
            DifferenceKind.GUIDE_DEFAULTS,
            DifferenceKind.NMS,
            DifferenceKind.DETECTIONS,
            DifferenceKind.THRESHOLDS,
        ),
        _by_facts,
    ),
}
