"""The OD API's TFRecords as one annotation file, their images written to the cache once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from validation.coco.annotations import AnnotationFile, CocoAnnotation, CocoImage
from validation.coco.found import is_file
from validation.coco.image_names import image_ids
from validation.coco.labelled_example import ExampleObject, LabelledExample, labelled_example
from validation.coco.notice_list import NoticeList
from validation.coco.tf_example import parse_features
from validation.coco.tfrecord import read_records
from validation.errors import DatasetError, first_few
from validation.files.atomic import write_bytes_atomic
from validation.files.digest import file_sha256
from validation.preprocess.image import stored_image
from validation.record.dataset_notices import DatasetNoticeKind as Kind

if TYPE_CHECKING:
    from hashlib import _Hash

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif", "WEBP": ".webp"}


@dataclass(frozen=True)
class _Record:
    """A labelled image without its pixels.

    Args:
        where: File and record.
        name: Of the image, for people.
        source_id: As the record has it.
        path: Where the image file lies, or will.
        size: Width and height in pixels.
        objects: On it.
    """

    where: str
    name: str
    source_id: str
    path: Path
    size: tuple[int, int]
    objects: tuple[ExampleObject, ...]


@dataclass(frozen=True)
class EmbeddedImages:
    """Image files that stand inside of TFRecords.

    Args:
        files: The TFRecords.
        folder: Where image files are written, under the sha256 of their bytes.
    """

    files: tuple[Path, ...]
    folder: Path

    def path(self, encoded: bytes, where: str) -> tuple[Path, tuple[int, int]]:
        """Where the file belongs, and its width and height in pixels.

        Raises:
            DatasetError: The bytes are no image.
        """
        try:
            stored = stored_image(encoded)
        except DatasetError as error:
            raise DatasetError(
                "image/encoded is no image that can be read",
                expected=error.expected,
                got=f"{len(encoded)} bytes: {error.got}",
                where=where,
            ) from error
        kind, size = stored.form, stored.size
        sha256 = hashlib.sha256(encoded).hexdigest()
        suffix = _SUFFIXES.get(kind, f".{kind.lower()}")
        return self.folder / sha256[:2] / f"{sha256}{suffix}", size

    def write(self, selected: Sequence[CocoImage]) -> None:
        """Write the selected images that are not there, or not whole.

        Raises:
            DatasetError: A TFRecord cannot be read.
            ArtefactError: The cache cannot be written.
        """
        missing = {image.path for image in selected if not _is_whole(image.path)}
        for file in self.files:
            if not missing:
                return
            for number, data in enumerate(read_records(file), 1):
                where = f"{file.name}, record {number}"
                encoded = labelled_example(parse_features(data, where), where).encoded
                path, _ = self.path(encoded, where) if encoded else (None, None)
                if path in missing:
                    write_bytes_atomic(path, encoded, make_folder=True)
                    missing.remove(path)


def read_tfrecords(
    files: Sequence[Path],
    images: Path | None,
    cache: Path,
    labels: Mapping[int, str] | None = None,
) -> AnnotationFile:
    """Read labelled images from TFRecords as the OD API's tools write them.

    Image ids are `image/source_id` where those are different whole numbers, as the tool for COCO
    writes them, else the number of the record. Category ids are `image/object/class/label`.

    Args:
        files: TFRecords, in the order in which their records are counted.
        images: Folder of the image files, for records without `image/encoded`.
        cache: Folder for image files that the records hold.
        labels: Name of each number, from the label map that belongs to the files; None takes
            `image/object/class/text` alone.

    Raises:
        DatasetError: A file cannot be read, a record is no labelled image, or two records
            disagree about a class.
    """
    embedded = EmbeddedImages(tuple(files), cache)
    digest = hashlib.sha256()
    notices = NoticeList()
    records = [
        _record(example, where, embedded, images, notices)
        for example, where in _examples(files, digest)
    ]
    if not records:
        raise DatasetError(
            "the TFRecords hold no record", where=first_few(file.name for file in files)
        )
    numbers, categories, stated = _categories(records, labels or {}, notices)
    found, objects, paths = {}, [], set()
    for key, record in zip(image_ids([each.source_id for each in records]), records, strict=True):
        if record.path in paths:
            # One record for each object would count what the others' objects find as wrong.
            notices.add(Kind.IMAGE_TWICE, record.where, True)
        paths.add(record.path)
        found[key] = CocoImage(key, record.name, record.path, *record.size)
        for each in record.objects:
            category = each.label if each.label is not None else numbers[each.text]
            objects.append(_annotation(key, category, each, record, notices))
    return AnnotationFile(
        data=digest.digest(),
        images=found,
        categories=categories,
        objects=tuple(objects),
        notices=notices.all(),
        files_known=True,
        numbers_stated=stated,
        prepare=embedded.write if any(each.path.parents[1] == cache for each in records) else None,
    )


def _examples(files: Sequence[Path], digest: _Hash) -> Iterator[tuple[LabelledExample, str]]:
    for file in files:
        for number, data in enumerate(read_records(file), 1):
            digest.update(data)
            where = f"{file.name}, record {number}"
            yield labelled_example(parse_features(data, where), where), where


def _record(
    example: LabelledExample,
    where: str,
    embedded: EmbeddedImages,
    images: Path | None,
    notices: NoticeList,
) -> _Record:
    name = example.file_name or example.source_id or where
    if example.encoded:
        path, own = embedded.path(example.encoded, where)
    else:
        path, own = _beside(example, images, where)
    size = example.size or own
    if example.size is None:
        # What EXIF turns may have been annotated either way up.
        stored = stored_image(example.encoded or path)
        notices.add(Kind.SIZE_FROM_IMAGE, name, not stored.is_upright)
    elif own not in (size, size[::-1]):
        # Boxes are shares of the image: the pixels that are there are the ones to score in.
        notices.add(Kind.SIZE_DISAGREES, f"{name} ({own[0]}x{own[1]}, stated {size[0]}x{size[1]})")
        size = own
    return _Record(where, name, example.source_id, path, size, example.objects)


def _beside(
    example: LabelledExample, images: Path | None, where: str
) -> tuple[Path, tuple[int, int]]:
    """The image file of a record that has none inside; the common check asks for its size."""
    if images is None or not example.file_name:
        raise DatasetError(
            "the record holds no image",
            expected="image/encoded, or image/filename and a folder of images",
            where=where,
            next_step="name the folder of the images with --coco-images",
        )
    path = images / example.file_name
    if not is_file(path):
        path = images / PurePosixPath(example.file_name.replace("\\", "/")).name
    if example.size is not None:
        return path, example.size
    return path, stored_image(path).size


def _categories(
    records: Sequence[_Record], labels: Mapping[int, str], notices: NoticeList
) -> tuple[dict[str, int], dict[int, str], bool]:
    """The number of each text, the name of each number, and whether the numbers are the file's.

    Numbers are given to texts, in their order, only where no object has one.
    """
    everything = [(each, record.where) for record in records for each in record.objects]
    names: dict[int, tuple[str, str]] = {}
    counts = Counter(each.label for each, _ in everything)
    for each, where in everything:
        if each.label is None or not each.text:
            continue
        known, before = names.setdefault(each.label, (each.text, where))
        if known != each.text:
            raise DatasetError(
                f"class {each.label} has two names",
                got=f"{known!r} ({before}) and {each.text!r} ({where})",
                next_step="write the TFRecords again with one label map",
            )
    numbered = [key for key in counts if key is not None]
    if counts[None] and numbered:
        raise DatasetError(
            "some records have the numbers of their classes and some have not",
            expected="image/object/class/label in every record with objects",
            got=f"{counts[None]} objects without",
            where=next(where for each, where in everything if each.label is None),
        )
    if not numbered:
        texts = sorted({each.text for each, _ in everything})
        by_text = {text: number for number, text in enumerate(texts, 1)}
        return by_text, {number: text for text, number in by_text.items()}, not texts
    categories = {**labels, **{key: name for key, (name, _) in names.items()}}
    other = [key for key, (name, _) in names.items() if labels.get(key, name) != name]
    for key in other:
        notices.add(Kind.NAME_NOT_OF_LABEL_MAP, f"{key} {names[key][0]} ({labels[key]})", True)
    for key in sorted(numbered):
        if key not in categories:
            categories[key] = str(key)
            notices.add(Kind.CATEGORY_UNNAMED, str(key))
        elif key not in names:
            notices.add(Kind.NAME_FROM_LABEL_MAP, f"{key} {categories[key]}")
    return {}, dict(sorted(categories.items())), True


def _annotation(
    image: int, category: int, each: ExampleObject, record: _Record, notices: NoticeList
) -> CocoAnnotation:
    width, height = record.size
    xmin, ymin, xmax, ymax = each.box
    if xmin > xmax or ymin > ymax:
        notices.add(Kind.BOX_INVERTED, record.name, True)
        xmin, xmax, ymin, ymax = min(xmin, xmax), max(xmin, xmax), min(ymin, ymax), max(ymin, ymax)
    box = (xmin * width, ymin * height, (xmax - xmin) * width, (ymax - ymin) * height)
    if each.area is None:
        notices.add(Kind.AREA_MISSING, record.name)
    # The OD API's COCO metrics score these as any object, its Pascal and Open Images metrics do
    # not: the figures of one file differ.
    if each.difficult and not each.is_crowd:
        notices.add(Kind.OBJECT_DIFFICULT, record.name, True)
    if each.group_of and not each.is_crowd:
        notices.add(Kind.OBJECT_GROUP_OF, record.name, True)
    return CocoAnnotation(
        image_id=image,
        category_id=category,
        bbox=box,
        area=box[2] * box[3] if each.area is None else each.area,
        is_crowd=each.is_crowd or each.difficult or each.group_of,
    )


def _is_whole(path: Path) -> bool:
    """True where the file is there with the bytes that its name is the hash of."""
    try:
        return file_sha256(path) == path.stem
    except OSError:
        return False
