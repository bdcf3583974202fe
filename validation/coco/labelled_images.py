"""The objects of labelled images as a model would detect them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.comparison.operating_sides import LabelledImage
from validation.record.detections import Detections


def labelled_images(
    dataset: Dataset, categories: Mapping[int, int | None]
) -> dict[str, LabelledImage]:
    """Each image by its key, with its objects under the model's class ids.

    Args:
        dataset: The labelled images.
        categories: Category id of each class id, None where it is not scored; objects of
            categories that no class is scored as are left out.
    """
    class_of = {category: class_id for class_id, category in categories.items()}
    objects: dict[int, list[CocoAnnotation]] = defaultdict(list)
    for item in dataset.ground_truth:
        if item.category_id in class_of:
            objects[item.image_id].append(item)
    return {
        str(image.id): LabelledImage(
            image.height,
            image.width,
            _as_detections(
                [item for item in objects[image.id] if not item.is_crowd], image, class_of
            ),
            _as_detections([item for item in objects[image.id] if item.is_crowd], image, class_of),
        )
        for image in dataset.images
    }


def ground_truth(dataset: Dataset, categories: Mapping[int, int | None]) -> dict[str, Detections]:
    """The objects of each image by its key, crowds left out; see `labelled_images`."""
    return {key: image.objects for key, image in labelled_images(dataset, categories).items()}


def category_names(dataset: Dataset, categories: Mapping[int, int | None]) -> dict[int, str]:
    """The name of the category that each class is scored as, where it is scored."""
    return {
        class_id: dataset.categories[category]
        for class_id, category in categories.items()
        if category is not None
    }


def _as_detections(
    items: Sequence[CocoAnnotation], image: CocoImage, class_of: Mapping[int | None, int]
) -> Detections:
    boxes = [
        (y / image.height, x / image.width, (y + height) / image.height, (x + width) / image.width)
        for x, y, width, height in (item.bbox for item in items)
    ]
    classes = [class_of[item.category_id] for item in items]
    return Detections(boxes, [1.0] * len(items), classes)
