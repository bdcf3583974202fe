"""A COCO annotation file, read and checked entry by entry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from validation.coco.box_formats import BoxFormat, in_coco_layout, wrong_format
from validation.coco.fields import EntryFields
from validation.coco.found import is_file
from validation.coco.image_folder import ImageFolder
from validation.coco.notice_list import NoticeList
from validation.coco.plain_entries import (
    WrittenImage,
    WrittenObject,
    plain_image,
    plain_object,
)
from validation.errors import DatasetError, first_few
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.preprocess.image import ImageFile, stored_image
from validation.record.dataset_notices import DatasetNotice
from validation.record.dataset_notices import DatasetNoticeKind as Kind


@dataclass(frozen=True)
class CocoImage:
    """One labelled image.

    Args:
        id: COCO image id.
        file_name: As the annotation file has it.
        path: Where the file lies.
        width: Pixels, as annotated; equal to the file's own, turned where `turned`.
        height: Pixels, as annotated; equal to the file's own.
        turned: The file's pixels have to be turned as EXIF says to be as annotated.
    """

    id: int
    file_name: str
    path: Path
    width: int
    height: int
    turned: bool = False

    @property
    def file(self) -> ImageFile:
        """The image under its id, by which detections are kept."""
        return ImageFile(str(self.id), self.path, self.turned)


@dataclass(frozen=True)
class CocoAnnotation:
    """One object on one image.

    Args:
        image_id: COCO image id.
        category_id: COCO category id.
        bbox: (x, y, width, height) in pixels.
        area: Of the object's outline, square pixels; decides small, medium or large.
        is_crowd: A group of objects: the evaluation neither asks for it nor punishes it.
    """

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    area: float
    is_crowd: bool


@dataclass(frozen=True)
class AnnotationFile:
    """What annotations say; ids are unique and refer to each other.

    Args:
        data: Bytes that stand for all that was read: the file's own, or hashes of files.
        images: By id.
        categories: Name of each category id.
        objects: In file order.
        notices: What was assumed, converted or left out.
        numbers_stated: False where category ids were given in reading, since the data set
            has names alone; they say nothing of a model's classes.
        prepare: Makes the files of the images that are used, where they are not there yet.
        files_known: Each path is that of its file, so that none is looked for by name.
        sizes_stated: False where the sizes are the images' own, as they are shown.
    """

    data: bytes
    images: Mapping[int, CocoImage]
    categories: Mapping[int, str]
    objects: tuple[CocoAnnotation, ...]
    notices: tuple[DatasetNotice, ...] = ()
    numbers_stated: bool = True
    prepare: Callable[[Sequence[CocoImage]], None] | None = None
    files_known: bool = False
    sizes_stated: bool = True


def read_annotations(
    path: Path, folder: Path, box_format: BoxFormat | None = None
) -> AnnotationFile:
    """Read and check an annotation file (https://cocodataset.org/#format-data).

    What other tools leave out or write otherwise is read where it has one meaning, and noticed:
    objects without iscrowd or area, images without size, ids as text, whole numbers with a
    decimal point.

    Args:
        path: The instances JSON file.
        folder: Image folder, for the paths of the images; looked into for sizes that are not
            stated.
        box_format: What the numbers of a box are. None: COCO's, and boxes that are
            evidently of another format are refused.

    Raises:
        DatasetError: No such file, not JSON, not the COCO layout, no images, ids that
            are doubled or unknown, or boxes of another format.
    """
    data, table = _read(path)
    notices = NoticeList()
    images = _images(table, folder, path.name, notices)
    categories = _categories(table, path.name, notices)
    fields = _entries(table, "annotations", path.name, notices)
    objects = [plain_object(each.entry) or _object(each) for each in fields]
    _refuse_doubles("annotation", [each.identity("id") for each in fields], path.name)
    _refuse_unknown("image", (item.image_id for item in objects), images, path.name)
    _refuse_unknown("category", (item.category_id for item in objects), categories, path.name)
    settled = _settled(objects, images, box_format, fields, notices, path.name)
    return AnnotationFile(data, images, categories, settled, notices.all())


def _read(path: Path) -> tuple[bytes, Mapping[str, Any]]:
    if not is_file(path):
        raise DatasetError(
            "the annotation file is not there",
            where=path,
            next_step="name the instances_*.json file of the data set",
        )
    with guarded(DatasetError, "the annotation file cannot be read as JSON", where=path):
        data = read_bytes(path, Size.TABLE)
        table = json.loads(data)
    parts = ("images", "annotations", "categories")
    if not isinstance(table, dict) or not all(isinstance(table.get(key), list) for key in parts):
        raise DatasetError(
            "the annotation file has not the COCO layout",
            expected="an object with the lists " + ", ".join(parts),
            got=f"an object with {first_few(table)}" if isinstance(table, dict) else "no object",
            where=path,
            next_step="use an instances file; captions and results have another layout",
        )
    return data, table


def _images(
    table: Mapping[str, Any], folder: Path, where: str, notices: NoticeList
) -> dict[int, CocoImage]:
    entries = _entries(table, "images", where, notices)
    if not entries:
        raise DatasetError("the annotation file lists no images", where=where)
    files = ImageFolder(folder)
    written = [plain_image(each.entry) or _image(each, files, notices) for each in entries]
    found = [
        CocoImage(each.id, each.file_name, folder / each.file_name, each.width, each.height)
        for each in written
    ]
    _refuse_doubles("image", [image.id for image in found], where)
    return {image.id: image for image in found}


def _image(fields: EntryFields, files: ImageFolder, notices: NoticeList) -> WrittenImage:
    width, height = _size(fields, files, notices)
    if min(width, height) < 1:
        raise DatasetError(
            "an image without pixels", got=f"{width} x {height}", where=fields.position
        )
    file_name = fields.text("file_name")
    return WrittenImage(fields.identity("id"), file_name, width, height)


def _size(fields: EntryFields, files: ImageFolder, notices: NoticeList) -> tuple[int, int]:
    """Width and height as stated; of the image file where they are not."""
    stated = fields.states("width") or fields.states("height")
    path = None if stated else files.find(fields.text("file_name"))[0]
    if path is None:
        return fields.whole("width"), fields.whole("height")
    stored = stored_image(path)
    # What EXIF turns may have been annotated either way up.
    notices.add(Kind.SIZE_FROM_IMAGE, path.name, moves_figures=not stored.is_upright)
    return stored.size


def _categories(table: Mapping[str, Any], where: str, notices: NoticeList) -> dict[int, str]:
    found = [
        (fields.identity("id"), fields.text("name"))
        for fields in _entries(table, "categories", where, notices)
    ]
    _refuse_doubles("category", [key for key, _ in found], where)
    return dict(found)


def _object(fields: EntryFields) -> WrittenObject:
    return WrittenObject(
        fields.identity("image_id"),
        fields.identity("category_id"),
        fields.four("bbox"),
        fields.number("area"),
        fields.flag("iscrowd", Kind.ISCROWD_MISSING),
        fields.has("ignore"),
    )


def _settled(
    objects: Sequence[WrittenObject],
    images: Mapping[int, CocoImage],
    box_format: BoxFormat | None,
    fields: Sequence[EntryFields],
    notices: NoticeList,
    where: str,
) -> tuple[CocoAnnotation, ...]:
    """The objects with their boxes in COCO's layout, and an area for each."""
    if not objects:
        return ()
    size_of = {key: (image.width, image.height) for key, image in images.items()}
    sizes = np.array([size_of[each.image_id] for each in objects])
    written = np.array([each.bbox for each in objects])
    boxes = in_coco_layout(written, sizes, box_format, where)
    found = []
    for each, own, (x, y, width, height) in zip(objects, fields, boxes.tolist(), strict=True):
        # COCO itself has a few boxes of no width or height, so only negative ones are wrong.
        if width < 0 or height < 0:
            causes = [] if box_format is None else [wrong_format(written, sizes, box_format)]
            expected = f"{box_format or 'x, y, width, height'}, no side below 0"
            raise own.wrong("bbox", expected, causes)
        if box_format not in (None, BoxFormat.XYWH):
            notices.add(Kind.BOX_CONVERTED, own.name)
        area = each.area
        # pycocotools ignores an object whose area is in no range, as negative ones are.
        if area is None or (area <= 0 < width * height):
            notices.add(Kind.AREA_MISSING, own.name)
            area = width * height
        if each.ignore and not each.is_crowd:
            notices.add(Kind.IGNORE_UNUSED, own.name, moves_figures=True)
        found.append(
            CocoAnnotation(
                each.image_id, each.category_id, (x, y, width, height), area, each.is_crowd
            )
        )
    return tuple(found)


def _entries(
    table: Mapping[str, Any], part: str, where: str, notices: NoticeList
) -> list[EntryFields]:
    """Each entry of a list with the words that name its position in a message."""
    found = []
    for number, entry in enumerate(table[part]):
        if not isinstance(entry, dict):
            raise DatasetError(
                f"an entry of {part} is no object", got=entry, where=f"{where}, {part}[{number}]"
            )
        found.append(EntryFields(entry, where, (part, number), notices))
    return found


def _refuse_doubles(kind: str, ids: Sequence[int], where: str) -> None:
    doubled = sorted(key for key, count in Counter(ids).items() if count > 1)
    if doubled:
        raise DatasetError(
            f"{len(doubled)} {kind} ids stand more than once", got=first_few(doubled), where=where
        )


def _refuse_unknown(kind: str, ids: Iterable[int], known: Mapping[int, Any], where: str) -> None:
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise DatasetError(
            f"annotations of {len(unknown)} {kind} ids that the file does not list",
            got=first_few(unknown),
            where=where,
        )
