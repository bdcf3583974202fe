"""What detections themselves give away: logits in place of scores, scores that rank nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from validation.inference.file_notices import FileNotice, FileNoticeKind
from validation.record.detections import Detections

# A score of one may be a step of 8 bits or a rounding above it.
_ROUNDING = 0.01
# As many equal scores are no chance.
_MANY = 10


def score_notices(found: Collection[Detections]) -> tuple[FileNotice, ...]:
    """What is wrong with the detections of a model on some images.

    Args:
        found: Of each image, before any threshold.
    """
    return tuple(_faults(found))


def _faults(found: Collection[Detections]) -> Iterator[FileNotice]:
    broken = sum(not each.is_finite for each in found)
    if broken:
        yield _not_trusted(FileNoticeKind.NOT_FINITE, images=broken)
    outside = [each for each in found if _are_logits(each.scores)]
    if outside:
        scores = np.concatenate([each.scores for each in outside])
        scores = scores[np.isfinite(scores)]
        yield _not_trusted(
            FileNoticeKind.SCORES_ARE_LOGITS,
            lowest=float(scores.min()),
            highest=float(scores.max()),
            images=len(outside),
        )
    every = np.concatenate([each.scores for each in found]) if found else np.zeros(0)
    if len(every) >= _MANY and np.ptp(every) == 0:
        yield _not_trusted(
            FileNoticeKind.SCORES_ALL_EQUAL, detections=len(every), score=float(every[0])
        )


def _are_logits(scores: np.ndarray) -> bool:
    finite = scores[np.isfinite(scores)]
    return bool(len(finite)) and bool(finite.min() < -_ROUNDING or finite.max() > 1 + _ROUNDING)


def _not_trusted(kind: FileNoticeKind, **facts: float) -> FileNotice:
    return FileNotice(kind, facts, moves_figures=True, not_trusted=True)
