"""A YOLO set as one annotation file: images, and a label file for each that has objects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from validation.coco.annotations import AnnotationFile, CocoAnnotation, CocoImage
from validation.coco.found import is_file, is_folder
from validation.coco.image_names import ImageNames, image_ids
from validation.coco.notice_list import NoticeList
from validation.coco.parts import EVALUATED, evaluated_part
from validation.coco.yolo import LineForm, YoloObject, read_yolo
from validation.coco.yolo_config import (
    YoloConfig,
    head_of_text,
    is_name_file,
    is_yolo_config,
    names_beside,
    read_yolo_config,
)
from validation.errors import DatasetError, first_few
from validation.files.outside import Size, read_bytes, read_text
from validation.preprocess.image import stored_image
from validation.record.dataset_notices import DatasetNoticeKind as Kind

_FORM_NOTICES = {
    LineForm.BOX_AND_CONFIDENCE: (Kind.CONFIDENCE_IGNORED, True),
    LineForm.OUTLINE: (Kind.BOX_FROM_OUTLINE, False),
    LineForm.BOX_AND_KEYPOINTS: (Kind.KEYPOINTS_IGNORED, False),
}


@dataclass(frozen=True)
class YoloFolder:
    """Where the parts of a set are.

    Args:
        root: The folder that the set is called by.
        images: Folders of images, or lists of them.
        labels: Folder of the label files; None where each is found from its image.
        names: Name of each class, counted from 0; empty where none are known.
        split: The part that is taken; empty where there are no parts.
        keypoints: Whether keypoints stand behind the boxes.
    """

    root: Path
    images: tuple[Path, ...]
    labels: Path | None
    names: Mapping[int, str]
    split: str = ""
    keypoints: bool = False


def find_yolo(path: Path, images: Path | None) -> YoloFolder | None:
    """The parts of the YOLO set that a path names; None where it is none.

    Args:
        path: A data.yaml, an obj.data, a list of images, or a folder: of a whole set, of images,
            or of label files.
        images: Folder of the images; None looks where the set says.

    Raises:
        DatasetError: The set describes images that are not there.
    """
    if is_file(path):
        text = head_of_text(path)
        if is_yolo_config(text):
            return _configured(read_yolo_config(path), images)
        return YoloFolder(path.parent, (path,), None, names_beside(path.parent), path.stem)
    config = _config_in(path)
    if config is not None:
        return _configured(read_yolo_config(config), images)
    if images is not None:
        labels = path / "labels" if is_folder(path / "labels") else path
        labels = _part(labels)
        return YoloFolder(path, (images,), labels, names_beside(labels)) if _has(labels) else None
    return _laid_out(path)


def read_yolo_set(folder: YoloFolder) -> AnnotationFile:
    """Read the label files of a set.

    Image ids are the file names where those are numbers, else counted from 1; category ids are
    the numbers of the classes and 1, since classes count from 1 here.

    Raises:
        DatasetError: An image or a label file cannot be read, or a class has no name.
    """
    notices = NoticeList()
    paths = [path for source in folder.images for path in _images_of(source, folder.root)]
    if not paths:
        raise DatasetError("no images", where=", ".join(str(each) for each in folder.images))
    digest = hashlib.sha256()
    images, objects, read = {}, [], set()
    bare: list[str] = []
    for key, path in zip(image_ids([path.stem for path in paths]), paths, strict=True):
        # Labels are taken for shares of the image as it is shown: upright.
        image = CocoImage(key, path.name, path, *stored_image(path).shown_size)
        images[key] = image
        labels = _label_file(path, folder)
        digest.update(path.name.encode("utf-8", "backslashreplace"))
        if labels is None:
            bare.append(path.name)
            continue
        read.add(labels)
        digest.update(read_bytes(labels, Size.TEXT))
        objects += [
            _annotation(image, each, folder.names, labels.name, notices)
            for each in read_yolo(labels, keypoints=folder.keypoints)
        ]
    _check_bare(bare, len(paths), notices, folder)
    for place in sorted({each.parent for each in read}):
        for file in sorted(place.glob("*.txt")):
            if file not in read and not is_name_file(file):
                notices.add(Kind.LABELS_WITHOUT_IMAGE, file.name, True)
    return AnnotationFile(
        data=digest.digest(),
        images=images,
        categories=_categories(folder.names, objects, notices),
        objects=tuple(objects),
        notices=notices.all(),
        files_known=True,
        sizes_stated=False,
    )


def _configured(config: YoloConfig, images: Path | None) -> YoloFolder:
    here = config.path.parent
    roots = [here / config.root, here / PurePosixPath(config.root).name, here]
    if images is not None:
        sources: tuple[Path, ...] = (images,)
    else:
        sources = tuple(_existing(text, roots, config) for text in config.images)
    return YoloFolder(here, sources, None, config.names, config.split, config.keypoints)


def _existing(text: str, roots: Sequence[Path], config: YoloConfig) -> Path:
    """The folder or list that a config names.

    Raises:
        DatasetError: It is not there.
    """
    # Exported sets write ../valid/images for what lies beside the data.yaml.
    for written in (text, text.removeprefix("../")):
        for root in roots:
            if is_file(root / written) or is_folder(root / written):
                return (root / written).resolve()
    raise DatasetError(
        f"the images of {config.split} are not there",
        expected=text,
        where=config.path,
        next_step="name their folder with --coco-images",
    )


def _laid_out(path: Path) -> YoloFolder | None:
    """A folder without a description."""
    for images, labels in (
        (path / "images", path / "labels"),
        (path, _exchanged(path, "images", "labels")),
        (_exchanged(path, "labels", "images"), path),
        *((path / part / "images", path / part / "labels") for part in EVALUATED),
        (path, path),
    ):
        if images is None or labels is None or not (is_folder(images) and is_folder(labels)):
            continue
        taken = _part(images)
        split = taken.name if taken != images else images.parent.name
        place = labels / taken.name if taken != images else labels
        if ImageNames(taken) and _has(place):
            names = names_beside(place) or names_beside(path)
            return YoloFolder(path, (taken,), place, names, split if evaluated_part(split) else "")
    return None


def _part(folder: Path) -> Path:
    """The subfolder to evaluate on, or the folder itself where it has no such parts."""
    there = {
        evaluated_part(each.name): each
        for each in sorted(folder.iterdir(), reverse=True)
        if is_folder(each)
    }
    return next((there[part] for part in EVALUATED if part in there), folder)


def _exchanged(path: Path, old: str, new: str) -> Path | None:
    """The path with the last folder of one name called by the other; None where there is none."""
    parts = list(path.absolute().parts)
    if old not in parts:
        return None
    position = len(parts) - 1 - parts[::-1].index(old)
    return Path(*parts[:position], new, *parts[position + 1 :])


def _has(labels: Path) -> bool:
    """True where a folder has label files."""
    if not is_folder(labels):
        return False
    return any(each.suffix == ".txt" and not is_name_file(each) for each in labels.iterdir())


def _config_in(folder: Path) -> Path | None:
    """The file in a folder that describes a set."""
    if not is_folder(folder):
        return None
    for each in sorted(folder.iterdir()):
        if each.suffix.lower() in (".yaml", ".yml", ".data") and is_yolo_config(head_of_text(each)):
            return each
    return None


def _images_of(source: Path, root: Path) -> list[Path]:
    """The image files of a folder and the folders below it, or of a list."""
    if is_folder(source):
        folders = [source, *sorted(each for each in source.rglob("*") if is_folder(each))]
        return [folder / name for folder in folders for name in ImageNames(folder).all()]
    found = []
    for line in filter(None, map(str.strip, _read_list(source).splitlines())):
        written = line.replace("\\", "/")
        name = PurePosixPath(written).name
        places = (source.parent / written, root / written, root.parent / written)
        # Lists travel, and the folders that they begin with do not.
        shorter = PurePosixPath(written).parts[1:-1]
        below = [source.parent.joinpath(*shorter[at:], name) for at in range(len(shorter) + 1)]
        path = next((each for each in (*places, *below, root / name) if is_file(each)), None)
        if path is None:
            raise DatasetError("an image of the list is missing", got=line, where=source)
        found.append(path)
    return list(dict.fromkeys(found))


def _read_list(path: Path) -> str:
    """The content of a list of images.

    Raises:
        DatasetError: It cannot be read.
    """
    try:
        return read_text(path, Size.TABLE, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError("the list of images cannot be read", got=error, where=path) from error


def _label_file(image: Path, folder: YoloFolder) -> Path | None:
    """The label file of an image; None where there is none."""
    name = f"{image.stem}.txt"
    if folder.labels is not None:
        below = image.parent.relative_to(folder.images[0])
        places: tuple[Path | None, ...] = (folder.labels / below, folder.labels)
    else:
        places = (_exchanged(image.parent, "images", "labels"), image.parent)
    files = (place / name for place in places if place is not None)
    return next((file for file in files if is_file(file)), None)


def _check_bare(bare: Sequence[str], count: int, notices: NoticeList, folder: YoloFolder) -> None:
    """Images without a label file show no object; but not all of them, and hardly most."""
    if len(bare) == count:
        raise DatasetError(
            f"none of {count} images has a label file",
            expected=f"{Path(bare[0]).stem}.txt in a folder `labels` beside `images`",
            where=first_few(str(each) for each in folder.images),
        )
    for name in bare:
        notices.add(Kind.IMAGE_WITHOUT_LABELS, name, 2 * len(bare) > count)


def _annotation(
    image: CocoImage,
    each: YoloObject,
    names: Mapping[int, str],
    file_name: str,
    notices: NoticeList,
) -> CocoAnnotation:
    if names and each.number not in names:
        raise DatasetError(
            f"class {each.number} has no name",
            expected=f"a number from 0 to {max(names)}",
            where=file_name,
            next_step="name the data.yaml or classes.txt that belongs to the labels",
        )
    if each.form in _FORM_NOTICES:
        kind, moves = _FORM_NOTICES[each.form]
        notices.add(kind, file_name, moves)
    notices.add(Kind.AREA_MISSING, file_name)
    x, y, width, height = each.box
    box = (x * image.width, y * image.height, width * image.width, height * image.height)
    return CocoAnnotation(image.id, each.number + 1, box, box[2] * box[3], False)


def _categories(
    names: Mapping[int, str], objects: Sequence[CocoAnnotation], notices: NoticeList
) -> dict[int, str]:
    if names:
        return {number + 1: name for number, name in names.items()}
    numbers = sorted({each.category_id for each in objects})
    for number in numbers:
        notices.add(Kind.CATEGORY_UNNAMED, str(number))
    # A category that is called by its number has no known name.
    return {number: str(number) for number in numbers}
