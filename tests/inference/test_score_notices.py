"""What scores give away is the same, however the images are divided."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from validation.inference.score_notices import ScoreFacts, score_facts, score_notices
from validation.record.detections import Detections

_score = st.sampled_from([0.25, 0.5, 1.0, -3.0, 7.5, math.nan, math.inf])
_images = st.lists(st.one_of(st.just([0.5] * 4), st.lists(_score, max_size=4)), max_size=8)


def _of(scores: list[float]) -> Detections:
    return Detections(np.zeros((len(scores), 4)), scores, [1] * len(scores))


@given(images=_images, cuts=st.lists(st.integers(0, 8), max_size=3))
def test_facts_of_parts_are_those_of_the_whole(images: list[list[float]], cuts: list[int]) -> None:
    """Also of images without detections, and of values that are no numbers."""
    found = [_of(scores) for scores in images]
    ends = sorted({0, *cuts, len(found)})
    parts = [score_facts(found[a:b]) for a, b in itertools.pairwise(ends)]
    joined = functools.reduce(ScoreFacts.joined, parts, ScoreFacts())
    assert joined == score_facts(found)
    assert joined.notices() == score_notices(found)


def test_each_fault_is_named() -> None:
    """Logits with their limits, values that are not finite, one score for all."""
    (logits,) = score_notices([_of([-3.0, 7.5]), _of([0.5])])
    assert logits.facts == {"lowest": -3.0, "highest": 7.5, "images": 1}
    (broken,) = score_notices([_of([0.5, math.nan]), _of([0.25])])
    assert broken.facts == {"images": 1}
    (equal,) = score_notices([_of([0.5] * 6), _of([0.5] * 4)])
    assert equal.facts == {"detections": 10, "score": 0.5}
    assert score_notices([_of([0.5] * 9)]) == ()
