"""Annotations of any kind and their images as one checked, frozen data set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.recognise import recognise
from validation.errors import DatasetError, UsageError, first_few
from validation.preprocess.image import ImageFile
from validation.record.dataset_kind import DatasetKind
from validation.record.dataset_notices import DatasetNotice
from validation.record.run import DatasetFacts
from validation.zoo.cache import default_cache_dir


@dataclass(frozen=True)
class Dataset:
    """Labelled images that are known to be there and to be what the annotations say.

    Args:
        name: For the record.
        annotation_path: What was named: a file, a folder or a pattern.
        images: By ascending id; images without any object are among them.
        ground_truth: The objects on these images, in file order.
        categories: Name of each category id of the annotation file.
        sha256: Over the annotations and the selected ids and file names.
        notices: What was assumed or converted while it was read.
        kind: How it was given.
        parts: What of it was read, a few words.
        numbers_stated: False where the set has names of categories alone, so that their ids
            mean nothing outside of it.
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

    @property
    def annotations(self) -> int:
        """Number of objects on the selected images, crowds included."""
        return len(self.ground_truth)

    @property
    def files(self) -> tuple[ImageFile, ...]:
        """The images under their ids, by which detections are kept."""
        return tuple(ImageFile(str(image.id), image.path) for image in self.images)

    def facts(self) -> DatasetFacts:
        """What the record keeps of the data set."""
        return DatasetFacts(
            self.name, self.sha256, len(self.images), self.annotations, self.notices, self.kind
        )

    def describe(self) -> str:
        """One line: what was recognised, and how much of it is used."""
        ignored = sum(item.is_crowd for item in self.ground_truth)
        objects = f"{self.annotations} objects" + (f" ({ignored} ignored)" if ignored else "")
        source = f"{self.kind} ({self.parts})" if self.parts else str(self.kind)
        return f"{source}: {len(self.images)} images, {objects}, {len(self.categories)} categories"


def load_dataset(
    annotations: Path,
    images: Path | None = None,
    *,
    max_images: int | None = None,
    name: str | None = None,
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
    found = recognise(annotations, images, (cache or default_cache_dir()) / "embedded_images")
    file = found.read()
    selected = tuple(file.images[key] for key in sorted(file.images)[:max_images])
    if file.prepare is not None:
        file.prepare(selected)
    _check_files(selected, found.images)
    ids = {image.id for image in selected}
    return Dataset(
        name=name or found.name,
        annotation_path=annotations,
        images=selected,
        ground_truth=tuple(item for item in file.objects if item.image_id in ids),
        categories=file.categories,
        sha256=_sha256(file.data, selected),
        notices=file.notices,
        kind=found.kind,
        parts=found.parts,
        numbers_stated=file.numbers_stated,
    )


def _check_files(selected: Sequence[CocoImage], folder: Path) -> None:
    """Every image file is there and has the annotated size; only headers are read."""
    if not folder.is_dir():
        raise DatasetError("the image folder is not there", where=folder)
    missing = [image.file_name for image in selected if not image.path.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(selected)} images are missing",
            got=first_few(missing),
            where=folder,
            next_step="give the folder that belongs to the annotation file",
        )
    wrong = [text for text in map(_size_fault, selected) if text]
    if wrong:
        raise DatasetError(
            f"{len(wrong)} of {len(selected)} images are not as annotated",
            got=first_few(wrong),
            where=folder,
            next_step="boxes are annotated in pixels: use the images in their original size",
        )


def _size_fault(image: CocoImage) -> str:
    try:
        with Image.open(image.path) as opened:
            size = opened.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return f"{image.file_name} (no image that can be read)"
    if size == (image.width, image.height):
        return ""
    return f"{image.file_name} ({size[0]}x{size[1]}, annotated {image.width}x{image.height})"


def _sha256(data: bytes, selected: Sequence[CocoImage]) -> str:
    digest = hashlib.sha256(data)
    digest.update(json.dumps([(image.id, image.file_name) for image in selected]).encode())
    return digest.hexdigest()
