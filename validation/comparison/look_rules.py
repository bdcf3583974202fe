"""Whether a look at some of the images decides a file, and which measures are still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.comparison.group_sequential import unseen_share
from validation.policy.limits import WORST_FIRST, Status
from validation.record.types import CheckResult, Measure
from validation.record.until_decided import UNSEEN_LOSS, Look

_SAMPLED = ("ap_drop", "ap_gain")


@dataclass(frozen=True)
class LookFacts:
    """What a look found of one file.

    Args:
        accuracy: See `check_accuracy`, with the intervals of the look.
        operating_point: See `check_operating_point`, alike.
        reference_ap: On the images of the look.
        evidence: Measures of evidence that grow with the number of images, on them.
        evidence_at_most: The same on all images that there are.
    """

    accuracy: CheckResult
    operating_point: CheckResult
    reference_ap: float
    evidence: tuple[Measure, ...]
    evidence_at_most: tuple[Measure, ...]


def undecided_measures(facts: LookFacts, look: Look, *, is_last: bool) -> tuple[str, ...]:
    """Names of the measures that keep a look from deciding a file; none where it decides it.

    It fails where an interval lies wholly beyond its limit, whatever else is open. It passes
    where every interval lies within its limit, what the images say too little of is no better on
    all of them, and a loss beyond the limit would hardly be confined to images that were not seen.

    Args:
        facts: Of the file.
        look: Which.
        is_last: No image is left: as without looks.
    """
    sampled = [each for each in facts.accuracy.measures if each.name in _SAMPLED]
    judged = [*sampled, *facts.operating_point.measures]
    if facts.operating_point.status is Status.FAIL or any(map(_is_broken, sampled)):
        return ()
    names = [each.name for each in judged if each.is_undecided]
    if is_last:
        return tuple(names)
    if facts.operating_point.status is Status.UNKNOWN:
        names.append("right_detections")
    names += _too_little(facts)
    names += [UNSEEN_LOSS] if any(_may_be_unseen(each, facts, look) for each in sampled) else []
    return tuple(names)


def _is_broken(measure: Measure) -> bool:
    """By all of its interval; what ranks alike has a difference of 0 and no interval."""
    return measure.interval is not None and measure.status is Status.FAIL


def _too_little(facts: LookFacts) -> list[str]:
    """What all images together would say more of."""
    most: Mapping[str, Status] = {each.name: each.status for each in facts.evidence_at_most}
    return [
        each.name
        for each in facts.evidence
        if WORST_FIRST.index(each.status) < WORST_FIRST.index(most[each.name])
    ]


def _may_be_unseen(measure: Measure, facts: LookFacts, look: Look) -> bool:
    """A share of images that the look may show none of holds more than the limit allows.

    Neither a bootstrap nor equal detections show what is on no image. If everything were lost on
    a share of all images, AP would fall by about this share of itself.
    """
    limit = measure.limit
    if measure.name != "ap_drop" or limit is None or limit.relation != "max":
        return False
    return unseen_share(look.images, look.level) * facts.reference_ap > float(limit.bound)
