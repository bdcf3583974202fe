"""From a model's class ids to the data set's category ids, by id or by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from validation.coco.dataset import Dataset
from validation.errors import DatasetError, first_few


def category_map(
    labels: Mapping[int, str] | None, dataset: Dataset, num_classes: int
) -> dict[int, int | None]:
    """For each class of a model the category to score it as; None where there is none.

    With labels, the category of the same id is taken when its name agrees, else the
    category of that name; case does not count. Without labels, ids are taken as they
    are, as the OD API's COCO label map has them (90 ids, ten of them unused).

    Args:
        labels: Name of each class id, 1 the first; 0 may only be the background. Labels
            beyond the model's classes are ignored. None or empty: no label map.
        dataset: Gives the categories.
        num_classes: Classes of the model, without the background.

    Returns:
        Every class id from 1 to num_classes; None means that it is not scored.

    Raises:
        DatasetError: A label has no valid id, no class finds a category, two classes find
            the same one, or without labels the categories count from 0.
    """
    classes = range(1, num_classes + 1)
    if not labels:
        _refuse_zero_based(dataset)
        mapped = {key: key if key in dataset.categories else None for key in classes}
    else:
        _check_label_ids(labels)
        mapped = _by_label(labels, dataset.categories, num_classes)
    if all(category is None for category in mapped.values()):
        raise DatasetError(
            "no class of the model is a category of the data set",
            expected=first_few(dataset.categories.values()) or "categories",
            got=first_few(labels.values()) if labels else f"class ids 1 to {num_classes}",
            where=dataset.annotation_path.name,
            next_step="give the label map that the model was trained with",
        )
    _refuse_doubles(mapped, labels or {}, dataset)
    return mapped


def _check_label_ids(labels: Mapping[int, str]) -> None:
    wrong = {
        key: name
        for key, name in labels.items()
        if key < 0 or (key == 0 and _plain(name) != "background")
    }
    if wrong:
        raise DatasetError(
            "the label map has ids that no class can have",
            expected="ids from 1; 0 is the background",
            got=first_few(f"{key}: {name}" for key, name in sorted(wrong.items())),
            next_step="count the labels from 1, as the OD API does",
        )


def _refuse_zero_based(dataset: Dataset) -> None:
    # Class ids taken as they are would score each class as its neighbour.
    if 0 in dataset.categories:
        raise DatasetError(
            "the categories count from 0 and classes from 1, so ids alone cannot join them",
            got=f"0: {dataset.categories[0]}",
            where=dataset.annotation_path.name,
            next_step="give the model's label map, to go by names",
        )


def _by_label(
    labels: Mapping[int, str], categories: Mapping[int, str], num_classes: int
) -> dict[int, int | None]:
    # Reversed: of two categories of one name the first listed holds.
    by_name = {_plain(name): key for key, name in reversed(list(categories.items()))}
    mapped: dict[int, int | None] = {}
    for key in range(1, num_classes + 1):
        name = _plain(labels.get(key, ""))
        same_id = key in categories and _plain(categories[key]) == name
        mapped[key] = key if same_id else by_name.get(name)
    return mapped


def _refuse_doubles(
    mapped: Mapping[int, int | None], labels: Mapping[int, str], dataset: Dataset
) -> None:
    counts = Counter(mapped.values())
    del counts[None]
    doubled = [key for key, category in mapped.items() if counts.get(category, 0) > 1]
    if doubled:
        raise DatasetError(
            "several classes are one and the same category",
            got=first_few(f"{key}: {labels.get(key)}" for key in doubled),
            where=dataset.annotation_path.name,
            next_step="give each class of the label map a name of its own",
        )


def _plain(name: str) -> str:
    return name.strip().casefold()
