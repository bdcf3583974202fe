"""A Pascal VOC folder as one annotation file.

Corners are pixels counted from 1, and the pixel of the higher corner belongs to the object: a box
over a whole image of 100 pixels is 1 to 100. In COCO's terms x = xmin - 1 and width = xmax - xmin
+ 1. A set with corners at 0, and no more of them at 1, does not count from 1: there x = xmin and
width = xmax - xmin, as tools write that know edges and no pixels.

Objects marked `difficult` are ignored as crowds are: not asked for, and detections on them do not
count as wrong. pycocotools knows no other way (it overwrites `ignore` with `iscrowd`). It then
measures overlap by the area of the detection alone, so that a detection within a difficult object
is excused as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.coco.annotations import AnnotationFile, CocoAnnotation, CocoImage
from validation.coco.found import is_file, is_folder
from validation.coco.image_names import ImageNames, image_ids
from validation.coco.notice_list import NoticeList
from validation.coco.parts import EVALUATED
from validation.coco.voc import VocAnnotation, VocObject, read_voc
from validation.errors import DatasetError, first_few
from validation.files.outside import Size, read_bytes, read_text
from validation.preprocess.image import StoredImage, stored_image
from validation.record.dataset_notices import DatasetNoticeKind as Kind

# Below the folder that is named: where annotations lie, and where images do.
_ANNOTATION_FOLDERS = ("Annotations", "annotations", "annotations/xmls", "xmls", "xml", "labels")
_ANNOTATION_NAMES = {"annotations", "xmls", "xml", "labels"}
_IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs", "img", "image", "data")


@dataclass(frozen=True)
class VocFolder:
    """Where the parts of a set are.

    Args:
        root: The folder that the set is called by.
        annotations: Folder of the XML files.
        images: Folder of the images.
        split: The list of the images to take; None takes all that are annotated.
    """

    root: Path
    annotations: Path
    images: Path
    split: Path | None


def find_voc(path: Path, images: Path | None) -> VocFolder | None:
    """The parts of the VOC set that a path names; None where there are no XML files.

    Args:
        path: The set, its folder of annotations, or a list in its ImageSets/Main.
        images: Folder of the images; None looks beside the annotations.

    Raises:
        DatasetError: The set lists images for training and none to evaluate on.
    """
    split = None
    root = path
    if is_file(path):
        split = path
        root = next((each for each in path.parents if each.name == "ImageSets"), path).parent
    places = [root, *(root / name for name in _ANNOTATION_FOLDERS)]
    annotations = next((place for place in places if _has_xml(place)), None)
    if annotations is None:
        return None
    root = annotations
    while root.name.lower() in _ANNOTATION_NAMES and root != root.parent:
        root = root.parent
    if images is None:
        around = [annotations, root, *(root / name for name in _IMAGE_FOLDERS)]
        images = next((place for place in around if ImageNames(place)), root)
    if split is None:
        lists = root / "ImageSets" / "Main"
        named = (lists / f"{name}.txt" for name in EVALUATED)
        split = next((each for each in named if is_file(each)), None)
        if split is None and is_file(lists / "train.txt"):
            raise DatasetError(
                "the set lists its images for training and none to evaluate on",
                expected="val.txt or test.txt in ImageSets/Main",
                got="train.txt",
                where=root,
                next_step=f"name the list to evaluate on: --coco-annotations={lists / 'train.txt'}",
            )
    return VocFolder(root, annotations, images, split)


def read_voc_set(folder: VocFolder) -> AnnotationFile:
    """Read the annotation files of a set.

    Image ids are the file names where those are numbers, else counted from 1.

    Raises:
        DatasetError: A file cannot be read, an annotation that the split lists is not there, or
            two annotations are of one image.
    """
    notices = NoticeList()
    names = ImageNames(folder.images)
    paths = _annotation_files(folder)
    digest = hashlib.sha256()
    files = []
    for path in paths:
        files.append(read_voc(path))
        digest.update(path.name.encode("utf-8", "backslashreplace") + read_bytes(path, Size.TEXT))
    images = _images(files, names, notices)
    if folder.split is None:
        # Without a list nothing says that these were left out on purpose.
        used = {image.path for image in images}
        for name in names.all():
            if folder.images / name not in used:
                notices.add(Kind.IMAGE_NOT_ANNOTATED, name, True)
    counted_from = _first_pixel(files, notices)
    categories = sorted({each.name for file in files for each in file.objects})
    numbers = {name: number for number, name in enumerate(categories, 1)}
    objects = [
        _annotation(image.id, numbers, each, counted_from, file.path.name, notices)
        for image, file in zip(images, files, strict=True)
        for each in file.objects
    ]
    return AnnotationFile(
        data=digest.digest(),
        images={image.id: image for image in images},
        categories={number: name for name, number in numbers.items()},
        objects=tuple(objects),
        notices=notices.all(),
        files_known=True,
        numbers_stated=False,
    )


def _has_xml(folder: Path) -> bool:
    return is_folder(folder) and any(each.suffix.lower() == ".xml" for each in folder.iterdir())


def _annotation_files(folder: VocFolder) -> list[Path]:
    """The annotation files to read, by name."""
    there = {
        each.stem: each
        for each in sorted(folder.annotations.iterdir())
        if each.suffix.lower() == ".xml" and not each.name.startswith(".")
    }
    if folder.split is None:
        return list(there.values())
    try:
        lines = read_text(folder.split, Size.TABLE, encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError(
            "the list of images cannot be read", got=error, where=folder.split
        ) from error
    stems = [_stem(line.strip(), there) for line in lines if line.strip()]
    missing = [stem for stem in stems if stem not in there]
    if missing or not stems:
        raise DatasetError(
            f"{len(missing)} of {len(stems)} images of the list have no annotation file",
            got=first_few(missing) or "an empty list",
            where=folder.split.name,
            next_step="name the folder of the set that the list belongs to",
        )
    return [there[stem] for stem in dict.fromkeys(sorted(stems))]


def _stem(line: str, there: Mapping[str, Path]) -> str:
    """The name on a line; lists of one class have 1, 0 or -1 behind it."""
    name, _, flag = line.rpartition(" ")
    if line in there or flag not in ("1", "0", "-1"):
        return line
    return name.strip()


def _images(
    files: Sequence[VocAnnotation], names: ImageNames, notices: NoticeList
) -> list[CocoImage]:
    found: list[CocoImage] = []
    by_path: dict[Path, str] = {}
    for number, file in zip(image_ids([each.path.stem for each in files]), files, strict=True):
        path = _image_path(file, names, notices)
        if path in by_path:
            raise DatasetError(
                "two annotation files are of one image",
                got=f"{by_path[path]} and {file.path.name}",
                where=path.name,
            )
        by_path[path] = file.path.name
        size = file.size
        if size is None:
            # Images that are missing are counted and named later, all at once.
            stored = stored_image(path) if is_file(path) else StoredImage((1, 1))
            # What EXIF turns may have been annotated either way up.
            notices.add(Kind.SIZE_FROM_IMAGE, file.path.name, not stored.is_upright)
            size = stored.size
        found.append(CocoImage(number, path.name, path, *size))
    return found


def _image_path(file: VocAnnotation, names: ImageNames, notices: NoticeList) -> Path:
    """The image of an annotation file: the one of its own name, else the one that it names."""
    own = names.of_stem(file.path.stem)
    named = names.of_name(file.file_name) or names.of_stem(file.file_name)
    if named is not None and named.stem == file.path.stem:
        # Several files may have this name but for the ending.
        return named
    if own is not None and own.stem != file.path.stem:
        notices.add(Kind.FILE_BY_OTHER_SPELLING, own.name)
    # A name of other case, or without its ending, is the same name.
    is_same = named == own or (own and file.file_name.casefold() == own.name.casefold())
    if own is not None and file.file_name and not is_same:
        example = f"{file.path.name} ({file.file_name})"
        notices.add(Kind.FILE_NAME_DISAGREES, example, named is not None)
    # Files are renamed together with their annotations, which then keep the name of before.
    return own or named or names.folder / (file.file_name or f"{file.path.stem}.jpg")


def _first_pixel(files: Sequence[VocAnnotation], notices: NoticeList) -> int:
    """From what the corners of a set count, 1 or 0.

    Boxes at the left and upper edge say it. A few at 0 among more at 1 are slips: they are read
    by the rule, and reach beyond the image.
    """
    lower = [(min(each.corners[:2]), file.path.name) for file in files for each in file.objects]
    below = [name for corner, name in lower if corner < 1]
    slips = len(below) < sum(1 <= corner < 2 for corner, _ in lower)
    for name in below:
        notices.add(Kind.BOX_BEYOND_IMAGE if slips else Kind.COUNTED_FROM_ZERO, name, not slips)
    return 0 if below and not slips else 1


def _annotation(
    image: int,
    numbers: Mapping[str, int],
    each: VocObject,
    counted_from: int,
    file_name: str,
    notices: NoticeList,
) -> CocoAnnotation:
    xmin, ymin, xmax, ymax = each.corners
    if xmin > xmax or ymin > ymax:
        notices.add(Kind.BOX_INVERTED, file_name, True)
        xmin, xmax, ymin, ymax = min(xmin, xmax), max(xmin, xmax), min(ymin, ymax), max(ymin, ymax)
    if not all(side.is_integer() for side in each.corners):
        notices.add(Kind.CORNER_WITH_DECIMALS, file_name, True)
    if each.difficult:
        # VOC's own evaluation ignores them, so this is what the set asks for.
        notices.add(Kind.OBJECT_DIFFICULT, file_name)
    notices.add(Kind.AREA_MISSING, file_name)
    width, height = xmax - xmin + counted_from, ymax - ymin + counted_from
    return CocoAnnotation(
        image_id=image,
        category_id=numbers[each.name],
        bbox=(xmin - counted_from, ymin - counted_from, width, height),
        area=width * height,
        is_crowd=each.difficult,
    )
