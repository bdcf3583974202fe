"""The labels of a piece's images, and what is right of the detections there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from validation.coco.dataset import Dataset
from validation.coco.image_matches import ImageMatcher, MatchedImages
from validation.pieces.piece import MatchFacts
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

    def of(self, keys: frozenset[str]) -> PieceLabels | None:
        """Those of some images; None where none of them has labels.

        Args:
            keys: Of the images, see `validation.preprocess.image.ImageFile`.
        """
        images = tuple(each for each in self.dataset.images if str(each.id) in keys)
        ids = {image.id for image in images}
        objects = tuple(each for each in self.dataset.ground_truth if each.image_id in ids)
        part = dataclasses.replace(self.dataset, images=images, ground_truth=objects)
        return dataclasses.replace(self, dataset=part) if images else None

    def scored(self, detections: Mapping[str, Detections]) -> dict[int, Detections]:
        """By image id, those of images without labels left out."""
        most = self.most_class
        return {
            image.id: found if most is None else found.take(found.classes <= most)
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

    def facts(self, found: MatchedImages) -> MatchFacts:
        """For the piece."""
        return MatchFacts(
            self.dataset.sha256,
            tuple(sorted(self.categories.items())),
            self.most_class,
            found.detections,
            found.unscored_detections,
        )
