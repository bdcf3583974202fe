"""Which kind of data set a path names: by what is there, not by its suffix.

The reader of a kind is imported where a path names one: some of their libraries take as long as a
few hundred images.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from validation.coco.annotations import AnnotationFile, read_annotations
from validation.coco.box_formats import BoxFormat
from validation.coco.coco_folders import coco_files, image_folder
from validation.coco.found import is_file, is_folder
from validation.coco.parts import evaluated_part
from validation.coco.record_files import (
    all_shards,
    is_pattern,
    matching_files,
    one_group,
    refuse_missing_shards,
)
from validation.coco.tfrecord import inflated, is_record_head
from validation.coco.yolo_config import is_yolo_config
from validation.errors import DatasetError, UsageError, first_few
from validation.files.outside import read_head, special_file
from validation.kinds.kind import Wanted
from validation.kinds.refusal import require_kind
from validation.labels.reading import read_labels
from validation.record.dataset_kind import DatasetKind

KINDS = "COCO json, TFRecords of the OD API, a Pascal VOC folder, a YOLO folder or data.yaml"

# A folder, asked for only where it is needed.
GivesFolder = Callable[[], Path]

_HEAD_BYTES = 1 << 16
_RECORD_NAME = re.compile(r".+\.(tf_?)?rec(ord)?s?(\W.*)?|.+-\d{5}-of-\d{5}", re.IGNORECASE)
_SHARD = re.compile(r"-\d{5}-of-\d{5}.*|-\?{5}-of-\d{5}.*|@\d+")
_CONFIG = re.compile(r"^\s*(eval_input_(reader|config)|model|train_config)\s*:?\s*\{", re.MULTILINE)
_IMAGE_LINE = re.compile(r".+\.(jpe?g|png|bmp|gif|webp)\s*", re.IGNORECASE)
_TABLE = re.compile(r"\s*[\w ]+([,;\t][\w ]+){3,}\s*\n")
# Of one image in Pascal VOC; CVAT's own format has <annotations> of a whole set.
_ONE_IMAGE = re.compile(r"<annotation[\s>]")
# What the first bytes of a gzip file are.
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Recognised:
    """A data set of a known kind, not yet read.

    Args:
        kind: Of what is there.
        name: What it is called.
        path: The file or folder to read.
        parts: What it was taken from, a few words.
        images: Folder that its images lie in, as far as one folder has them.
        read: Reads it; raises DatasetError.
    """

    kind: DatasetKind
    name: str
    path: Path
    parts: str
    images: Path
    read: Callable[[], AnnotationFile]


def recognise(
    path: Path, images: Path | None, cache: GivesFolder, box_format: BoxFormat | None = None
) -> Recognised:
    """Find out which data set a path names.

    Args:
        path: A file, a folder, a pattern of TFRecords, or several of them with commas between.
        images: Folder of the images; None where the set says or holds them.
        cache: Gives the folder that images which stand inside of TFRecords are written to.
        box_format: What the numbers of a box of COCO's json are; None for COCO's own.

    Raises:
        DatasetError: Nothing is there, or it is of no kind that is read, or of several.
        UsageError: A format of boxes for a kind of data set that has its own.
    """
    found = _of_path(path, images, cache)
    if box_format is None:
        return found
    if found.kind is not DatasetKind.COCO:
        raise UsageError(
            f"boxes of {found.kind} have one format",
            expected="--box-format with COCO json alone",
            got=box_format,
            where=path,
        )
    return replace(found, read=lambda: read_annotations(found.path, found.images, box_format))


def _of_path(path: Path, images: Path | None, cache: GivesFolder) -> Recognised:
    if is_folder(path):
        return _of_folder(path, images, cache)
    if special := special_file(path):
        raise DatasetError("the annotation file cannot be read", got=special, where=path)
    if not is_file(path) and is_pattern(path):
        return _of_records(matching_files(path), path, images, cache)
    if not is_file(path):
        shards = all_shards(path.parent, path.name)
        raise DatasetError(
            "the annotation file is not there",
            where=path,
            next_step=f"name its parts: --coco-annotations='{shards}'"
            if shards
            else f"name one of: {KINDS}",
        )
    return _of_file(path, images, cache)


def _of_file(path: Path, images: Path | None, cache: GivesFolder) -> Recognised:
    head = _head(path)
    # What these kinds are told apart by leaves data sets to their own readers.
    require_kind(path, Wanted.ANNOTATIONS, DatasetError)
    text = head.decode("utf-8-sig", "replace")
    start = text.lstrip()[:1]
    if start in ("{", "[") or path.suffix.lower() == ".json":
        return _coco(path, images)
    if is_record_head(head) or is_record_head(inflated(head)):
        return _of_records((path,), path, images, cache)
    if start == "<":
        raise _xml(path, text)
    if head.startswith(_GZIP):
        raise DatasetError(
            "this is a gzip file, but not of TFRecords",
            expected=KINDS,
            where=path,
            next_step="unpack it and name what is inside",
        )
    found: Recognised | None = None
    if "\0" not in text:
        found = _of_text(path, text, images, cache)
    # A damaged file is reported by the reader of what its name says that it is.
    if found is None and _RECORD_NAME.fullmatch(path.name):
        found = _of_records((path,), path, images, cache)
    if found is None:
        raise DatasetError(
            "this is no data set of a known kind" if head else "the annotation file is empty",
            expected=KINDS,
            got=repr(text.strip()[:40]) if head and "\0" not in text else None,
            where=path,
            next_step="a table of boxes has to be converted"
            if _TABLE.match(text)
            else "name the data set",
        )
    return found


def _of_text(path: Path, text: str, images: Path | None, cache: GivesFolder) -> Recognised | None:
    if is_yolo_config(text):
        return _yolo(path, images)
    if _CONFIG.search(text):
        from validation.coco.eval_input import read_eval_input

        eval_input = read_eval_input(path)
        labels = read_labels(eval_input.label_map).by_number if eval_input.label_map else None
        return _of_records(eval_input.files, path, images, cache, labels)
    if any(parent.name == "ImageSets" for parent in path.absolute().parents):
        return _voc(path, images)
    if all(map(_IMAGE_LINE.fullmatch, text.split("\n")[:1])):
        return _yolo(path, images)
    return None


def _of_folder(path: Path, images: Path | None, cache: GivesFolder) -> Recognised:
    records = _records(path)
    jsons = coco_files(path) or coco_files(path / "annotations")
    found = [_voc(path, images), _yolo(path, images)]
    if records:
        found.append(_of_records(one_group(records, path), path, images, cache))
    if len(jsons) == 1:
        found.append(_coco(jsons[0], images))
    kinds = [each for each in found if each is not None]
    if len(kinds) == 1:
        return kinds[0]
    if len(jsons) > 1 and not kinds:
        raise DatasetError(
            "the folder holds several COCO annotation files",
            expected="one of them",
            got=first_few(each.name for each in jsons),
            where=path,
            next_step=f"name one: --coco-annotations={jsons[-1]}",
        )
    if kinds:
        raise DatasetError(
            "the folder holds data sets of several kinds",
            expected="one of them",
            got=" and ".join(f"{each.kind}, {each.parts}" for each in kinds),
            where=path,
            next_step="name the file, pattern or subfolder of one of them",
        )
    raise DatasetError(
        "the folder holds no data set of a known kind",
        expected=KINDS,
        got=first_few(sorted(each.name for each in path.iterdir())) or "an empty folder",
        where=path,
        next_step=_deeper(path),
    )


def _records(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that are called as TFRecords are."""
    return tuple(
        each
        for each in sorted(folder.iterdir())
        if is_file(each) and _RECORD_NAME.fullmatch(each.name)
    )


