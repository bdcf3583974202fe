"""Two runs over the same images judged detection by detection."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from validation.comparison.matching import ImageMatch, match_detections
from validation.comparison.share_intervals import LEVEL
from validation.comparison.ties import TieRule, without_rare_ties
from validation.errors import first_few
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.detections import Detections
from validation.record.types import CheckResult, Measure, ModelKey

_Image = TypeVar("_Image", bound=Hashable)


# So many pairs may be beyond by chance; of a thousand it is their hundredth.
_FEW_BEYOND = 10
_HUNDREDTH = 1 / 100


def compare_detections(
    reference: Mapping[_Image, Detections],
    candidate: Mapping[_Image, Detections],
    *,
    policy: Policy,
    key: ModelKey,
    min_score: float,
    score_epsilon: float,
    min_iou: float,
    capacity: int | None = None,
    ties: TieRule | None = None,
    fed: str = "",
    check: str = "end_to_end_parity",
) -> CheckResult:
    """Judge whether the candidate finds what the reference finds, on every image.

    Lost images, no images and values that are not finite fail before anything is matched.
    When detections have no partner and a limit is touched, the message names the fault that
    would explain most of them, if one of a few known faults does.

    Args:
        reference: Detections of each image.
        candidate: Detections of each image.
        policy: Has the limits of compared_detections, unmatched_detections, lost_share,
            gained_share, worst_iou, worst_score_shift, iou_p01 and score_shift_p99 (one pair in a
            hundred may lie beyond: a neighbour that NMS kept). The shares are those of the
            reference's detections; a candidate may lose none and invent many.
        key: The thing under test.
        min_score: See `match_detections`.
        score_epsilon: See `match_detections`.
        min_iou: See `match_detections`.
        capacity: See `match_detections`.
        ties: When an exchange of detections is a tie; None: never.
        fed: What the sides were given, in words, where that is not the stored images.
        check: Name of the check in the policy.
    """
    faults = input_faults(reference, candidate)
    if faults:
        text = "; ".join(text for _, text in faults)
        return CheckResult.failed(check, key, text, where=faults[0][0])

    def matched(change: _Change) -> dict[_Image, ImageMatch]:
        return {
            image: match_detections(
                found,
                change(candidate[image]),
                min_score=min_score,
                score_epsilon=score_epsilon,
                min_iou=min_iou,
                capacity=capacity,
            )
            for image, found in reference.items()
        }

    matches = without_rare_ties(matched(lambda found: found), reference, candidate, ties)
    judged, counts = _values(list(matches.values()))
    judged |= _score_range([*reference.values(), *candidate.values()])
    measures = Measure.limited(judged, policy, check, key)
    lost = counts["lost_detections"]
    message = (
        f"{judged['compared_detections']} detections compared on {counts['images']} images at"
        f" scores from {min_score:g}; {lost} of the reference not found,"
        f" {counts['gained_detections']} only in the candidate"
    )
    if fed:
        message += f"; {fed}"
    if _are_logits(measures):
        message += "; scores outside of 0 to 1 are logits: no score converter was found"
    if lost and any(measure.status is not Status.PASS for measure in measures):
        message += _explanation(lost, matched)
    return CheckResult.judged(
        check,
        key,
        (*measures, *(Measure(name, value) for name, value in counts.items())),
        where=_worst_detection(matches, reference, candidate),
        message=message,
    )


def _score_range(found: Sequence[Detections]) -> dict[str, float]:
    """Of both runs; 0 to 0 where nothing was found. Classes taken for scores are neither."""
    scores = np.concatenate([each.scores for each in found])
    if not len(scores) or (scores == np.rint(scores)).all():
        return {"lowest_score": 0.0, "highest_score": 0.0}
    return {"lowest_score": float(scores.min()), "highest_score": float(scores.max())}


def _are_logits(measures: Sequence[Measure]) -> bool:
    return any(
        measure.status is Status.FAIL
        for measure in measures
        if measure.name in ("lowest_score", "highest_score")
    )


def _values(
    matches: Sequence[ImageMatch],
) -> tuple[dict[str, float | None], dict[str, int]]:
    """What is judged and what is only counted, by the names of their measures."""
    pairs = [pair for match in matches for pair in match.pairs]
    lost = sum(len(match.unmatched_reference) for match in matches)
    gained = sum(len(match.unmatched_candidate) for match in matches)
    expected = len(pairs) + lost
    judged = {
        "compared_detections": len(pairs),
        "unmatched_detections": lost + gained,
        # None where the reference has none; a limit never passes it.
        "lost_share": lost / expected if expected else None,
        "gained_share": gained / expected if expected else None,
        # None where nothing was paired; a limit never passes it.
        "worst_iou": min((pair.iou for pair in pairs), default=None),
        "worst_score_shift": max((abs(pair.score_shift) for pair in pairs), default=None),
        "iou_p01": _hundredth(sorted(pair.iou for pair in pairs)),
        "score_shift_p99": _hundredth(sorted((abs(p.score_shift) for p in pairs), reverse=True)),
    }
    counts = {
        "images": len(matches),
        "lost_detections": lost,
        "gained_detections": gained,
        "borderline_detections": sum(len(match.borderline) for match in matches),
        "tied_detections": sum(match.tied for match in matches),
        "detections_outside_image": sum(match.outside for match in matches),
    }
    return judged, counts


def _hundredth(worst_first: Sequence[float]) -> float | None:
    """What a hundredth of the pairs are beyond; None of none.

    Of a few hundred pairs one more or less is beyond it by chance, so that as many are ignored
    as a file with a hundredth of such pairs has in nineteen of twenty samples.
    """
    count = len(worst_first)
    if not count:
        return None
    beyond = (count - 1) // 100
    by_chance, likely = 0, (1 - _HUNDREDTH) ** count
    term = likely
    while by_chance < min(_FEW_BEYOND, count - 1) and likely < LEVEL:
        by_chance += 1
        term *= (count - by_chance + 1) / by_chance * _HUNDREDTH / (1 - _HUNDREDTH)
        likely += term
    return worst_first[max(beyond, by_chance)]


def input_faults(
    reference: Mapping[_Image, Detections], candidate: Mapping[_Image, Detections]
) -> list[tuple[str, str]]:
    """First image and complaint, for all that makes a comparison meaningless."""
    if not reference and not candidate:
        return [("", "no images were compared")]
    faults = []
    for name, side, other in (
        ("candidate", candidate, reference),
        ("reference", reference, candidate),
    ):
        lost = [image for image in other if image not in side]
        if lost:
            text = f"the {name} has no result for {len(lost)} images: {first_few(lost)}"
            faults.append((f"image {lost[0]}", text))
        wrong = [image for image, found in side.items() if not found.is_finite]
        if wrong:
            text = f"NaN or infinity in the {name} on {len(wrong)} images: {first_few(wrong)}"
            faults.append((f"image {wrong[0]}", text))
    return faults


_Change = Callable[[Detections], Detections]


def _class_shift(step: int) -> _Change:
    return lambda found: dataclasses.replace(found, classes=found.classes + step)


def _swapped_axes(found: Detections) -> Detections:
    return dataclasses.replace(found, boxes=found.boxes[:, [1, 0, 3, 2]])


def _swapped_roles(first_class: int) -> _Change:
    def change(found: Detections) -> Detections:
        # Only whole numbers can be class ids. The true scores may be lost to rounding, so
        # every detection is taken, and only class and box are compared.
        ids = np.rint(found.scores)
        if (found.scores != ids).any():
            return found
        classes = ids.astype(np.int64) + first_class
        return Detections(found.boxes, np.ones(len(found)), classes)

    return change


# What was done to the candidate, what it means. Output order comes first: where one class
# makes two explanations equal, scores that are whole numbers speak for it. The op counts
# classes from 0 and label maps from 1, so it is tried both ways.
_EXPLANATIONS: tuple[tuple[_Change, str], ...] = (
    (_swapped_roles(0), "scores and classes change places: output order"),
    (_swapped_roles(1), "scores and classes change places: output order"),
    (_class_shift(-1), "1 is subtracted from the class ids: label offset"),
    (_class_shift(1), "1 is added to the class ids: label offset"),
    (_swapped_axes, "x and y of the boxes change places: axis order"),
)


def _explanation(lost: int, matched: Callable[[_Change], Mapping[_Image, ImageMatch]]) -> str:
    """The known fault whose removal brings most lost detections back, if it does for half."""
    best, reason = lost, ""
    for change, text in _EXPLANATIONS:
        still = sum(len(match.unmatched_reference) for match in matched(change).values())
        if still < best:
            best, reason = still, text
    if 2 * (lost - best) <= lost:
        return ""
    return f"; agreement returns for {lost - best} of these {lost} when {reason}"


def _worst_detection(
    matches: Mapping[_Image, ImageMatch],
    reference: Mapping[_Image, Detections],
    candidate: Mapping[_Image, Detections],
) -> str:
    """The clearest detection without a partner; else the worst pair by IoU and by score."""
    unmatched = [
        (found.scores[index], _name(image, index, found, side))
        for image, match in matches.items()
        for side, found, indices in (
            ("reference", reference[image], match.unmatched_reference),
            ("candidate", candidate[image], match.unmatched_candidate),
        )
        for index in indices
    ]
    if unmatched:
        return f"{max(unmatched)[1]} has no partner"
    pairs = [(image, pair) for image, match in matches.items() for pair in match.pairs]
    if not pairs:
        return ""
    low_image, low = min(pairs, key=lambda entry: entry[1].iou)
    far_image, far = max(pairs, key=lambda entry: abs(entry[1].score_shift))
    return (
        f"{_name(low_image, low.reference, reference[low_image], 'reference')}: IoU {low.iou:.6g}; "
        f"{_name(far_image, far.reference, reference[far_image], 'reference')}: "
        f"score shift {far.score_shift:+.3g}"
    )


def _name(image: object, index: int, found: Detections, side: str) -> str:
    return (
        f"image {image}, {side} detection {index}"
        f" (class {found.classes[index]}, score {found.scores[index]:.4g})"
    )
