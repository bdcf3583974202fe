"""Looks at a growing number of images, with the error of today's single look over all of them.

Looked at again and again, a 95 % interval misses the truth at one of the looks far more often than
in one case of twenty. So each look has an interval of its own, wider one, such that the chance
that any of them lies wholly beyond the truth, on one given side, is that of one end of a single
interval: repeated confidence intervals (Jennison and Turnbull, J. R. Stat. Soc. B 51, 1989). They
hold whatever makes a session stop, so that several files may stop it together.

How much of the error is spent until which look is a function of the share of images, fixed
before anything is seen: error spending (Lan and DeMets, Biometrika 70, 1983), here of the power
family (Kim and DeMets, Biometrika 74, 1987). A power of 1 is close to Pocock's boundaries, 3 to
those of O'Brien and Fleming. The boundaries follow by recursive numerical integration (Armitage,
McPherson and Rowe, J. R. Stat. Soc. A 132, 1969).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from validation.comparison.share_intervals import LEVEL
from validation.record.until_decided import Look

# The chance that one given end of a single interval is on the wrong side of the truth.
ERROR = (1 - LEVEL) / 2

# A look that leaves less than one of so many images would spend error and save nothing.
_LEAVES_ONE_OF = 50
# Of a normal distribution nothing that counts lies further out.
_FARTHEST = 8
# The integrand is smooth over a grid step as long as the last looks differ by that much.
_NODES = 1201
_BISECTIONS = 60

_Array = NDArray[np.float64]


def looks_at(first: int, images: int) -> tuple[int, ...]:
    """After how many images is looked: the first number, doubled again and again, and all.

    Args:
        first: At least one.
        images: That there are.
    """
    counts, count = [], first
    while _LEAVES_ONE_OF * (images - count) >= images:
        counts.append(count)
        count *= 2
    return (*counts, images)


def planned_looks(counts: Sequence[int], power: float) -> tuple[Look, ...]:
    """The looks with what they spend and the level of their intervals.

    A single look has the level of an interval that nobody looks at twice.

    Args:
        counts: Of images, ascending; the last is all that there are.
        power: Of the share of images, by which error is spent.
    """
    spent = tuple(ERROR * (count / counts[-1]) ** power for count in counts)
    if len(counts) == 1:
        return (Look(counts[0], ERROR, LEVEL),)
    shares = tuple(count / counts[-1] for count in counts)
    return tuple(
        Look(count, used, 1 - 2 * upper_tail(bound))
        for count, used, bound in zip(counts, spent, boundaries(shares, spent), strict=True)
    )


def upper_tail(value: float) -> float:
    """The chance that a standard normal value is larger."""
    return math.erfc(value / math.sqrt(2)) / 2


def unseen_share(images: int, level: float) -> float:
    """The largest share of all images of which so many may well show none.

    What a larger share has in common is on at least one of the images with the confidence of one
    end of an interval; for 95 % of one end this is the rule of three.

    Args:
        images: Drawn at random.
        level: Of the two-sided interval.
    """
    return 1.0 - float(((1 - level) / 2) ** (1 / images))


@cache
def boundaries(information: tuple[float, ...], spent: tuple[float, ...]) -> tuple[float, ...]:
    """Standard errors from the truth that the estimate of a look crosses with the planned chance.

    One side alone: that looks also stop on the other side makes crossing less likely only.

    Args:
        information: Of each look, ascending; a share of all, or any multiple of it.
        spent: The chance of having crossed at any look until then, ascending.

    Returns:
        For each look, such that an estimate further from the truth than so many standard errors
        occurs for the first time at that look with the chance that is spent there.
    """
    bounds: list[float] = []
    # Of estimate times information, a Brownian motion: where it is, if it has not crossed yet.
    places, masses = np.zeros(1), np.ones(1)
    before = used = 0.0
    for now, until in zip(information, spent, strict=True):
        spread, scale = math.sqrt(now - before), math.sqrt(now)
        bound = _crossed_by(places / spread, masses, scale / spread, until - used)
        bounds.append(bound)
        grid, weights = _grid(-_FARTHEST * scale, bound * scale)
        apart = (grid[:, np.newaxis] - places) / spread
        density = np.exp(-(apart**2) / 2) @ masses / (spread * math.sqrt(2 * math.pi))
        places, masses = grid, weights * density
        before, used = now, until
    return tuple(bounds)


def _crossed_by(places: _Array, masses: _Array, scale: float, chance: float) -> float:
    """The bound that is crossed from these places with the chance, by bisection."""
    low, high = float(-_FARTHEST), float(5 * _FARTHEST)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        crossing = float(masses @ _upper_tails(middle * scale - places))
        low, high = (middle, high) if crossing > chance else (low, middle)
    return high


def _upper_tails(values: _Array) -> _Array:
    return np.array([upper_tail(value) for value in values.tolist()])


def _grid(low: float, high: float) -> tuple[_Array, _Array]:
    """Simpson's rule: places and weights."""
    places = np.linspace(low, high, _NODES)
    weights = np.full(_NODES, 2)
    weights[1::2] = 4
    weights[[0, -1]] = 1
    return places, weights * (high - low) / (3 * (_NODES - 1))