def _deeper(path: Path) -> str:
    """What to type where a folder below holds a set."""
    below = sorted(path.iterdir(), key=lambda each: (not evaluated_part(each.name), each.name))
    for each in below:
        if is_folder(each) and (
            _voc(each, None) or _yolo(each, None) or coco_files(each) or _records(each)
        ):
            return f"name the folder inside: {each}"
    return "name the file or folder of the annotations"


def _coco(path: Path, images: Path | None) -> Recognised:
    folder = images if images is not None else image_folder(path)
    parts = path.name if images is not None else f"{path.name}, images in {folder.name}"
    return Recognised(
        DatasetKind.COCO, path.stem, path, parts, folder, lambda: read_annotations(path, folder)
    )


def _of_records(
    files: tuple[Path, ...],
    path: Path,
    images: Path | None,
    cache: GivesFolder,
    labels: dict[int, str] | None = None,
) -> Recognised:
    if not files:
        raise DatasetError(
            "no such files", expected=KINDS, where=path, next_step="check the pattern"
        )
    refuse_missing_shards(files, path)

    def read() -> AnnotationFile:
        from validation.coco.tfrecord_set import read_tfrecords

        return read_tfrecords(files, images, cache(), labels)

    stem = _SHARD.sub("", files[0].name).partition(".")[0]
    parts = files[0].name if len(files) == 1 else f"{len(files)} files"
    return Recognised(
        DatasetKind.TFRECORD,
        stem,
        path,
        parts,
        images or cache(),
        read,
    )


def _voc(path: Path, images: Path | None) -> Recognised | None:
    from validation.coco.voc_set import find_voc, read_voc_set

    folder = find_voc(path, images)
    if folder is None:
        return None
    split = folder.split.stem if folder.split else ""
    return Recognised(
        DatasetKind.VOC,
        " ".join(filter(None, [folder.root.absolute().name, split])),
        path,
        f"list {split}.txt" if split else f"all of {folder.annotations.name}",
        folder.images,
        lambda: read_voc_set(folder),
    )


def _yolo(path: Path, images: Path | None) -> Recognised | None:
    from validation.coco.yolo_set import find_yolo, read_yolo_set

    folder = find_yolo(path, images)
    if folder is None:
        return None
    return Recognised(
        DatasetKind.YOLO,
        " ".join(filter(None, [folder.root.absolute().name, folder.split])),
        path,
        folder.split or folder.images[0].name,
        folder.images[0] if is_folder(folder.images[0]) else folder.root,
        lambda: read_yolo_set(folder),
    )


def _xml(path: Path, text: str) -> DatasetError:
    if _ONE_IMAGE.search(text):
        return DatasetError(
            "this is the annotation of one image",
            expected="the folder of a Pascal VOC set",
            where=path,
            next_step=f"name its folder: --coco-annotations={path.parent}",
        )
    is_page = "<html" in text.lower() or "<!doctype html" in text.lower()
    return DatasetError(
        f"this is {'a web page' if is_page else 'XML, but no annotation of Pascal VOC'}",
        expected=KINDS,
        where=path,
        next_step="fetch the file itself, not the page about it"
        if is_page
        else "export the set again as one of these",
    )


def _head(path: Path) -> bytes:
    try:
        return read_head(path, _HEAD_BYTES)
    except OSError as error:
        raise DatasetError(
            "the annotation file cannot be read", got=error.strerror, where=path
        ) from error
