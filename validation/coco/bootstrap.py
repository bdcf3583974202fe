"""How sure a difference in average precision is: a paired bootstrap over images.

In each replicate every image counts as often as it was drawn, for both sides alike, so that what is
hard or easy in an image cancels out. Intervals are bias-corrected percentiles: BC, as in the COCO
authors' own code; BCa's jackknife would cost an evaluation for each image. Where the plain
percentiles reach further they hold: of one category on few images precision is ragged, the
correction takes that for bias, and BC alone covers 90 to 93 % (tests/coco/test_coverage.py).

The tails of an interval of a higher level, see `validation.comparison.group_sequential`, rest on a
few replicates or on none. It reaches as far as a normal distribution's as well, and where the
replicates are skewed, as of a loss on few images of which few were drawn, further on that side:
Johnson's interval of a skewed mean (J. Am. Stat. Assoc. 73, 1978).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches
from validation.coco.precision import mean_present, precision, weighted_precision
from validation.comparison.share_intervals import LEVEL
from validation.errors import DatasetError
from validation.record.ap_difference import Difference, Figure

# Rows times replicates of one block: its arrays stay at some hundred MB, whatever the data set.
_BLOCK = 1 << 24
_MOST_REPLICATES = 256
# Sums of at most some thousand precisions in another order differ by less: equality, no limit.
_ROUNDING = 1e-12
# Images drawn at a time; the stream of bits is the same for any number.
_DRAWS = 1 << 20
_ALL = "all"
_SIZES = {Figure.SMALL: "small", Figure.MEDIUM: "medium", Figure.LARGE: "large"}

_Array = NDArray[np.float64]


def image_weights(images: int, replicates: int, seed: int) -> NDArray[np.uint8]:
    """How often each image was drawn, with replacement, as many as there are.

    From the bits of the generator itself: NumPy keeps those for good, its distributions it may
    change. 255 of a mean of 1 do not occur.

    Returns:
        [image, replicate].
    """
    bits = np.random.PCG64(seed)
    weights = np.empty((images, replicates), np.uint8)
    at_a_time = max(_DRAWS // max(images, 1), 1)
    for first in range(0, replicates, at_a_time):
        count = min(at_a_time, replicates - first)
        raw = bits.random_raw(count * images).reshape(count, images) >> np.uint64(32)
        drawn = ((raw * np.uint64(images)) >> np.uint64(32)).astype(np.int64)
        drawn += images * np.arange(count)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=count * images)
        weights[:, first : first + count] = counts.reshape(count, images).T
    return weights


def ap_differences(
    reference: Matches, subject: Matches, replicates: int, seed: int, level: float = LEVEL
) -> tuple[Difference, ...]:
    """Subject less reference: AP, AP50, by size, by category.

    What the images have no object of is left out.

    Args:
        reference: On the same images, categories and objects.
        subject: See `reference`.
        replicates: How often the images are drawn anew.
        seed: Of the draws.
        level: Of the intervals.

    Raises:
        DatasetError: The two sides are of other images, categories or objects.
    """
    if not reference.same_data(subject):
        raise DatasetError(
            "the matches of both sides are not of the same data",
            expected=f"{len(reference.image_ids)} images and the same objects on them",
            got=f"{len(subject.image_ids)} images",
            next_step="score both sides on the same labelled images",
        )
    weights = image_weights(len(reference.image_ids), replicates, seed)
    draws = (replicates, seed)
    one, two = (_replicated(side, weights, draws) for side in (reference, subject))
    points = precision(reference), precision(subject)
    return tuple(
        _difference(each, [mean_present(each.point(side)) for side in points], (one, two), level)
        for each in _figures(reference)
    )


@dataclass(frozen=True)
class _Replicates:
    """Average precision by category, NaN where there was nothing to find.

    Args:
        areas: [category, area, replicate], over all IoUs.
        at_50: [category, replicate], at an IoU of 0.5 over all areas.
    """

    areas: _Array
    at_50: _Array


@dataclass(frozen=True)
class _FigureOf:
    """How one figure is found: of COCO's array of precision, and of replicates."""

    figure: Figure
    objects: int
    point: Callable[[_Array], _Array]
    replicates: Callable[[_Replicates], _Array]
    category_id: int | None = None


def _figures(matches: Matches) -> Iterator[_FigureOf]:
    """Those that the images have objects for."""
    objects = np.array([each.objects.sum(axis=1) for each in matches.categories])
    area = {name: number for number, name in enumerate(matches.areas)}
    whole, total = area[_ALL], objects.sum(axis=0).tolist()
    if not total[whole]:
        return

    def over_categories(number: int) -> Callable[[_Replicates], _Array]:
        return lambda found: _mean_of_present(found.areas[:, number])

    def of_category(column: int) -> Callable[[_Replicates], _Array]:
        return lambda found: found.areas[column, whole]

    def at(*where: int | slice) -> Callable[[_Array], _Array]:
        return lambda found: found[where]

    every = slice(None)
    yield _FigureOf(Figure.AP, total[whole], at(every, every, every, whole), over_categories(whole))
    half = _half(matches)
    if half is not None:
        yield _FigureOf(
            Figure.AP50,
            total[whole],
            at(half, every, every, whole),
            lambda found: _mean_of_present(found.at_50),
        )
    for figure, name in _SIZES.items():
        if name in area and total[area[name]]:
            number = area[name]
            yield _FigureOf(
                figure, total[number], at(every, every, every, number), over_categories(number)
            )
    for column, category_id in enumerate(matches.category_ids.tolist()):
        if objects[column, whole]:
            yield _FigureOf(
                Figure.CATEGORY,
                int(objects[column, whole]),
                at(every, every, column, whole),
                of_category(column),
                category_id,
            )


