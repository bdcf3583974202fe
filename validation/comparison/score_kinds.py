"""What was done to a file's scores that was not done to the reference's, or the other way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]

# What rounding to 8 bits takes a score out of 0 to 1 by, at most.
_ROUNDING = 0.01
# A transform is named where it explains the scores, and their being the same does not.
_MOST_RMSE = 0.03
_LEAST_GAIN = 4.0
# Logits beyond are 0 and 1 in float32.
_MOST_LOGIT = 16.0
# The strongest rows: nearly all others are background, which any transform leaves alone.
_ROWS = 2000

PROBABILITIES, LOGITS = "scores from 0 to 1", "logits"
_SIGMOID, _SOFTMAX, _TWICE = "a sigmoid's scores", "a softmax's scores", "a sigmoid's scores twice"


@dataclass(frozen=True)
class ScoreKinds:
    """What the scores of both sides are, where they differ.

    Args:
        expected: The reference's, in words.
        got: The file's.
    """

    expected: str
    got: str


def as_probabilities(scores: _Floats) -> _Floats:
    """Scores in 0 to 1: logits through a sigmoid, everything else as it is."""
    return _sigmoid(scores) if is_logits(scores) else scores


def is_logits(scores: _Floats) -> bool:
    """True of scores that lie outside of 0 to 1."""
    found = scores[np.isfinite(scores)]
    return bool(found.size) and bool(found.min() < -_ROUNDING or found.max() > 1 + _ROUNDING)


def score_kinds(reference: _Floats, candidate: _Floats) -> ScoreKinds | None:
    """Whether the same scores went through another function.

    Args:
        reference: [..., C] of every class that both have, the background among them.
        candidate: Of the same anchors and classes, in the same order.

    Returns:
        None where they are of one kind, or of kinds that cannot be told.
    """
    ours, theirs = (each.reshape(-1, each.shape[-1]) for each in (reference, candidate))
    if is_logits(ours) != is_logits(theirs):
        kinds = [LOGITS if is_logits(side) else PROBABILITIES for side in (ours, theirs)]
        return ScoreKinds(*kinds)
    if ours.shape != theirs.shape or is_logits(ours) or not ours.size:
        return None
    rows = np.argsort(-ours[:, 1:].max(axis=1, initial=0.0), kind="stable")[:_ROWS]
    ours, theirs = ours[rows], theirs[rows]
    as_they_are = _rmse(ours, theirs)
    for expected, got, change in _TRANSFORMS:
        left = change(ours, theirs)
        if left <= _MOST_RMSE and left * _LEAST_GAIN <= as_they_are:
            return ScoreKinds(expected, got)
    return None


def _rmse(first: _Floats, second: _Floats) -> float:
    return float(np.sqrt(np.mean((first - second) ** 2)))


def _sigmoid(values: _Floats) -> _Floats:
    out: _Floats = 1 / (1 + np.exp(-np.clip(values, -_MOST_LOGIT, _MOST_LOGIT)))
    return out


def _logit(values: _Floats) -> _Floats:
    tiny = 1 / (1 + np.exp(_MOST_LOGIT))
    inside = np.clip(values, tiny, 1 - tiny)
    out: _Floats = np.log(inside / (1 - inside))
    return out


def _softmax(logits: _Floats) -> _Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: _Floats = powers / powers.sum(axis=1, keepdims=True)
    return out


# What the reference and the file are, and how far apart they are if that is so.
_TRANSFORMS: tuple[tuple[str, str, Callable[[_Floats, _Floats], float]], ...] = (
    (_SIGMOID, _TWICE, lambda ours, theirs: _rmse(_sigmoid(ours), theirs)),
    (_TWICE, _SIGMOID, lambda ours, theirs: _rmse(ours, _sigmoid(theirs))),
    (_SIGMOID, _SOFTMAX, lambda ours, theirs: _rmse(_softmax(_logit(ours)), theirs)),
    (_SOFTMAX, _SIGMOID, lambda ours, theirs: _rmse(ours, _softmax(_logit(theirs)))),
)
