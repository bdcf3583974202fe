"""What was done to a file's scores that was not done to the reference's, or the other way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.comparison.difference_rules import DifferenceRules

_Floats = NDArray[np.float64]

# A function is named where it explains the scores, and being the same explains them less by far.
_LEAST_GAIN = 4
# Logits beyond are 0 and 1 in float32.
_MOST_LOGIT = 16
# The strongest rows: nearly all others are background, which any transform leaves alone.
_ROWS = 2000

# What scores are that lie in 0 to 1, and that do not.
_KINDS = ("scores from 0 to 1", "logits")
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


def as_probabilities(scores: _Floats, rules: DifferenceRules) -> _Floats:
    """Scores in 0 to 1: logits through a sigmoid, everything else as it is."""
    return sigmoid(scores) if is_logits(scores, rules) else scores


def is_logits(scores: _Floats, rules: DifferenceRules) -> bool:
    """True of scores that lie outside of 0 to 1."""
    found = scores[np.isfinite(scores)]
    if not found.size:
        return False
    return bool(max(-found.min(), found.max() - 1) > rules.score_rounding)


def score_kinds(
    reference: _Floats, candidate: _Floats, rules: DifferenceRules
) -> ScoreKinds | None:
    """Whether the same scores went through another function.

    Args:
        reference: [..., C] of every class that both have, the background among them.
        candidate: Of the same anchors and classes, in the same order.
        rules: Say what is rounding, and how near a function has to come.

    Returns:
        None where they are of one kind, or of kinds that are not known.
    """
    ours, theirs = (each.reshape(-1, each.shape[-1]) for each in (reference, candidate))
    logits = [is_logits(side, rules) for side in (ours, theirs)]
    if any(logits):
        return None if all(logits) else ScoreKinds(*(_KINDS[each] for each in logits))
    if ours.shape != theirs.shape or not ours.size:
        return None
    rows = np.argsort(-ours[:, 1:].max(axis=1, initial=0.0), kind="stable")[:_ROWS]
    ours, theirs = ours[rows], theirs[rows]
    as_they_are = _rmse(ours, theirs)
    for expected, got, change in _TRANSFORMS:
        left = change(ours, theirs)
        if left <= rules.score_rmse and left * _LEAST_GAIN <= as_they_are:
            return ScoreKinds(expected, got)
    return None


def _rmse(first: _Floats, second: _Floats) -> float:
    return float(np.sqrt(np.mean((first - second) ** 2)))


def sigmoid(values: _Floats) -> _Floats:
    """The logistic function."""
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
    (_SIGMOID, _TWICE, lambda ours, theirs: _rmse(sigmoid(ours), theirs)),
    (_TWICE, _SIGMOID, lambda ours, theirs: _rmse(ours, sigmoid(theirs))),
    (_SIGMOID, _SOFTMAX, lambda ours, theirs: _rmse(_softmax(_logit(ours)), theirs)),
    (_SOFTMAX, _SIGMOID, lambda ours, theirs: _rmse(ours, _softmax(_logit(theirs)))),
)
