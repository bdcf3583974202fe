"""A given file's contract held against its reference's, and its classes and scores with it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from validation.comparison.class_relation import (
    ClassRelation,
    classes_by_detections,
    classes_by_scores,
)
from validation.comparison.contract_differences import Compared
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.score_kinds import (
    ScoreKinds,
    as_probabilities,
    is_logits,
    score_kinds,
    sigmoid,
)
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.difference_facts import ClassFacts, DifferenceKind, Fact
from validation.record.reference_differences import (
    NotCompared,
    ReferenceDifference,
    ReferenceDifferences,
)
from validation.record.types import CheckResult, Measure, ModelKey

CHECK = "reference_contract"
_NUMBERS = (DifferenceKind.CLASS_SHIFT, DifferenceKind.CLASS_ORDER)
_Scores = NDArray[np.float32]


def differences_of_scores(
    reference: _Scores, candidate: _Scores, num_classes: tuple[int, int], rules: DifferenceRules
) -> Compared:
    """Class numbers and kind of scores, by the raw scores of the same anchors and images.

    Args:
        reference: [I, 1, N, C], the background's column among them or not.
        candidate: As the reference, of the file.
        num_classes: Of the reference and of the file, without the background.
        rules: See `DifferenceRules`.
    """
    ours, theirs = (each.astype(np.float64) for each in (reference, candidate))
    relation = classes_by_scores(
        as_probabilities(ours, rules), as_probabilities(theirs, rules), num_classes, rules
    )
    found = _of_relation(relation)
    if ours.shape[:-1] != theirs.shape[:-1]:
        return found + _scores_not_compared("raw scores of another number of anchors")
    ours, theirs = _same_classes(ours, theirs, num_classes, relation.facts)
    return found + _of_score_kinds(score_kinds(ours, theirs, rules))


def differences_of_detections(
    reference: Mapping[str, Detections],
    candidate: Mapping[str, Detections],
    rules: DifferenceRules,
) -> Compared:
    """Class numbers and kind of scores, by what both sides detect on the same images."""
    ours, theirs = (_all_scores(side) for side in (reference, candidate))
    if not len(ours) or not len(theirs):
        why = f"the {'file' if len(ours) else 'reference'} detects nothing on these images"
        return _of_relation(ClassRelation(why_unknown=why)) + _scores_not_compared(why)
    relation = classes_by_detections(
        _in_unit(reference, ours, rules), _in_unit(candidate, theirs, rules), rules
    )
    # Detections of other images tell no function from another: only whether they are logits.
    kinds = score_kinds(ours[:, None], theirs[:, None], rules)
    return _of_relation(relation) + _of_score_kinds(kinds)


def _all_scores(side: Mapping[str, Detections]) -> NDArray[np.float64]:
    return np.concatenate([np.zeros(0), *(each.scores for each in side.values())])


def _in_unit(
    side: Mapping[str, Detections], scores: NDArray[np.float64], rules: DifferenceRules
) -> Mapping[str, Detections]:
    """Detections with scores from 0 to 1: logits, of any, are those of all."""
    if not is_logits(scores, rules):
        return side
    return {
        image: Detections(each.boxes, sigmoid(each.scores), each.classes)
        for image, each in side.items()
    }


def _of_relation(relation: ClassRelation) -> Compared:
    if relation.why_unknown:
        return Compared(not_compared=(NotCompared(_NUMBERS, relation.why_unknown),))
    facts = relation.facts
    if facts is None:
        return Compared(kinds=_NUMBERS)
    kind = DifferenceKind.CLASS_SHIFT if facts.step else DifferenceKind.CLASS_ORDER
    amount = abs(facts.step) or len(facts.pairs)
    return Compared((ReferenceDifference(kind, amount, classes=facts),), _NUMBERS)


def _of_score_kinds(kinds: ScoreKinds | None) -> Compared:
    compared = (DifferenceKind.SCORE_KIND,)
    if kinds is None:
        return Compared(kinds=compared)
    fact = Fact("scores", kinds.expected, kinds.got)
    difference = ReferenceDifference(DifferenceKind.SCORE_KIND, 1, (fact,))
    return Compared((difference,), compared)


def _scores_not_compared(why: str) -> Compared:
    return Compared(not_compared=(NotCompared((DifferenceKind.SCORE_KIND,), why),))


def _same_classes(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    num_classes: tuple[int, int],
    facts: ClassFacts | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns of both sides that are the same classes."""
    first, other = (
        1 - (side.shape[-1] - count)
        for side, count in zip((ours, theirs), num_classes, strict=True)
    )
    if facts is None:
        highest = min(num_classes)
        lowest = max(first, other)
        pairs = [(number, number) for number in range(lowest, highest + 1)]
    else:
        pairs = list(facts.pairs)
    columns = [expected - first for _, expected in pairs]
    others = [got - other for got, _ in pairs]
    return ours[..., columns], theirs[..., others]


def renumbered(side: Mapping[str, Detections], facts: ClassFacts) -> dict[str, Detections]:
    """A file's detections with the reference's class numbers.

    A step holds for every class, those included that the images do not show. What the reference
    has no class for is left out.
    """
    known = dict(facts.pairs)

    def again(found: Detections) -> Detections:
        classes = np.array(
            [each - facts.step if facts.step else known.get(each, each) for each in found.classes],
            np.int64,
        )
        kept = classes >= 1
        return Detections(found.boxes[kept], found.scores[kept], classes[kept])

    return {image: again(found) for image, found in side.items()}


def worst_first(entry: ReferenceDifferences) -> tuple[ReferenceDifference, ...]:
    """What costs most comes first; what has no price follows in the order of the kinds."""
    order = list(DifferenceKind)

    def badness(each: ReferenceDifference) -> tuple[bool, float, int]:
        change = each.ap_change(entry.ap)
        return change is None, 0.0 if change is None else change, order.index(each.kind)

    return tuple(sorted(entry.differences, key=badness))


def check_reference_contract(
    found: ReferenceDifferences, policy: Policy, key: ModelKey
) -> CheckResult:
    """Judge what differs; UNKNOWN where nothing could be compared.

    Args:
        found: Everything that was compared, and what was not.
        policy: Has a limit for each kind of difference.
        key: The thing under test.
    """
    missing = [each.describe() for each in found.not_compared]
    measures = Measure.limited(found.figures, policy, CHECK, key)
    price = [found.unpriced] if found.unpriced and found.differences else []
    said = [*found.sentences, *price]
    if found.compared and not said:
        said = ["nothing of the contract differs"]
    message = "; ".join([*said, *missing]) or "nothing was compared"
    # What a file says against itself is no agreement with a reference.
    if not found.compared and all(each.status is Status.PASS for each in measures):
        return CheckResult.unknown(CHECK, key, message)
    return CheckResult.judged(CHECK, key, measures, message=message)
