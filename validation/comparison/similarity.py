"""How similar two detectors are on the same images: figures, without a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.comparison.matching import match_detections
from validation.record.detections import Detections


@dataclass(frozen=True)
class Similarity:
    """What two runs have in common.

    Args:
        images: Number of images.
        min_score: Lowest score that was compared.
        pairs: Detections found by both.
        only_first: Detections of the first alone.
        only_second: Detections of the second alone.
        worst_iou: Over the pairs; None without any.
        worst_score_shift: Over the pairs, without its sign; None without any.
        where: Image of the worst pair, or of the first detection that one alone has.
    """

    images: int
    min_score: float
    pairs: int
    only_first: int
    only_second: int
    worst_iou: float | None
    worst_score_shift: float | None
    where: str


def similarity(
    first: Mapping[str, Detections],
    second: Mapping[str, Detections],
    *,
    min_score: float,
    min_iou: float,
) -> Similarity:
    """Pair the detections of two runs over the same images.

    Args:
        first: By image.
        second: By the same images.
        min_score: See `match_detections`.
        min_iou: See `match_detections`.
    """
    matches = {
        image: match_detections(
            first[image], second[image], min_score=min_score, score_epsilon=0, min_iou=min_iou
        )
        for image in first
    }
    pairs = [(pair, image) for image, match in matches.items() for pair in match.pairs]
    unmatched = [
        image
        for image, match in matches.items()
        if match.unmatched_reference or match.unmatched_candidate
    ]
    worst = min(pairs, key=lambda each: each[0].iou, default=None)
    return Similarity(
        images=len(first),
        min_score=min_score,
        pairs=len(pairs),
        only_first=sum(len(match.unmatched_reference) for match in matches.values()),
        only_second=sum(len(match.unmatched_candidate) for match in matches.values()),
        worst_iou=None if worst is None else worst[0].iou,
        worst_score_shift=max((abs(pair.score_shift) for pair, _ in pairs), default=None),
        where=unmatched[0] if unmatched else "" if worst is None else worst[1],
    )
