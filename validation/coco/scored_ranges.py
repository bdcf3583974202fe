"""All that an evaluation keeps of a range of images: no detection of it is needed any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from validation.coco.annotations import CocoImage
from validation.coco.image_matches import ImageMatcher, MatchedImages, join_images
from validation.coco.results import results_text
from validation.inference.score_notices import ScoreFacts, score_facts
from validation.record.detections import Detections

# Each part has arrays for each category, which take more room than a few images' numbers.
_PARTS_AT_A_TIME = 64


@dataclass(frozen=True)
class ScoredRange:
    """What was found on some images.

    Args:
        matched: Their matches.
        scores: What the scores give away.
        results: Their detections as `results_text`; empty where that is not asked for.
    """

    matched: MatchedImages
    scores: ScoreFacts
    results: str


def score_range(
    matcher: ImageMatcher,
    images: Sequence[CocoImage],
    detections: Mapping[int, Detections],
    *,
    with_results: bool,
) -> ScoredRange:
    """Score a range of images.

    Args:
        matcher: Of the data set.
        images: Of the data set, one behind the other.
        detections: For each of their ids what was found there, maybe nothing.
        with_results: Write the detections down as text.

    Raises:
        DatasetError: See `ImageMatcher.matched`.
    """
    facts = score_facts(detections.values())
    matched, found = matcher.matched_pixels(images, detections)
    return ScoredRange(matched, facts, results_text(found) if with_results else "")


class RangeCollector:
    """Takes one range after the other; what it keeps is as large as the arrays of all."""

    def __init__(self) -> None:
        self.scores = ScoreFacts()
        self._joined: list[MatchedImages] = []
        self._latest: list[MatchedImages] = []

    def add(self, scored: ScoredRange) -> None:
        """One more range."""
        self.scores = self.scores.joined(scored.scores)
        self._latest.append(scored.matched)
        if len(self._latest) >= _PARTS_AT_A_TIME:
            self._joined.append(join_images(self._latest))
            self._latest = []

    def matched(self) -> MatchedImages:
        """All ranges together, which are forgotten here.

        Raises:
            RecordError: None was added, or they overlap.
        """
        parts = [*self._joined, *self._latest]
        self._joined, self._latest = [], []
        return join_images(parts)
