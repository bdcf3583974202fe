"""What is said of a difference between a given file and its reference: one sentence a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from validation.errors import first_few
from validation.record.difference_facts import (
    AnchorChange,
    AnchorFacts,
    ClassFacts,
    DifferenceKind,
    Fact,
)
from validation.record.formatting import number, plural

if TYPE_CHECKING:
    from validation.record.reference_differences import ReferenceDifference


def words_of(difference: ReferenceDifference) -> str:
    """What differs, without what it costs."""
    return _WORDS[difference.kind](difference)


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
    DifferenceKind.STATED_FEED: "its metadata's normalisation",
}


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
    words = _by_facts(difference)
    if difference.kind is DifferenceKind.STATED_FEED:
        words = words.replace("the reference has", "its own metadata states")
    steps = round(difference.amount, 2)
    return f"{words}, off by up to {number(steps)} pixel {'step' if steps == 1 else 'steps'}"


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
    return f"another anchor table, {anchor_rows(facts)}"


def anchor_rows(facts: AnchorFacts) -> str:
    """How many rows of two tables of one length differ, and what was done to them."""
    words = _CHANGES[facts.change](facts.factors)
    rows = f"{facts.differing:,} of {plural(facts.got, 'row')} differ"
    return f"{rows} ({words})" if words else rows


def _factors(factors: tuple[float, ...]) -> str:
    """Of height and width, once where they are the same."""
    return " and ".join(dict.fromkeys(f"{each:.4g}" for each in factors))


_CHANGES: Mapping[AnchorChange, Callable[[tuple[float, ...]], str]] = {
    AnchorChange.ROW_ORDER: lambda _: "the same rows in another order",
    AnchorChange.AXES: lambda _: "y and x have changed places",
    AnchorChange.SIDES: lambda _: "heights and widths have changed places",
    AnchorChange.CORNERS: lambda _: "corners where centres and sides belong",
    AnchorChange.SCALED: lambda factors: f"sides are {_factors(factors)} times as long",
    AnchorChange.SHIFTED: lambda factors: (
        f"centres are shifted by {' and '.join(f'{each:+.4g}' for each in factors)} for y and x"
    ),
    AnchorChange.ASPECT: lambda _: "other aspect ratios at the same areas",
    AnchorChange.SOME_ROWS: lambda _: "the others are the same",
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
    DifferenceKind.STATED_FEED: _feed,
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