# Of the sides asked for last: each file of a model is compared with the same reference.
_REPLICATES: dict[tuple[bytes, int, int], _Replicates] = {}
_KEPT = 2


def _replicated(
    matches: Matches, weights: NDArray[np.uint8], draws: tuple[int, int]
) -> _Replicates:
    """One side under each weighting of its images; computed once for the same matches.

    Args:
        matches: Of the side.
        weights: See `image_weights`.
        draws: Replicates and seed that these were drawn with.
    """
    key = (_digest(matches), *draws)
    found = _REPLICATES.pop(key, None) or _computed(matches, weights)
    while len(_REPLICATES) >= _KEPT:
        del _REPLICATES[next(iter(_REPLICATES))]
    # Behind the others: the first is the one not asked for the longest.
    _REPLICATES[key] = found
    return found


def _digest(matches: Matches) -> bytes:
    digest = hashlib.sha256(repr(matches.areas).encode())
    arrays: list[NDArray[Any]] = [matches.image_ids, matches.category_ids, matches.ious]
    for each in matches.categories:
        arrays += [each.images, each.scores, each.matched, each.ignored]
        arrays += [each.object_images, each.objects]
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _computed(matches: Matches, weights: NDArray[np.uint8]) -> _Replicates:
    """A category and some replicates at a time."""
    categories, count = len(matches.categories), weights.shape[1]
    ious, half, whole = len(matches.ious), _half(matches), matches.areas.index(_ALL)
    side = _Replicates(
        np.empty((categories, len(matches.areas), count)),
        np.full((categories, count), np.nan),
    )
    ranked = [each.ranked() for each in matches.categories]
    for part in _blocks(ranked, count):
        some = np.ascontiguousarray(weights[:, part])
        for column, category in enumerate(ranked):
            found = weighted_precision(category, ious, some)
            side.areas[column, :, part] = found.mean(axis=1)
            if half is not None:
                side.at_50[column, part] = found[whole, half]
    return side


def _blocks(ranked: list[CategoryMatches], replicates: int) -> Iterator[slice]:
    longest = max((len(each.images) for each in ranked), default=0)
    size = min(max(_BLOCK // max(longest, 1), 1), _MOST_REPLICATES)
    return (slice(first, first + size) for first in range(0, replicates, size))


def _half(matches: Matches) -> int | None:
    """Which of the IoUs is 0.5."""
    near = np.flatnonzero(np.isclose(matches.ious, 0.5))
    return int(near[0]) if near.size else None


def _mean_of_present(values: _Array) -> _Array:
    """By replicate over categories; one without any is NaN."""
    present = ~np.isnan(values)
    counts = present.sum(axis=0)
    sums = np.where(present, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _difference(
    each: _FigureOf,
    points: list[float],
    sides: tuple[_Replicates, _Replicates],
    level: float,
) -> Difference:
    reference, subject = points
    drawn = each.replicates(sides[1]) - each.replicates(sides[0])
    drawn = drawn[~np.isnan(drawn)]
    value = subject - reference
    error = float(drawn.std(ddof=1)) if len(drawn) > 1 else math.nan
    low, high = bias_corrected(drawn, value, level)
    if level > LEVEL:
        below, above = _far_ends(drawn, error, level)
        # Not min(): NaN would be left out, and says that nothing is known.
        low = float(np.minimum(low, value - below))
        high = float(np.maximum(high, value + above))
    return Difference(
        each.figure,
        reference,
        subject,
        each.objects,
        low,
        high,
        error,
        len(drawn),
        each.category_id,
    )


def _far_ends(drawn: _Array, error: float, level: float) -> tuple[float, float]:
    """How far an interval reaches below and above the point, whatever its tails rest on.

    Args:
        drawn: One value a replicate.
        error: Their standard deviation.
        level: Of the interval.
    """
    errors = NormalDist().inv_cdf((1 + level) / 2)
    skewness = float((((drawn - drawn.mean()) / error) ** 3).mean()) if error > 0 else 0.0
    shift = skewness * (2 * errors**2 + 1) / 6
    return error * (errors - min(shift, 0.0)), error * (errors + max(shift, 0.0))


def bias_corrected(drawn: _Array, point: float, level: float = LEVEL) -> tuple[float, float]:
    """What holds most of the replicates, by their percentiles and by those corrected for bias.

    Args:
        drawn: One value a replicate; NaN is the answer where there is none.
        point: On the images as they are.
        level: The share that it holds.
    """
    if not len(drawn):
        return math.nan, math.nan
    # Sums in another order differ by rounding: what is as near as that is equal.
    near = np.isclose(drawn, point, rtol=0, atol=_ROUNDING)
    below = ((drawn < point) & ~near).mean() + near.mean() / 2
    least = 0.5 / len(drawn)
    normal = NormalDist()
    bias = 2 * normal.inv_cdf(float(min(max(below, least), 1 - least)))
    tail = normal.inv_cdf((1 + level) / 2)
    low, high = ([normal.cdf(sign * tail), normal.cdf(bias + sign * tail)] for sign in (-1, 1))
    return float(np.quantile(drawn, low).min()), float(np.quantile(drawn, high).max())
