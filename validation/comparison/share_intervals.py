"""Exact confidence intervals of shares, for counts that come in images.

Clopper and Pearson's interval (1934) holds its level at any share and any number, also where
nothing or everything was hit; Wilson's does not hold it one-sided in the far tail, where many
shares are looked at at once. Detections of one image are not independent, so the counts are
first divided by their design effect, as Korn and Graubard did for surveys (1998). A bootstrap
over images gives [0, 0] where nothing was hit, and its far tail takes 100,000 replicates.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import NDArray

from validation.record.types import USUAL_LEVEL

_Counts = NDArray[np.float64]

# The level of a single interval, the usual one.
LEVEL = USUAL_LEVEL

# Of fewer images it cannot be seen how hits cluster: an image counts once, whatever is on it.
_FEW_IMAGES = 10

_BISECTIONS = 40
_FRACTION_TERMS = 300
_TINY = sys.float_info.min


def joint_level(shares: int, level: float = LEVEL) -> float:
    """The level of each of several intervals that all hold together with another one.

    Bonferroni's: it asks for no independence, and rows of one table share their detections.
    """
    return 1 - (1 - level) / max(shares, 1)


def share_interval(hits: _Counts, trials: _Counts, level: float = LEVEL) -> tuple[float, float]:
    """Lower and upper end of the share of hits among trials.

    Args:
        hits: Of each image.
        trials: Of each image; those without trials play no part.
        level: Of the two-sided interval.
    """
    counted = trials > 0
    hits, trials = hits[counted], trials[counted]
    total = float(trials.sum())
    if not total:
        return 0.0, 1.0
    share = float(hits.sum()) / total
    size = _effective_size(hits, trials, share)
    return exact_interval(share * size, size, level)


def _effective_size(hits: _Counts, trials: _Counts, share: float) -> float:
    """As many independent trials as say as much about the share."""
    images, total = len(trials), float(trials.sum())
    # Where nothing or everything was hit, the hits do not show how they cluster.
    if not 0 < share < 1 or images < 2:
        return float(images)
    residual = float(((hits - share * trials) ** 2).sum())
    variance = images / (images - 1) * residual
    effect = max(variance / (share * (1 - share) * total), 1.0)
    return min(total / effect, images) if images < _FEW_IMAGES else total / effect


def exact_interval(hits: float, trials: float, level: float) -> tuple[float, float]:
    """Clopper and Pearson's interval; counts may be fractions."""
    tail = (1 - level) / 2
    missed = trials - hits
    low = _beta_quantile(tail, hits, missed + 1) if hits > 0 else 0.0
    high = _beta_quantile(1 - tail, hits + 1, missed) if missed > 0 else 1.0
    return low, high


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _beta_cdf(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the other end's fraction converges fast
        return 1 - _beta_cdf(1 - x, b, a)
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    scale += a * math.log(x) + b * math.log1p(-x)
    return math.exp(scale) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz's evaluation of the fraction of the incomplete beta function."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _FRACTION_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        step = 1.0
        for term in (even, odd):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            step = c * d
            value *= step
        if abs(step - 1) < 2 * sys.float_info.epsilon:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
