"""A COCO annotation file and its image folder as one checked, frozen data set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from validation.coco.annotations import CocoAnnotation, CocoImage, read_annotations
from validation.errors import DatasetError, UsageError, first_few
from validation.preprocess.image import ImageFile
from validation.record.dataset_notices import DatasetNotice
from validation.record.run import DatasetFacts


@dataclass(frozen=True)
class Dataset:
    """Labelled images that are known to be there and to be what the annotations say.

    Args:
        name: For the record.
        annotation_path: The annotation file.
        images: By ascending id; images without any object are among them.
        ground_truth: The objects on these images, in file order.
        categories: Name of each category id of the annotation file.
        sha256: Over the annotation file's bytes and the selected ids and file names.
        notices: What was assumed or converted while it was read.
    """

    name: str
    annotation_path: Path
    images: tuple[CocoImage, ...]
    ground_truth: tuple[CocoAnnotation, ...] = field(repr=False)
    categories: Mapping[int, str] = field(repr=False)
    sha256: str
    notices: tuple[DatasetNotice, ...] = ()

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
            self.name, self.sha256, len(self.images), self.annotations, self.notices
        )


def load_dataset(
    annotations: Path,
    images: Path,
    *,
    max_images: int | None = None,
    name: str | None = None,
) -> Dataset:
    """Read and check a data set in the COCO layout (https://cocodataset.org/#format-data).

    Args:
        annotations: The instances JSON file.
        images: Folder that the annotated file names are relative to.
        max_images: Take only the first so many by image id. None: all.
        name: For the record. None: the annotation file's name without its ending.

    Raises:
        UsageError: max_images is below 1.
        DatasetError: File or folder missing, not the COCO layout, ids doubled or
            unknown, or image files missing or of another size than annotated.
    """
    if max_images is not None and max_images < 1:
        raise UsageError(
            "no image would be evaluated",
            expected="at least 1",
            got=max_images,
            where="maximum number of images",
        )
    file = read_annotations(annotations, images)
    selected = tuple(file.images[key] for key in sorted(file.images)[:max_images])
    _check_files(selected, images)
    ids = {image.id for image in selected}
    return Dataset(
        name=name or annotations.stem,
        annotation_path=annotations,
        images=selected,
        ground_truth=tuple(item for item in file.objects if item.image_id in ids),
        categories=file.categories,
        sha256=_sha256(file.data, selected),
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
