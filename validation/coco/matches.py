"""Which detections found which objects: all that average precision is made of, image by image.

COCO's figures can be computed from these arrays alone, for any number of each image: intervals need
neither boxes nor images. An uncompressed .npz, so that equal matches have equal bytes and one hash.
"""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from validation.errors import RecordError
from validation.files.arrays import parse_npz
from validation.files.atomic import atomic_file
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes

if TYPE_CHECKING:
    from validation.record.run import Evidence

# One bit an IoU in 16 of them.
_MOST_IOUS = 16


@dataclass(frozen=True)
class CategoryMatches:
    """The matches of one category; rows by image, and of one image the best score first.

    Args:
        images: int32 [N], of each detection the index of its image.
        scores: float64 [N].
        matched: uint16 [area, N]; bit t is set where it matched an object at the t-th IoU.
        ignored: uint16 [area, N]; bit t is set where it does not count at the t-th IoU: it
            matched a crowd or an object out of the area range, or is out of it itself.
        object_images: int32 [P], indices of the images with objects.
        objects: int32 [area, P], how many objects count on each of them.
    """

    images: NDArray[np.int32]
    scores: NDArray[np.float64]
    matched: NDArray[np.uint16]
    ignored: NDArray[np.uint16]
    object_images: NDArray[np.int32]
    objects: NDArray[np.int32]

    def ranked(self) -> CategoryMatches:
        """The same by score, best first; equal scores keep their order, as in pycocotools."""
        return self.rows(np.argsort(-self.scores, kind="stable"))

    def rows(self, which: NDArray[Any]) -> CategoryMatches:
        """Some of the detections, with all objects: indices or a mask."""
        return dataclasses.replace(
            self,
            images=self.images[which],
            scores=self.scores[which],
            matched=self.matched[:, which],
            ignored=self.ignored[:, which],
        )

    def counts_alike(self, other: CategoryMatches, ious: int) -> bool:
        """True where weights of images cannot tell the two apart, at any IoU and size."""
        one, two = self.ranked(), other.ranked()
        return all(
            np.array_equal(each, its)
            for area in range(len(self.objects))
            for bit in range(ious)
            for each, its in zip(one._counting(area, bit), two._counting(area, bit), strict=True)
        )

    def _counting(self, area: int, bit: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Images of what counts, those between two true positives in their own order."""
        rows = np.flatnonzero((self.ignored[area] >> bit) & 1 == 0)
        is_true = (self.matched[area, rows] >> bit) & 1 == 1
        last = int(np.flatnonzero(is_true)[-1]) + 1 if is_true.any() else 0
        images, is_true = self.images[rows[:last]], is_true[:last]
        before = np.cumsum(is_true) - is_true
        order = np.lexsort((images, is_true, before))
        return images[order], is_true[order]


@dataclass(frozen=True)
class Matches:
    """What pycocotools' matching found on a data set.

    Args:
        image_ids: int64 [I], of every image that was scored, ascending.
        category_ids: int64 [K], ascending.
        ious: float64 [IoU].
        areas: Names of the area ranges.
        categories: One each.
    """

    image_ids: NDArray[np.int64]
    category_ids: NDArray[np.int64]
    ious: NDArray[np.float64]
    areas: tuple[str, ...]
    categories: tuple[CategoryMatches, ...]

    def __post_init__(self) -> None:
        """Bits and indices fit their arrays."""
        if len(self.ious) > _MOST_IOUS or len(self.categories) != len(self.category_ids):
            raise RecordError(
                "matches that do not fit together",
                expected=f"at most {_MOST_IOUS} IoUs, one table for each category",
                got=f"{len(self.ious)} IoUs, {len(self.categories)} tables for "
                f"{len(self.category_ids)} categories",
            )

    def same_data(self, other: Matches) -> bool:
        """True where both are of the same images, categories and objects."""
        return (
            all(
                np.array_equal(getattr(self, name), getattr(other, name))
                for name in ("image_ids", "category_ids", "ious")
            )
            and self.areas == other.areas
            and all(
                np.array_equal(one.object_images, two.object_images)
                and np.array_equal(one.objects, two.objects)
                for one, two in zip(self.categories, other.categories, strict=True)
            )
        )

    def ranked_alike(self, other: Matches) -> bool:
        """True where both have the same true positives in the same order of scores.

        And the same false positives before each, in any order. Then they have the same figures,
        on these images and on any other number of each.
        """
        return self.same_data(other) and all(
            one.counts_alike(two, len(self.ious))
            for one, two in zip(self.categories, other.categories, strict=True)
        )


_ROWS = ("images", "scores", "matched", "ignored")
_OBJECT_ROWS = ("object_images", "objects")


def write_matches(path: Path, matches: Matches) -> None:
    """Write them as a file; equal ones are equal to the byte.

    Args:
        path: Of the file, ending in .npz.
        matches: Of all categories; they lie one behind the other, divided by `offsets` and
            `object_offsets`.
    """
    with atomic_file(path) as file:
        _save(file, matches)


def matches_bytes(matches: Matches) -> bytes:
    """The bytes that `write_matches` writes."""
    with io.BytesIO() as stream:
        _save(stream, matches)
        return stream.getvalue()


def _save(file: IO[bytes], matches: Matches) -> None:
    each = matches.categories
    columns: dict[str, Any] = {
        # Rows of areas one behind the other, however they lie in memory.
        name: np.ascontiguousarray(np.concatenate([getattr(one, name) for one in each], axis=-1))
        for name in (*_ROWS, *_OBJECT_ROWS)
    }
    np.savez(
        file,
        image_ids=matches.image_ids,
        category_ids=matches.category_ids,
        ious=matches.ious,
        areas=np.array(matches.areas, np.str_),
        offsets=np.cumsum([0, *(len(one.images) for one in each)]),
        object_offsets=np.cumsum([0, *(len(one.object_images) for one in each)]),
        **columns,
    )


def read_matches(path: Path) -> Matches:
    """What `write_matches` wrote; see `parse_matches`."""
    return parse_matches(read_bytes(path, Size.ARRAYS), path)


def load_matches(run_folder: str | os.PathLike[str], evidence: Evidence) -> Matches:
    """The matches that a record names, read from the run's folder.

    Raises:
        ArtefactMissing, IntegrityError: See `validation.record.evidence.read_evidence`.
        RecordError: The evidence is no matches.
    """
    # A single evaluation has no record.
    from validation.record.evidence import read_evidence
    from validation.record.run import EvidenceContent

    data, path = read_evidence(run_folder, evidence, EvidenceContent.MATCHES)
    return parse_matches(data, path)


def parse_matches(data: bytes, where: PurePath) -> Matches:
    """Matches of the bytes of a file.

    Raises:
        RecordError: The file holds something else.
    """
    with guarded(
        RecordError,
        "the file does not hold matches",
        expected=".npz as an evaluation writes it",
        where=where,
    ):
        held = parse_npz(data)
        matches = Matches(
            held["image_ids"],
            held["category_ids"],
            held["ious"],
            tuple(held["areas"].tolist()),
            tuple(_categories(held)),
        )
        _check(matches)
        return matches


def _categories(held: dict[str, NDArray[Any]]) -> Iterator[CategoryMatches]:
    for name, offsets in ((_ROWS, "offsets"), (_OBJECT_ROWS, "object_offsets")):
        ends = held[offsets].tolist()
        if ends[:1] != [0] or ends != sorted(ends):
            raise ValueError(f"{offsets} that do not divide the rows")
        if any(held[each].shape[-1] != ends[-1] for each in name):
            raise ValueError(f"arrays of another length than {offsets} says")
    pairs = zip(
        *(
            map(slice, held[name][:-1].tolist(), held[name][1:].tolist())
            for name in ("offsets", "object_offsets")
        ),
        strict=True,
    )
    for rows, objects in pairs:
        yield CategoryMatches(
            **{name: held[name][..., rows] for name in _ROWS},
            **{name: held[name][..., objects] for name in _OBJECT_ROWS},
        )


def _check(matches: Matches) -> None:
    """What indexing would otherwise say late, or never."""
    images, areas = len(matches.image_ids), len(matches.areas)
    for one in matches.categories:
        for indices in (one.images, one.object_images):
            if indices.dtype != np.int32 or ((indices < 0) | (indices >= images)).any():
                raise ValueError("a row of an image that is not there")
        if not one.matched.shape == one.ignored.shape == (areas, len(one.images)):
            raise ValueError("matches of another shape than detections")
        if one.objects.shape[0] != areas or (one.objects < 0).any():
            raise ValueError("numbers of objects that cannot be")
        if one.matched.dtype != np.uint16 or one.ignored.dtype != np.uint16:
            raise ValueError("matches that are no bits of 16")
