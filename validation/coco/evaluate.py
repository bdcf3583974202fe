"""COCO box accuracy of detections on a data set, with pycocotools."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.coco.dataset import Dataset
from validation.coco.image_matches import (
    MOST_DETECTIONS,
    ImageMatcher,
    MatchedImages,
    join_images,
    require_images,
    require_sound,
    scored_categories,
)
from validation.coco.matches import Matches
from validation.coco.precision import mean_present, precision
from validation.coco.recall import recall
from validation.errors import DatasetError, UsageError, first_few
from validation.record.coco_figures import CocoFigures
from validation.record.detections import Detections
from validation.record.plurals import plural
from validation.root_cause import FaultKind, RootCause

# The smaller two of COCO's three numbers of detections an image (AR@1, AR@10).
_FEWER_DETECTIONS = (1, 10)
# With 100 detections on each, their tables take 10 MB.
IMAGES_AT_A_TIME = 500


@dataclass(frozen=True)
class CocoEvaluation:
    """What one evaluation found, and on what.

    Args:
        figures: The twelve COCO figures over the scored categories.
        per_category: AP of each scored category id; -1 where the images show none.
        images: Number of images, those without detections or objects included.
        category_ids: The scored COCO category ids, ascending.
        detections: Number of detections of scored categories.
        unscored_detections: Detections of classes that are no category of the data set.
    """

    figures: CocoFigures
    per_category: dict[int, float]
    images: int
    category_ids: tuple[int, ...]
    detections: int
    unscored_detections: int


def evaluate(
    dataset: Dataset,
    detections: Mapping[int, Detections],
    *,
    category_ids: Mapping[int, int | None] | Collection[int],
    max_dets: int = MOST_DETECTIONS,
) -> CocoEvaluation:
    """Score detections on every image of the data set; a lost image is an error.

    Boxes are clipped to the image first. The OD API's inference graph does so by itself,
    TFLite_Detection_PostProcess does not, and an app that draws a box clips it as well:
    scored without, a .tflite would lose what no user sees.

    Args:
        dataset: The labelled images.
        detections: For each image id of the data set what was found there, maybe nothing.
        category_ids: Category id of each class id, None for a class that is not scored
            (see `validation.coco.categories.join_categories`); or the category ids that the
            class ids already are.
        max_dets: Detections of a category that an image may have, best first. AP and all
            AR but `ar_1` and `ar_10` are at this number; COCO's is 100.

    Raises:
        UsageError, DatasetError: See `evaluate_with_matches`.
    """
    return evaluate_with_matches(dataset, detections, category_ids=category_ids, max_dets=max_dets)[
        0
    ]


def evaluate_with_matches(
    dataset: Dataset,
    detections: Mapping[int, Detections],
    *,
    category_ids: Mapping[int, int | None] | Collection[int],
    max_dets: int = MOST_DETECTIONS,
) -> tuple[CocoEvaluation, Matches]:
    """As `evaluate`, with the matches that the figures were found from.

    Raises:
        UsageError: max_dets is below 10, where COCO's AR@10 has no meaning.
        DatasetError: Images lost or unknown, values that are not finite, class ids
            without a category, or no object of any scored category.
    """
    if max_dets < _FEWER_DETECTIONS[-1]:
        raise UsageError(
            "too few detections an image for the COCO figures",
            expected=f"at least {_FEWER_DETECTIONS[-1]}",
            got=max_dets,
        )
    categories = (
        dict(category_ids)
        if isinstance(category_ids, Mapping)
        else {key: key for key in category_ids}
    )
    require_objects(dataset, categories)
    matcher = ImageMatcher(dataset, categories, max_dets)
    require_images(dataset.images, detections, dataset.annotation_path.name)
    require_sound(detections, categories)
    images = dataset.images
    ranges = (images[at : at + IMAGES_AT_A_TIME] for at in range(0, len(images), IMAGES_AT_A_TIME))
    found = join_images(
        [
            matcher.matched(some, {image.id: detections[image.id] for image in some})
            for some in ranges
        ]
    )
    return evaluation_of(found, max_dets), found.matches


def evaluation_of(found: MatchedImages, max_dets: int = MOST_DETECTIONS) -> CocoEvaluation:
    """The figures of all images.

    Args:
        found: On all images, see `validation.coco.image_matches.join_images`.
        max_dets: That they were matched with.
    """
    matches = found.matches
    precisions = precision(matches)
    recalls = recall(matches, [*_FEWER_DETECTIONS, max_dets])
    area = matches.areas.index("all")
    return CocoEvaluation(
        figures=_figures(matches, precisions, recalls),
        per_category={
            key: mean_present(precisions[:, :, column, area])
            for column, key in enumerate(matches.category_ids.tolist())
        },
        images=len(matches.image_ids),
        category_ids=tuple(matches.category_ids.tolist()),
        detections=found.detections,
        unscored_detections=found.unscored_detections,
    )


def require_objects(dataset: Dataset, categories: Mapping[int, int | None]) -> None:
    """Refuse a data set that shows nothing of what is to be scored.

    Raises:
        DatasetError: Categories that the data set does not have, or no object of any.
    """
    scored = scored_categories(categories)
    unknown = [key for key in scored if key not in dataset.categories]
    if unknown or not scored:
        raise DatasetError(
            "the categories to score are not the data set's",
            expected=f"category ids out of {first_few(sorted(dataset.categories))}",
            got=first_few(unknown) or "none",
            where=dataset.annotation_path.name,
        )
    if not any(item.category_id in scored and not item.is_crowd for item in dataset.ground_truth):
        crowds = sum(item.is_crowd for item in dataset.ground_truth)
        raise DatasetError(
            "no object of the scored categories on the selected images",
            expected="objects without iscrowd, of these categories",
            got=f"{len(dataset.images)} images, categories {first_few(scored)}, "
            f"{plural(crowds, 'crowd')}",
            where=dataset.annotation_path.name,
            next_step="correct iscrowd, for crowds are not scored"
            if crowds
            else "take more images",
            causes=[
                RootCause(
                    FaultKind.UNLABELLED,
                    got=f"none of {len(scored)} on {len(dataset.images)} images",
                )
            ],
        )


def _figures(
    matches: Matches, precision: NDArray[np.float64], recall: NDArray[np.float64]
) -> CocoFigures:
    """The twelve figures by name.

    pycocotools' own summary has them by position, and AP only for 100 detections.

    Args:
        matches: For the names of areas, and IoUs.
        precision: See `validation.coco.precision.precision`.
        recall: See `validation.coco.recall.recall`, for COCO's numbers of detections.
    """
    area = {name: index for index, name in enumerate(matches.areas)}
    at = {round(100 * iou): index for index, iou in enumerate(matches.ious.tolist())}
    return CocoFigures(
        ap=mean_present(precision[..., area["all"]]),
        ap50=mean_present(precision[at[50], ..., area["all"]]),
        ap75=mean_present(precision[at[75], ..., area["all"]]),
        ap_small=mean_present(precision[..., area["small"]]),
        ap_medium=mean_present(precision[..., area["medium"]]),
        ap_large=mean_present(precision[..., area["large"]]),
        ar_1=mean_present(recall[..., area["all"], 0]),
        ar_10=mean_present(recall[..., area["all"], 1]),
        ar_100=mean_present(recall[..., area["all"], -1]),
        ar_small=mean_present(recall[..., area["small"], -1]),
        ar_medium=mean_present(recall[..., area["medium"], -1]),
        ar_large=mean_present(recall[..., area["large"], -1]),
    )
