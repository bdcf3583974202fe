"""An explanation as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from validation.comparison.disagreements import Disagreement
from validation.diagnosis.weights import WeightComparison, WeightPair, WeightState
from validation.errors import first_few
from validation.explanation.facts import (
    AccuracyFacts,
    DetectionFacts,
    Explanation,
    Fact,
    LayerFacts,
)
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import describe_fault
from validation.record.difference_facts import ClassFacts
from validation.record.formatting import coco_delta, coco_figure, number, plural
from validation.record.quantisation_cost import LayerError

# Rows of a long list; --json has them all.
_MOST = 5


def as_lines(found: Explanation) -> Iterator[str]:
    """Verdict, then a section for each kind of difference; a section without any says so."""
    yield f"A  {found.first}"
    yield f"B  {found.second}"
    yield found.verdict
    yield from found.doubts
    yield from ("", "Inputs, feed, outputs, labels", *_facts(found.interface))
    yield from ("", "Post-processing", *_facts(found.postprocessing))
    yield from ("", "Weights and quantisation", *weight_lines(found.weights))
    yield from _facts(found.structure, nothing=False)
    if found.changes:
        yield from ("", "What was changed from A to B", *change_lines(found.changes))
    yield from ("", "Layers", *layer_lines(found.layers))
    yield from ("", "Detections", *detection_lines(found.detections))
    if found.accuracy is not None:
        yield from ("", "Accuracy", *accuracy_lines(found.accuracy))
    if found.not_compared:
        yield from ("", "Not compared", *(f"  {text}" for text in found.not_compared))


def _facts(facts: Sequence[Fact], *, nothing: bool = True) -> Iterator[str]:
    if not facts and nothing:
        yield "  no difference"
    width = max((len(fact.what) for fact in facts), default=0)
    for fact in facts:
        meaning = f"  ({fact.meaning})" if fact.meaning else ""
        yield f"  {fact.what:<{width}}  {fact.first} | {fact.second}{meaning}"


def change_lines(changes: Sequence[Diagnosis]) -> Iterator[str]:
    """What would make the second file of the first, one line a change."""
    for each in changes:
        yield f"  {describe_fault(each)}"


def weight_lines(weights: WeightComparison | None) -> Iterator[str]:
    """How many constants are how alike, those that differ most, and scales."""
    if weights is None:
        yield "  not compared"
        return
    counts = {state: weights.of(state) for state in WeightState if weights.of(state)}
    for state, pairs in counts.items():
        yield f"  {state}: {plural(len(pairs), 'constant')}, {_values(pairs)}"
    differing = sorted(weights.of(WeightState.DIFFERENT), key=lambda pair: -pair.worst)
    for pair in differing[:_MOST]:
        yield f"    {describe_pair(pair)}"
    if len(differing) > _MOST:
        yield f"    and {len(differing) - _MOST} more"
    cut = sum(pair.cut for pair in weights.pairs)
    if cut:
        yield f"  beyond the range of the other file's numbers: {plural(cut, 'value')}"
    for side, alone in (("A", weights.only_first), ("B", weights.only_second)):
        if alone:
            yield f"  {plural(len(alone), 'layer')} of {side} alone: {first_few(alone)}"
    if weights.misfits:
        yield f"  of another shape or type in B: {first_few(dict.fromkeys(weights.misfits))}"
    if weights.scales:
        quantised = len(weights.scales) + weights.alike_scales
        yield (
            f"  scale or zero point differ for {len(weights.scales)} of "
            f"{plural(quantised, 'computed tensor')}"
        )
        for each in weights.scales[:_MOST]:
            yield f"    {each.tensor.partition(';')[0]}: {each.first} | {each.second}"
    elif weights.alike_scales:
        yield f"  {plural(weights.alike_scales, 'computed tensor')} of equal scale and zero point"


def describe_pair(pair: WeightPair) -> str:
    """``CONV_2D layer, input 1: other values, at most 0.03 apart (float32 | int8)``."""
    steps = "" if pair.worst_steps is None else f", {number(pair.worst_steps)} steps"
    return (
        f"{pair.op} {pair.layer}, input {pair.place}: at most {number(pair.worst)}{steps} apart "
        f"({pair.first} | {pair.second})"
    )


def _values(pairs: Sequence[WeightPair]) -> str:
    return plural(sum(pair.elements for pair in pairs), "value")


def layer_lines(layers: LayerFacts) -> Iterator[str]:
    """The first layer that differs beyond rounding, and the one that loses most by itself."""
    if layers.why_not:
        yield f"  {layers.why_not}"
        return
    yield (
        f"  {plural(len(layers.rows), 'layer')} of {layers.subject} against those of "
        f"{layers.reference}, {plural(layers.images, 'image')}"
    )
    if layers.first_beyond is None:
        yield "  none differs by more than rounding"
        return
    yield f"  first beyond rounding: {describe_layer(layers.first_beyond)}"
    if layers.worst is not None and layers.worst.local is not None:
        lost = f"{layers.worst.local.sqnr_db:.1f} dB by itself"
        yield f"  loses most by itself: {describe_layer(layers.worst)}, {lost}"


def describe_layer(row: LayerError) -> str:
    """``3 CONV_2D name: 36.5 dB, 1.5 % of values beyond a step``."""
    words = [] if row.accumulated is None else [f"{row.accumulated.sqnr_db:.1f} dB"]
    if row.accumulated is not None and row.accumulated.beyond_one_step:
        words.append(f"{100 * row.accumulated.beyond_one_step:.3g} % of values beyond a step")
    name, other = (each.partition(";")[0] for each in (row.tensor.name, row.counterpart))
    # Of a file whose tensors have no names worth the word, the other's tells more.
    called = name if other in ("", name) else f"{name} ({other})"
    return f"{row.index} {row.op} {called}: {', '.join(words)}"


def detection_lines(found: DetectionFacts) -> Iterator[str]:
    """Counts, the worst pair, classes that changed, and where there is most to see."""
    yield (
        f"  at scores from {found.min_score:g} on {plural(found.images, 'image')}: "
        f"{found.pairs} by both, {found.lost} by A alone, {found.gained} by B alone, "
        f"{found.renamed} of another class, {found.moved} moved"
    )
    if found.worst_iou is not None and found.worst_score_shift is not None:
        yield (
            f"  worst IoU {found.worst_iou:.6f} ({found.worst_iou_image}), worst score shift "
            f"{found.worst_score_shift:+.6f} ({found.worst_score_image})"
        )
    for each in found.changed[:_MOST]:
        yield f"  {each.first} in A is {each.second} in B: {plural(each.count, 'time')}"
    if found.classes is not None:
        yield f"  {describe_classes(found.classes)}"
    yield from (f"  {image.file}: {what_differs(image.found)}" for image in found.worst)


def what_differs(image: Disagreement) -> str:
    """``2 lost, 1 gained``."""
    counts = {
        "lost": image.lost,
        "gained": image.gained,
        "of another class": len(image.changed),
        "moved": image.moved,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def describe_classes(classes: ClassFacts) -> str:
    """By how much the numbers of classes are off, or which are exchanged."""
    evidence = f"{classes.agreeing} of {plural(classes.compared, 'pair')} of detections say so"
    if classes.step:
        return f"the class numbers of B are those of A {classes.step:+d}; {evidence}"
    moved = first_few(f"{theirs} in A is {ours} in B" for ours, theirs in classes.pairs)
    return f"the classes of B are numbered otherwise: {moved}; {evidence}"


def accuracy_lines(found: AccuracyFacts) -> Iterator[str]:
    """AP of both and the difference, with its interval."""
    yield f"  {found.data_set}, {plural(found.images, 'image')}"
    for name, figure in (("AP", "ap"), ("AP50", "ap50"), ("AP75", "ap75")):
        one, other = getattr(found.first, figure), getattr(found.second, figure)
        text = f"  {name:<5} A {coco_figure(one)}, B {coco_figure(other)}"
        if figure == "ap":
            text += f", {interval_words(found)}"
        yield text
    if found.right is not None:
        right = found.right
        yield (
            f"  of {plural(right.first, 'right detection')} of A, B loses {right.lost}, and has "
            f"{plural(right.false_alarms, 'new false alarm')}"
        )
    for each in found.other_feeds:
        yield f"  {each.file}, fed what {each.stated} asks for: AP {coco_figure(each.ap)}"
    yield from (f"  {note}" for note in found.notes)


def interval_words(found: AccuracyFacts) -> str:
    """The difference of AP and how sure it is."""
    if found.ranked_alike:
        return "ranked alike: no difference on any such images"
    if found.ap is None:
        return "not comparable"
    ap = found.ap
    return f"B less A {coco_delta(round(ap.value, 4))}, 95 %: {ap.low:+.4f} to {ap.high:+.4f}"
