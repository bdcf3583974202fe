"""A function that only one side's scores went through is named."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.score_kinds import as_probabilities, is_logits, score_kinds
from validation.policy.load import load_policy

_Floats = NDArray[np.float64]
_RULES = DifferenceRules.of(load_policy())


def _logits() -> _Floats:
    random = np.random.default_rng(3)
    logits = random.normal(-6, 1, (1, 1, 300, 5))
    logits[..., 0] = 2
    shown = random.integers(1, 5, 30)
    logits[0, 0, np.arange(30), shown] = random.uniform(1, 5, 30)
    return logits


def _sigmoid(values: _Floats) -> _Floats:
    return 1 / (1 + np.exp(-values))


def _softmax(values: _Floats) -> _Floats:
    powers = np.exp(values)
    return powers / powers.sum(axis=-1, keepdims=True)


_SIDES = {
    "logits": _logits(),
    "sigmoid": _sigmoid(_logits()),
    "twice": _sigmoid(_sigmoid(_logits())),
    "softmax": _softmax(_logits()),
}


@pytest.mark.parametrize(
    ("reference", "file", "expected", "got"),
    [
        ("sigmoid", "logits", "scores from 0 to 1", "logits"),
        ("logits", "sigmoid", "logits", "scores from 0 to 1"),
        ("sigmoid", "twice", "a sigmoid's scores", "a sigmoid's scores twice"),
        ("twice", "sigmoid", "a sigmoid's scores twice", "a sigmoid's scores"),
        ("sigmoid", "softmax", "a sigmoid's scores", "a softmax's scores"),
        ("softmax", "sigmoid", "a softmax's scores", "a sigmoid's scores"),
    ],
)
def test_another_kind_of_scores(reference: str, file: str, expected: str, got: str) -> None:
    """What the reference has comes first."""
    kinds = score_kinds(_SIDES[reference], _SIDES[file], _RULES)
    assert kinds is not None
    assert (kinds.expected, kinds.got) == (expected, got)


@pytest.mark.parametrize("side", _SIDES)
def test_scores_of_one_kind(side: str) -> None:
    """Rounding to 8 bits and noise make no other kind of them."""
    scores = _SIDES[side]
    step = (scores.max() - scores.min()) / 255
    noisy = scores + np.random.default_rng(4).normal(0, step, scores.shape)
    assert score_kinds(scores, np.round(scores / step) * step, _RULES) is None
    assert score_kinds(scores, np.clip(noisy, scores.min(), scores.max()), _RULES) is None


def test_scores_of_other_images_are_of_no_other_kind() -> None:
    """What no function explains is not explained by one."""
    other = np.random.default_rng(5).permuted(_SIDES["sigmoid"], axis=2)
    assert score_kinds(_SIDES["sigmoid"], other, _RULES) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_does_not_hide_logits(value: float) -> None:
    """Nor does it make logits of scores, and nothing but such is of no kind."""
    for name, found in (("logits", True), ("sigmoid", False)):
        scores = _SIDES[name].copy()
        scores[0, 0, 7, 1] = value
        assert is_logits(scores, _RULES) is found
    assert not is_logits(np.full(4, value), _RULES)


def test_logits_become_probabilities_and_nothing_else_does() -> None:
    """A sigmoid of scores that are in 0 to 1 already would be another fault."""
    assert np.allclose(as_probabilities(_SIDES["logits"], _RULES), _SIDES["sigmoid"])
    assert as_probabilities(_SIDES["sigmoid"], _RULES) is _SIDES["sigmoid"]


def test_scores_of_other_anchors_are_not_compared() -> None:
    """Nor are none at all."""
    sigmoid, twice = _SIDES["sigmoid"], _SIDES["twice"]
    assert score_kinds(sigmoid[:, :, :200], twice, _RULES) is None
    assert score_kinds(sigmoid[:, :, :0], twice[:, :, :0], _RULES) is None
