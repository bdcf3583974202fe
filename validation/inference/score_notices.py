"""What detections themselves give away: logits in place of scores, scores that rank nothing."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.record.detections import Detections, all_finite

# A score of one may be a step of 8 bits or a rounding above it.
_ROUNDING = 0.01
# As many equal scores are no chance.
_MANY = 10


@dataclass(frozen=True)
class ScoreFacts:
    """What the detections of a model on some images give away.

    Args:
        broken: Images with values that are not finite.
        logits: Images with scores that are none.
        lowest: Of the finite scores on these images; infinity where there are none.
        highest: See lowest; minus infinity.
        detections: Number of all.
        score: The score of every detection; None where they differ or there are none.
    """

    broken: int = 0
    logits: int = 0
    lowest: float = math.inf
    highest: float = -math.inf
    detections: int = 0
    score: float | None = None

    def joined(self, other: ScoreFacts) -> ScoreFacts:
        """The same of both sets of images."""
        filled = [each.score for each in (self, other) if each.detections]
        return ScoreFacts(
            self.broken + other.broken,
            self.logits + other.logits,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
            self.detections + other.detections,
            filled[0] if filled and filled[0] == filled[-1] else None,
        )

    def notices(self) -> tuple[FileNotice, ...]:
        """What is wrong with them."""
        return tuple(self._faults())

    def _faults(self) -> Iterator[FileNotice]:
        if self.broken:
            yield _not_trusted(FileNoticeKind.NOT_FINITE, images=self.broken)
        if self.logits:
            yield _not_trusted(
                FileNoticeKind.SCORES_ARE_LOGITS,
                lowest=self.lowest,
                highest=self.highest,
                images=self.logits,
            )
        if self.detections >= _MANY and self.score is not None:
            yield _not_trusted(
                FileNoticeKind.SCORES_ALL_EQUAL, detections=self.detections, score=self.score
            )


def score_facts(found: Collection[Detections]) -> ScoreFacts:
    """What detections give away.

    Args:
        found: Of each image, before any threshold.
    """
    every = np.concatenate([*(each.scores for each in found), np.empty(0)])
    # Images are looked at one by one where some have such scores.
    outside = (
        [each.scores for each in found if _are_logits(each.scores)] if _are_logits(every) else []
    )
    scores = np.concatenate([*outside, np.empty(0)])
    scores = scores[np.isfinite(scores)]
    # NaN is equal to no other score.
    is_one = len(every) > 0 and bool((every == every[0]).all())
    return ScoreFacts(
        0 if all_finite(found) else sum(not each.is_finite for each in found),
        len(outside),
        float(scores.min(initial=math.inf)),
        float(scores.max(initial=-math.inf)),
        len(every),
        float(every[0]) if is_one else None,
    )


def score_notices(found: Collection[Detections]) -> tuple[FileNotice, ...]:
    """What is wrong with the detections of a model on some images; see `score_facts`."""
    return score_facts(found).notices()


def _are_logits(scores: np.ndarray) -> bool:
    finite = scores[np.isfinite(scores)]
    return bool(len(finite)) and bool(finite.min() < -_ROUNDING or finite.max() > 1 + _ROUNDING)


def _not_trusted(kind: FileNoticeKind, **facts: float) -> FileNotice:
    return FileNotice(kind, facts, moves_figures=True, not_trusted=True)
