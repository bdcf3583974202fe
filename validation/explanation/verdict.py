"""In one sentence: are two files the same detector, and if not, in what do they differ."""

from __future__ import annotations

from collections.abc import Sequence

from validation.diagnosis.weights import WeightComparison, WeightState
from validation.errors import first_few
from validation.explanation.facts import HARMLESS, Aspect, DetectionFacts, Fact
from validation.record.formatting import plural


def aspects_of(
    facts: Sequence[Fact], weights: WeightComparison | None, detections: DetectionFacts
) -> tuple[Aspect, ...]:
    """In what two sides differ, the aspect with most consequences first."""
    found = {fact.aspect for fact in facts if fact.aspect is not None}
    if weights is not None:
        found |= _of_weights(weights)
    if detections.classes is not None:
        found.add(Aspect.CLASSES)
    return tuple(aspect for aspect in Aspect if aspect in found)


def _of_weights(weights: WeightComparison) -> set[Aspect]:
    found = set()
    if _other_layers(weights):
        found.add(Aspect.MODEL)
    if weights.of(WeightState.DIFFERENT) or weights.misfits:
        found.add(Aspect.WEIGHTS)
    stored_otherwise = (*weights.of(WeightState.ROUNDED), *weights.of(WeightState.SAME_VALUES))
    if weights.scales or stored_otherwise:
        found.add(Aspect.QUANTISATION)
    # What quantises a few layers more, and what was fused otherwise, has layers of its own.
    if weights.only_first or weights.only_second:
        found.add(Aspect.WEIGHTS)
    return found


def _other_layers(weights: WeightComparison) -> bool:
    """More layers with weights stand alone, or are of another shape, than have a partner."""
    alone = len(weights.only_first) + len(weights.only_second) + 2 * len(set(weights.misfits))
    return alone > 2 * len({pair.layer for pair in weights.pairs})


def verdict_of(
    aspects: Sequence[Aspect],
    facts: Sequence[Fact],
    weights: WeightComparison | None,
    detections: DetectionFacts,
) -> str:
    """One sentence: what they are, why, and what that does to detections.

    Args:
        aspects: Of `aspects_of`.
        facts: All of them.
        weights: None where they could not be compared.
        detections: On the same images.
    """
    return f"{_what(aspects, facts, weights, detections)}; {_detections(detections)}"


def _what(
    aspects: Sequence[Aspect],
    facts: Sequence[Fact],
    weights: WeightComparison | None,
    detections: DetectionFacts,
) -> str:
    if Aspect.MODEL in aspects:
        reasons = [f"{fact.what} {fact.first} | {fact.second}" for fact in _of(Aspect.MODEL, facts)]
        if weights is not None and _other_layers(weights):
            alone = len(weights.only_first) + len(weights.only_second)
            reasons.append(f"{plural(alone, 'layer')} without a counterpart")
        return "another model: " + ", ".join(reasons)
    named = _and([_named(aspect, facts) for aspect in aspects])
    only = "only " if len(aspects) == 1 else ""
    if weights is None:
        differ = f"they differ {only}in {named}" if named else "nothing differs"
        return f"of what could be compared {differ}; weights and layers could not"
    if not set(aspects) - {*HARMLESS}:
        same = "the same detector" if detections.agree else "the same weights and attributes"
        return f"{same}; the files differ only in {named}" if named else same
    return f"the files differ {only}in {named}"


def _named(aspect: Aspect, facts: Sequence[Fact]) -> str:
    """With the facts that it stands for, where their names say more."""
    if aspect not in (Aspect.POSTPROCESSING, Aspect.INTERFACE):
        return str(aspect)
    return f"{aspect} ({first_few(fact.what for fact in _of(aspect, facts))})"


def _of(aspect: Aspect, facts: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.aspect is aspect]


def _and(words: Sequence[str]) -> str:
    *some, last = words or ("",)
    return f"{', '.join(some)} and {last}" if some else str(last)


def _detections(found: DetectionFacts) -> str:
    on = f"on {plural(found.images, 'image')}"
    if found.agree:
        return f"{on} both show the same {plural(found.pairs, 'detection')}"
    counts = {
        "lost": found.lost,
        "gained": found.gained,
        "moved": found.moved,
        "of another class": found.renamed,
    }
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{on}, of {plural(found.shown, 'detection')} of the first: {words}"
