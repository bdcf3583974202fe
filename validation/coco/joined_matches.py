"""Matches of ranges of images as those of all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from validation.coco.matches import CategoryMatches, Matches
from validation.errors import RecordError, first_few


def join_matches(parts: Sequence[Matches]) -> Matches:
    """The matches of all images, as if they had been matched at once.

    Args:
        parts: One or more, in any order, each of all images between its first and last one.

    Raises:
        RecordError: Parts of other categories, IoUs or areas, or of images in common.
    """
    if not parts:
        raise RecordError("no matches to join", expected="one part or more", got="none")
    first = parts[0]
    for other in parts[1:]:
        _refuse_other("categories", first.category_ids, other.category_ids)
        _refuse_other("IoUs", first.ious, other.ious)
        _refuse_other("areas", np.array(first.areas), np.array(other.areas))
    filled = sorted(
        (part for part in parts if part.image_ids.size), key=lambda part: int(part.image_ids[0])
    )
    for one, two in itertools.pairwise(filled):
        _refuse_overlap(one.image_ids, two.image_ids)
    # Where no part has images there are still arrays of the right shape and dtype.
    filled = filled or [first]
    starts = np.cumsum([0, *(len(part.image_ids) for part in filled[:-1])])
    return Matches(
        np.concatenate([part.image_ids for part in filled]),
        first.category_ids,
        first.ious,
        first.areas,
        tuple(
            _joined([part.categories[column] for part in filled], starts)
            for column in range(len(first.category_ids))
        ),
    )


def _joined(parts: Sequence[CategoryMatches], starts: NDArray[np.intp]) -> CategoryMatches:
    """One category: its rows one behind the other, each at its image among all of them."""
    shifts = starts.astype(np.int32)
    return CategoryMatches(
        np.concatenate([one.images + shift for one, shift in zip(parts, shifts, strict=True)]),
        np.concatenate([one.scores for one in parts]),
        np.concatenate([one.matched for one in parts], axis=1),
        np.concatenate([one.ignored for one in parts], axis=1),
        np.concatenate(
            [one.object_images + shift for one, shift in zip(parts, shifts, strict=True)]
        ),
        np.concatenate([one.objects for one in parts], axis=1),
    )


def _refuse_other(what: str, one: NDArray[np.generic], two: NDArray[np.generic]) -> None:
    if not np.array_equal(one, two):
        raise RecordError(
            f"matches of other {what} cannot be joined",
            expected=first_few(one.tolist()),
            got=first_few(two.tolist()),
        )


def _refuse_overlap(one: NDArray[np.int64], two: NDArray[np.int64]) -> None:
    if one[-1] < two[0]:
        return
    common = np.intersect1d(one, two).tolist()
    raise RecordError(
        "matches of overlapping ranges of images cannot be joined",
        expected="ranges of image ids, each behind the one before",
        got=f"image ids in both: {first_few(common)}"
        if common
        else f"image ids {one[0]} to {one[-1]}, and {two[0]} to {two[-1]}",
    )
