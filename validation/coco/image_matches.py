"""Detections of a range of a data set's images, checked and matched with the objects there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.in_pixels import CocoDetections, distinct, in_pixels
from validation.coco.joined_matches import join_matches
from validation.coco.matches import Matches
from validation.coco.matching import match
from validation.errors import DatasetError, first_few
from validation.record.detections import Detections, all_finite

# COCO's number of detections of a category that an image may have.
MOST_DETECTIONS = 100


@dataclass(frozen=True)
class MatchedImages:
    """What was found on some images.

    Args:
        matches: With the objects.
        detections: Number of detections of scored categories.
        unscored_detections: Detections of classes that are no category of the data set.
    """

    matches: Matches
    detections: int
    unscored_detections: int


class ImageMatcher:
    """Matches ranges of a data set's images, each by itself.

    Args:
        dataset: The labelled images.
        categories: Category id of each class id, None for a class that is not scored.
        max_dets: Detections of a category that an image may have, best first.
    """

    def __init__(
        self,
        dataset: Dataset,
        categories: Mapping[int, int | None],
        max_dets: int = MOST_DETECTIONS,
    ) -> None:
        self._dataset = dataset
        self._categories = categories
        self._max_dets = max_dets
        self._scored = scored_categories(categories)
        self._objects: dict[int, list[CocoAnnotation]] = {}
        for item in dataset.ground_truth:
            self._objects.setdefault(item.image_id, []).append(item)

    def matched(
        self, images: Sequence[CocoImage], detections: Mapping[int, Detections]
    ) -> MatchedImages:
        """Match the detections of some images.

        Args:
            images: Of the data set, one behind the other.
            detections: For each of their ids what was found there, maybe nothing.

        Raises:
            DatasetError: Images lost or unknown, values that are not finite, or class ids
                without a category.
        """
        return self.matched_pixels(images, detections)[0]

    def matched_pixels(
        self, images: Sequence[CocoImage], detections: Mapping[int, Detections]
    ) -> tuple[MatchedImages, CocoDetections]:
        """As `matched`, with the detections of scored categories in pixels."""
        require_images(images, detections, self._dataset.annotation_path.name)
        require_sound(detections, self._categories)
        found = in_pixels(images, detections, self._categories)
        ids = [image.id for image in images]
        objects = [item for key in ids for item in self._objects.get(key, ())]
        matches = match(ids, objects, found, self._scored, self._max_dets)
        unscored = sum(len(item) for item in detections.values()) - len(found)
        return MatchedImages(matches, len(found), unscored), found


def scored_categories(categories: Mapping[int, int | None]) -> tuple[int, ...]:
    """The category ids that are scored, ascending."""
    return tuple(sorted({key for key in categories.values() if key is not None}))


def join_images(parts: Sequence[MatchedImages]) -> MatchedImages:
    """The same of all images.

    Raises:
        RecordError: See `join_matches`.
    """
    return MatchedImages(
        join_matches([part.matches for part in parts]),
        sum(part.detections for part in parts),
        sum(part.unscored_detections for part in parts),
    )


def require_images(images: Collection[CocoImage], detections: Collection[int], where: str) -> None:
    """Refuse detections that are not of exactly these images.

    Args:
        images: All of them.
        detections: Their ids.
        where: What messages call the data set.

    Raises:
        DatasetError: Images without a result, or results of images that are not there.
    """
    # pycocotools would take a lost image as one on which the model found nothing.
    expected = {image.id for image in images}
    for what, ids in (
        ("without a result", expected - set(detections)),
        ("that the data set does not have", set(detections) - expected),
    ):
        if ids:
            raise DatasetError(
                f"{len(ids)} images {what}",
                expected=f"a result for each of {len(expected)} images",
                got=f"image ids {first_few(sorted(ids))}",
                where=where,
            )


def require_sound(
    detections: Mapping[int, Detections], categories: Mapping[int, int | None]
) -> None:
    """Refuse what has no place in a figure.

    Raises:
        DatasetError: Values that are not finite, or class ids that are none of these.
    """
    _check_values(detections)
    _check_classes(detections, categories)


def _check_values(detections: Mapping[int, Detections]) -> None:
    # NaN sorts and compares silently, so the figures would be made of it.
    if all_finite(detections.values()):
        return
    wrong = [key for key, item in detections.items() if not item.is_finite]
    if wrong:
        raise DatasetError(
            f"scores or boxes on {len(wrong)} images are not finite",
            got=f"image ids {first_few(sorted(wrong))}",
            next_step="look at the raw outputs of the model",
        )


def _check_classes(
    detections: Mapping[int, Detections], categories: Mapping[int, int | None]
) -> None:
    every = [item.classes for item in detections.values()]
    seen = set(distinct(np.concatenate(every))[0].tolist()) if every else set()
    unknown = sorted(seen - set(categories))
    if unknown:
        raise DatasetError(
            f"{len(unknown)} class ids that stand for no category",
            expected=f"class ids out of {first_few(sorted(categories))}",
            got=first_few(unknown),
            next_step="look at the label offset, or give the model's label map",
        )
