"""Annotations of any kind and their images as one checked, frozen data set."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.box_formats import BoxFormat, beyond, in_one_corner
from validation.coco.found import is_file, is_folder
from validation.coco.image_files import settle_files
from validation.coco.notice_list import NoticeList
from validation.coco.recognise import recognise
from validation.errors import DatasetError, UsageError
from validation.preprocess.image import ImageFile
from validation.record.dataset_kind import DatasetKind
from validation.record.dataset_notices import DatasetNotice, DatasetNoticeKind
from validation.record.plurals import plural

if TYPE_CHECKING:
    from validation.record.run import DatasetFacts


@dataclass(frozen=True)
class Dataset:
    """Labelled images that are known to be there and to be what the annotations say.

    Args:
        name: For the record.
        annotation_path: What was named: a file, a folder or a pattern.
        images: By ascending id; images without any object are among them.
        ground_truth: The objects on these images, in file order.
        categories: Name of each category id of the annotation file.
        sha256: Over the annotations, the format that their boxes were read in, and the
            selected ids and file names.
        notices: What was assumed or converted while it was read.
        kind: How it was given.
        parts: What of it was read, a few words.
        numbers_stated: False where the category ids were given in reading.
        set_apart: How many images were left out, to calibrate with.
    """

    name: str
    annotation_path: Path
    images: tuple[CocoImage, ...]
    ground_truth: tuple[CocoAnnotation, ...] = field(repr=False)
    categories: Mapping[int, str] = field(repr=False)
    sha256: str
    notices: tuple[DatasetNotice, ...] = ()
    kind: DatasetKind = DatasetKind.COCO
    parts: str = ""
    numbers_stated: bool = True
    set_apart: int = 0

    @property
    def annotations(self) -> int:
        """Number of objects on the selected images, crowds included."""
        return len(self.ground_truth)

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """The images under their ids, by which detections are kept."""
        return tuple(image.file for image in self.images)

    def facts(self) -> DatasetFacts:
        """What the record keeps of the data set."""
        # A single evaluation has no record.
        from validation.record.run import DatasetFacts

        return DatasetFacts(
            self.name,
            self.sha256,
            len(self.images),
            self.annotations,
            self.notices,
            self.kind,
            self.set_apart,
        )

    def without(self, keys: Collection[str]) -> Dataset:
        """The same without some images, which are set apart to calibrate with.

        Args:
            keys: Of `files`.
        """
        left = self.only([file.key for file in self.files if file.key not in set(keys)])
        return dataclasses.replace(left, set_apart=len(self.images) - len(left.images))

    def only(self, keys: Collection[str]) -> Dataset:
        """The same with some of the images alone, by ascending id as ever.

        Args:
            keys: Of `files`.
        """
        chosen = set(keys)
        images = tuple(image for image in self.images if str(image.id) in chosen)
        ids = {image.id for image in images}
        names = [(image.id, image.file_name) for image in images]
        return dataclasses.replace(
            self,
            images=images,
            ground_truth=tuple(item for item in self.ground_truth if item.image_id in ids),
            sha256=hashlib.sha256(f"{self.sha256} {json.dumps(names)}".encode()).hexdigest(),
        )

    def describe(self) -> str:
        """One line: what was recognised, and how much of it is used."""
        ignored = sum(item.is_crowd for item in self.ground_truth)
        count = len(self.categories)
        parts = [
            plural(len(self.images), "image"),
            plural(self.annotations, "object") + (f" ({ignored} ignored)" if ignored else ""),
            f"{count} {'category' if count == 1 else 'categories'}",
        ]
        source = f"{self.kind} ({self.parts})" if self.parts else str(self.kind)
        return f"{source}: {', '.join(parts)}"


def load_dataset(
    annotations: Path,
    images: Path | None = None,
    *,
    max_images: int | None = None,
    name: str | None = None,
    box_format: BoxFormat | None = None,
    cache: Path | None = None,
) -> Dataset:
    """Read and check a data set of a kind that `recognise` knows.

    Args:
        annotations: COCO's instances JSON (https://cocodataset.org/#format-data), TFRecords or a
            pattern of them, a pipeline.config that names such, a Pascal VOC folder, or a YOLO
            folder or data.yaml.
        images: Folder of the images. None: where the set says, or usually has them.
        max_images: Take only the first so many by image id. None: all.
        name: For the record. None: after the annotations.
        box_format: What the numbers of a box of COCO's json are; None: COCO's, and boxes that
            are evidently of another format are refused.
        cache: The cache folder, for images that stand inside of TFRecords. None: the user's.

    Raises:
        UsageError: max_images is below 1.
        DatasetError: File or folder missing, of no kind that is read, ids doubled or
            unknown, or image files missing or of another size than annotated.
        ArtefactError: The cache cannot be written.
    """
    if max_images is not None and max_images < 1:
        raise UsageError(
            "no image would be evaluated",
            expected="at least 1",
            got=max_images,
            where="maximum number of images",
        )
    found = recognise(annotations, images, lambda: _embedded_images(cache), box_format)
    file = found.read()
    chosen = [file.images[key] for key in sorted(file.images)[:max_images]]
    if file.prepare is not None:
        file.prepare(chosen)
    notices = NoticeList()
    selected = settle_files(
        chosen,
        found.images,
        notices,
        files_known=file.files_known,
        sizes_stated=file.sizes_stated,
    )
    ids = {image.id for image in selected}
    objects = tuple(item for item in file.objects if item.image_id in ids)
    _notice_boxes(objects, selected, notices)
    return Dataset(
        name=name or found.name,
        annotation_path=annotations,
        images=selected,
        ground_truth=objects,
        categories=file.categories,
        sha256=_sha256(file.data, selected, box_format),
        notices=(*file.notices, *notices.all()),
        kind=found.kind,
        parts=found.parts,
        numbers_stated=file.numbers_stated,
    )


def refuse_other_kinds(
    annotations: Path, images: Path | None, box_format: BoxFormat | None = None
) -> None:
    """What `load_dataset` refuses by the kind of its arguments, before anything is read.

    Raises:
        UsageError, DatasetError: As `load_dataset`.
    """
    # Nothing is written where nothing is read.
    recognise(annotations, images, Path, box_format)
    if images is not None and not is_folder(images):
        raise DatasetError(
            "the image folder is not there",
            expected="a folder",
            got="a file" if is_file(images) else None,
            where=images,
        )


def _embedded_images(cache: Path | None) -> Path:
    if cache is None:
        # Most data sets have files of their own, and its libraries take a while to import.
        from validation.zoo.cache import default_cache_dir

        cache = default_cache_dir()
    return cache / "embedded_images"


def _notice_boxes(
    objects: Sequence[CocoAnnotation], images: Sequence[CocoImage], notices: NoticeList
) -> None:
    """Boxes that no detection can match in full, or at all, or that ask for one twice."""
    if not objects:
        return
    by_id = {image.id: image for image in images}
    boxes = np.array([item.bbox for item in objects])
    sizes = np.array([(by_id[i.image_id].width, by_id[i.image_id].height) for i in objects])
    in_corner = np.full(len(objects), in_one_corner(boxes, sizes))
    for kind, which in (
        (DatasetNoticeKind.BOX_SCALE_DOUBTFUL, in_corner),
        (DatasetNoticeKind.BOX_BEYOND_IMAGE, beyond(boxes, sizes)),
        (DatasetNoticeKind.BOX_WITHOUT_AREA, (boxes[:, 2:] <= 0).any(axis=1)),
        (DatasetNoticeKind.AREA_UNLIKE_BOX, _unlike(np.array([i.area for i in objects]), boxes)),
        (DatasetNoticeKind.OBJECT_TWICE, _repeated(objects)),
    ):
        for index in np.flatnonzero(which).tolist():
            notices.add(kind, by_id[objects[index].image_id].file_name, moves_figures=True)


def _unlike(areas: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which areas are more than their boxes, or next to nothing of them.

    The thinnest outlines of COCO take a hundredth of their boxes.
    """
    full = boxes[:, 2] * boxes[:, 3]
    return np.asarray((full > 0) & ((areas > 1.01 * full + 1) | (areas < 1e-3 * full)), bool)


def _repeated(objects: Sequence[CocoAnnotation]) -> NDArray[np.bool_]:
    """Which objects stand before, on the same image, in the same box and category."""
    seen: set[tuple[object, ...]] = set()
    found = []
    for item in objects:
        key = (item.image_id, item.category_id, item.bbox)
        found.append(key in seen)
        seen.add(key)
    return np.array(found)


def _sha256(data: bytes, selected: Sequence[CocoImage], box_format: BoxFormat | None) -> str:
    digest = hashlib.sha256(data)
    digest.update(json.dumps([(image.id, image.file_name) for image in selected]).encode())
    digest.update((box_format or "").encode())
    return digest.hexdigest()
