"""The labels of a piece's images, and what is right of the detections there."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.image_matches import ImageMatcher, MatchedImages
from validation.pieces.piece import LabelReading, MatchFacts
from validation.record.detections import Detections


@dataclass(frozen=True)
class PieceLabels:
    """Labelled images, all of a session's or those of a piece, and how they are scored.

    Args:
        dataset: The images with their objects. Its hash is that of all of them.
        categories: Category id of each class id; None where a class is not scored.
        most_class: Detections of classes beyond are left out; None: of none.
    """

    dataset: Dataset
    categories: Mapping[int, int | None]
    most_class: int | None = None

    def of(self, keys: Iterable[str]) -> PieceLabels | None:
        """Those of some images, in the order given; None where none of them has labels.

        Args:
            keys: Of the images, see `validation.preprocess.image.ImageFile`.
        """
        own = [self._by_key[key] for key in keys if key in self._by_key]
        part = dataclasses.replace(
            self.dataset,
            images=tuple(image for image, _ in own),
            ground_truth=tuple(item for _, objects in own for item in objects),
        )
        return dataclasses.replace(self, dataset=part) if own else None

    @cached_property
    def _by_key(self) -> Mapping[str, tuple[CocoImage, list[CocoAnnotation]]]:
        """Each image with its objects, grouped once: a large set has hundreds of pieces."""
        objects = defaultdict(list)
        for item in self.dataset.ground_truth:
            objects[item.image_id].append(item)
        return {str(image.id): (image, objects[image.id]) for image in self.dataset.images}

    def of_its_classes(self, found: Detections) -> Detections:
        """The detections of an image that are scored or refused, those of further classes not."""
        return found if self.most_class is None else found.take(found.classes <= self.most_class)

    def scored(self, detections: Mapping[str, Detections]) -> dict[int, Detections]:
        """By image id, those of images without labels left out."""
        return {
            image.id: self.of_its_classes(found)
            for image in self.dataset.images
            if (found := detections.get(str(image.id))) is not None
        }

    def matched(self, detections: Mapping[str, Detections]) -> MatchedImages:
        """What is right of the detections on the images.

        Args:
            detections: By image key; of images without labels they are left out.

        Raises:
            DatasetError: See `ImageMatcher.matched`.
        """
        matcher = ImageMatcher(self.dataset, self.categories)
        return matcher.matched(self.dataset.images, self.scored(detections))

    @property
    def reading(self) -> LabelReading:
        """Which labels these are, and how they are read."""
        categories = tuple(sorted(self.categories.items()))
        return LabelReading(self.dataset.sha256, categories, self.most_class)

    def facts(self, found: MatchedImages) -> MatchFacts:
        """For the piece."""
        return MatchFacts(self.reading, found.detections, found.unscored_detections)
