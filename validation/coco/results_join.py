"""Detections of another system on a data set: joined to its images and a model's classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from validation.coco.annotations import CocoImage
from validation.coco.box_formats import BoxFormat, beyond, in_coco_layout, in_one_corner
from validation.coco.dataset import Dataset
from validation.coco.results_file import Results
from validation.coco.results_meeting import meeting
from validation.errors import DatasetError, first_few
from validation.record.detections import Detections
from validation.record.results_facts import MOST_NAMED, ImagesBy, LeftResults, ResultsFacts

_Mask = NDArray[np.bool_]


def results_as_detections(
    results: Results,
    dataset: Dataset,
    categories: Mapping[int, int | None],
    box_format: BoxFormat | None = None,
) -> tuple[Mapping[str, Detections], ResultsFacts]:
    """The detections of each image of a data set, best first, and how they were read.

    Args:
        results: Of any system.
        dataset: Gives images, their sizes, and categories.
        categories: Category id of each class id, None for what is not scored.
        box_format: What the numbers of a box are; None: COCO's, and boxes that are evidently of
            another format are refused.

    Returns:
        By image key, for every image of the data set: one without results has no detections.

    Raises:
        DatasetError: No result fits, a name fits several images, or boxes are of another format
            or have negative sides.
    """
    joined = _Images(results.image_keys, dataset)
    image_of = np.array([joined.ids[key] or 0 for key in results.image_keys], np.int64)
    on_image = np.array([joined.ids[key] is not None for key in results.image_keys], bool)
    class_of = {
        category: key for key, category in list(categories.items())[::-1] if category is not None
    }
    known = np.isin(results.category_ids, list(dataset.categories))
    scored = np.isin(results.category_ids, list(class_of))
    used = on_image & scored
    if not used.any():
        raise _nothing_fits(results, dataset, on_image)
    sizes = {image.id: (image.width, image.height) for image in dataset.images}
    size = np.array([sizes[key] for key in image_of[used].tolist()], np.int64)
    boxes = _in_pixels(results, used, size, box_format)
    classes = np.array([class_of[key] for key in results.category_ids[used].tolist()], np.int64)
    shares = boxes / size[:, [0, 1] * 2]
    found = _by_image(dataset, image_of[used], shares, results.scores[used], classes)
    counts = Counter(image_of[used].tolist())
    facts = ResultsFacts(
        results=len(results),
        used=int(used.sum()),
        images=len(dataset.images),
        images_with=len(counts),
        by=joined.by,
        either_way=joined.either_way,
        other_images=_left(results.image_keys, ~on_image),
        unknown_categories=_left(results.category_ids.tolist(), on_image & ~known),
        other_categories=_left(
            [f"{key} {dataset.categories.get(key, '')}" for key in results.category_ids.tolist()],
            on_image & known & ~scored,
        ),
        most_per_image=max(counts.values()),
        ids_as_text=results.ids_as_text + joined.numbers_as_text,
        ignored_keys=results.ignored_keys,
        boxes_beyond=int(beyond(boxes, size).sum()),
        boxes_without_area=int((boxes[:, 2:] == 0).any(axis=1).sum()),
        in_one_corner=in_one_corner(boxes, size),
        meeting=meeting(dataset, found, categories),
        from_zero=bool((results.category_ids[on_image & ~known] == 0).any()),
    )
    return found, facts


def _by_image(
    dataset: Dataset,
    image_of: NDArray[np.int64],
    shares: NDArray[np.float64],
    scores: NDArray[np.float64],
    classes: NDArray[np.int64],
) -> dict[str, Detections]:
    corners = np.stack(
        [shares[:, 1], shares[:, 0], shares[:, 1] + shares[:, 3], shares[:, 0] + shares[:, 2]],
        axis=1,
    )
    # By image, and there by score; equal scores keep the file's order.
    order = np.lexsort((-scores, image_of))
    keys = image_of[order]
    found = {}
    for image in dataset.images:
        low, high = np.searchsorted(keys, image.id), np.searchsorted(keys, image.id, "right")
        own = order[low:high]
        found[str(image.id)] = Detections(corners[own], scores[own], classes[own])
    return found


def _in_pixels(
    results: Results, used: _Mask, size: NDArray[np.int64], box_format: BoxFormat | None
) -> NDArray[np.float64]:
    """x, y, width and height in pixels of the results that are used."""
    boxes = in_coco_layout(results.boxes[used], size, box_format, results.path.name, flag=None)
    negative = np.flatnonzero((boxes[:, 2:] < 0).any(axis=1))
    if len(negative):
        row = int(np.flatnonzero(used)[negative[0]])
        raise DatasetError(
            f"{len(negative)} boxes have a side below 0",
            expected=f"{box_format or 'x, y, width and height'} in pixels",
            got=results.boxes[row].tolist(),
            where=f"{results.path.name}, results[{row}]",
            next_step="write boxes as x, y, width and height in pixels",
        )
    return boxes


def _left(keys: Iterable[int | str], which: _Mask) -> LeftResults:
    found = Counter(
        str(key).strip() for key, left in zip(keys, which.tolist(), strict=True) if left
    )
    return LeftResults(found.total(), tuple(list(found)[:MOST_NAMED]), len(found))


def _nothing_fits(results: Results, dataset: Dataset, on_image: _Mask) -> DatasetError:
    where = results.path.name
    if not len(results):
        return DatasetError(
            "the file has no detections",
            expected=f"detections on the images of {dataset.annotation_path.name}",
            where=where,
            next_step="write the detections of the other system on these images",
        )
    if not on_image.any():
        images = [f"{image.id} {image.file_name}" for image in dataset.images]
        return DatasetError(
            "no result is on an image of the data set",
            expected=f"ids or file names of {dataset.annotation_path.name}: {first_few(images)}",
            got=first_few(dict.fromkeys(map(str, results.image_keys))),
            where=where,
            next_step="give the detections on the images that are labelled",
        )
    named = [f"{key} {name}" for key, name in dataset.categories.items()]
    return DatasetError(
        "no result is of a category that a class of the model stands for",
        expected=f"category ids of {dataset.annotation_path.name}: {first_few(named)}",
        got=first_few(dict.fromkeys(map(str, results.category_ids[on_image].tolist()))),
        where=where,
        next_step="write the data set's category ids, not the numbers of a model's classes",
    )


class _Images:
    """Image id of each key of the results, None where the data set has no such image.

    Numbers are image ids, as COCO says, unless more of them are numbers that files are called
    by. Text is a file's name, with or without folder and suffix.
    """

    def __init__(self, keys: Iterable[int | str], dataset: Dataset) -> None:
        different = dict.fromkeys(keys)
        by_id = {image.id: image.id for image in dataset.images}
        by_number = _unique(
            (int(stem), image.id) for image in dataset.images if _is_number(stem := _stem(image))
        )
        numbers = {key: number for key in different if (number := _number(key)) is not None}
        fit_ids = sum(number in by_id for number in numbers.values())
        fit_names = sum(number in by_number for number in numbers.values())
        by_name = fit_names > fit_ids
        lookup = by_number if by_name else by_id
        names = _Names(dataset)
        self.ids: dict[int | str, int | None] = {
            key: lookup.get(numbers[key]) if key in numbers else names.find(str(key))
            for key in different
        }
        self.numbers_as_text = 0 if by_name else sum(isinstance(key, str) for key in numbers)
        texts = [key for key in different if key not in numbers]
        self.by = ImagesBy.NAME if by_name or (texts and not fit_ids) else ImagesBy.ID
        # Where every number is both, COCO's word decides, and it is said.
        self.either_way = sum(
            by_number[number] != number
            for number in numbers.values()
            if number in by_number and number in by_id and fit_names == fit_ids
        )


class _Names:
    """Images by file name: as the data set has it, its last part, or that without suffix."""

    def __init__(self, dataset: Dataset) -> None:
        self._by: list[dict[str, list[int]]] = [{}, {}, {}]
        for image in dataset.images:
            for table, name in zip(self._by, _spellings(image.file_name), strict=True):
                table.setdefault(name, []).append(image.id)

    def find(self, name: str) -> int | None:
        for table, key in zip(self._by, _spellings(name), strict=True):
            found = table.get(key, [])
            if len(found) > 1:
                raise DatasetError(
                    "a name in the results is that of several images",
                    expected="the file name as the annotations have it, or the image id",
                    got=f"{name}: images {first_few(found)}",
                    next_step="write image ids",
                )
            if found:
                return found[0]
        return None


def _spellings(name: str) -> tuple[str, str, str]:
    path = PurePosixPath(name.replace("\\", "/"))
    return str(path), path.name.casefold(), _without_suffix(path).casefold()


def _without_suffix(path: PurePosixPath) -> str:
    """Only a suffix of images goes: names may have dots."""
    known = path.suffix.lower() in (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif")
    return path.stem if known else path.name


def _stem(image: CocoImage) -> str:
    return _spellings(image.file_name)[2]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _number(key: int | str) -> int | None:
    if isinstance(key, int):
        return key
    return int(key) if _is_number(key) else None


def _unique(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Without numbers that several images have."""
    found: dict[int, list[int]] = {}
    for number, key in pairs:
        found.setdefault(number, []).append(key)
    return {number: keys[0] for number, keys in found.items() if len(keys) == 1}
