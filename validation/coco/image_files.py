"""The files of annotated images: found under the names that tools write, and which way up."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from validation.coco.annotations import CocoImage
from validation.coco.found import is_file, is_folder
from validation.coco.image_folder import ImageFolder
from validation.coco.notice_list import NoticeList
from validation.errors import DatasetError, first_few
from validation.isolation.forks import fork_workers, in_forks
from validation.preprocess.image import StoredImage, stored_image
from validation.preprocess.opening import plain_size
from validation.record.dataset_notices import DatasetNoticeKind as Kind
from validation.root_cause import FaultKind, RootCause

# Of fewer images headers are read in less time than a fork takes.
_MANY = 2000

_ITS_FOLDER = "give the folder that belongs to the annotation file"


def settle_files(
    images: Sequence[CocoImage],
    folder: Path,
    notices: NoticeList,
    *,
    files_known: bool = False,
    sizes_stated: bool = True,
) -> tuple[CocoImage, ...]:
    """The images with the files that they are; only headers are read.

    Args:
        images: As annotated.
        folder: That the file names are relative to.
        notices: What was assumed is added to these.
        files_known: Each path is that of its file, so that none is looked for by name.
        sizes_stated: False where each size is the file's own, as it is shown.

    Returns:
        In the same order, each with its path and whether its pixels have to be turned.

    Raises:
        DatasetError: No such folder, files that are missing or that two images would share,
            no images, or images of another size than annotated.
    """
    if not files_known and not is_folder(folder):
        raise DatasetError("the image folder is not there", where=folder)
    headers = _headers(images, None if files_known else folder)
    if files_known:
        found = list(images)
        missing = [
            image.file_name
            for image, header in zip(images, headers, strict=True)
            if header is None and not is_file(image.path)
        ]
        _refuse_missing(missing, images, folder)
    else:
        found = _found(images, headers, ImageFolder(folder), notices)
    stored = [header or _stored(image) for image, header in zip(found, headers, strict=True)]
    wrong = [
        fault
        for image, each in zip(found, stored, strict=True)
        if (fault := _size_fault(image, each))
    ]
    if wrong:
        raise DatasetError(
            f"{len(wrong)} of {len(images)} images are not as annotated",
            got=first_few(wrong),
            where=folder,
            next_step="boxes are annotated in pixels: use the images in their original size",
            fault=FaultKind.LABELLED_SIZE,
        )
    readable = [each for each in stored if isinstance(each, StoredImage)]
    if not sizes_stated:
        return _as_shown(found, readable, notices)
    return _turned(found, readable, notices)


def _headers(images: Sequence[CocoImage], folder: Path | None) -> list[StoredImage | None]:
    """What the headers say of the images that lie where they are annotated; None of the others.

    Args:
        images: As annotated.
        folder: Where each has to lie under its name; None: anywhere.
    """

    def look(first: int, last: int, on_item: Callable[[], None]) -> list[StoredImage | bool]:
        found = []
        for image in images[first:last]:
            found.append(_header(image, folder))
            on_item()
        return found

    workers = fork_workers() if len(images) >= _MANY else 1
    if workers == 1:
        looked = look(0, len(images), lambda: None)
    else:
        with in_forks(lambda: look, len(images), workers=workers) as results:
            looked = [each for part in results(lambda _count: None) for each in part]
    return [
        (StoredImage((image.width, image.height)) if each else None)
        if isinstance(each, bool)
        else each
        for image, each in zip(images, looked, strict=True)
    ]


def _header(image: CocoImage, folder: Path | None) -> StoredImage | bool:
    """True for an upright image of the annotated size: nothing to send of most."""
    # An absolute path is that of the machine the images were annotated on.
    if folder is not None and (
        os.path.isabs(image.file_name)  # noqa: PTH117 faster
        or image.path != folder / image.file_name
    ):
        return False
    try:
        if plain_size(image.path) == (image.width, image.height):
            return True
        return stored_image(image.path)
    except (OSError, DatasetError):
        return False


def _found(
    images: Sequence[CocoImage],
    headers: Sequence[StoredImage | None],
    folder: ImageFolder,
    notices: NoticeList,
) -> list[CocoImage]:
    found, missing = [], []
    for image, header in zip(images, headers, strict=True):
        if header is not None:
            found.append(image)
            continue
        path, assumed = folder.find(image.file_name)
        if path is None:
            missing.append(image.file_name)
            continue
        if assumed is not None:
            notices.add(assumed, image.file_name)
        found.append(image if path == image.path else dataclasses.replace(image, path=path))
    _refuse_missing(missing, images, folder.path)
    _refuse_shared(found, folder.path)
    return found


def _refuse_missing(missing: Sequence[str], images: Sequence[CocoImage], folder: Path) -> None:
    if missing:
        raise DatasetError(
            f"{len(missing)} of {len(images)} images are missing",
            got=first_few(missing),
            where=folder,
            next_step=_ITS_FOLDER,
            causes=[
                RootCause(FaultKind.MISSING_FILE, where=first_few(missing), next_step=_ITS_FOLDER)
            ],
        )


def _refuse_shared(images: Sequence[CocoImage], folder: Path) -> None:
    """Two entries of one file would each count what the other one's objects find as wrong."""
    counts = Counter(image.path for image in images)
    shared = [image for image in images if counts[image.path] > 1]
    if shared:
        raise DatasetError(
            f"{len(shared)} images of the annotations are {len({i.path for i in shared})} files",
            expected="a file for each image",
            got=first_few(f"{image.id}: {image.file_name}" for image in shared),
            where=folder,
            next_step="merge the entries, or give the folder that the names are relative to",
        )


def _stored(image: CocoImage) -> StoredImage | DatasetError:
    try:
        return stored_image(image.path)
    except DatasetError as error:
        return error


def _size_fault(image: CocoImage, stored: StoredImage | DatasetError) -> str:
    if isinstance(stored, DatasetError):
        return f"{image.file_name} ({stored.what}: {stored.got})"
    annotated = (image.width, image.height)
    if annotated in (stored.size, stored.shown_size):
        return ""
    text = f"{stored.size[0]}x{stored.size[1]}, annotated {annotated[0]}x{annotated[1]}"
    return f"{image.file_name} ({text})"


def _turned(
    images: Sequence[CocoImage], stored: Sequence[StoredImage], notices: NoticeList
) -> tuple[CocoImage, ...]:
    """The annotated size says which way up boxes are; where it does not, the other images do."""
    fits = [
        None if each.size == each.shown_size else (image.width, image.height) == each.shown_size
        for image, each in zip(images, stored, strict=True)
    ]
    known = {fit for fit in fits if fit is not None}
    habit = known.pop() if len(known) == 1 else None
    settled = []
    for image, each, fit in zip(images, stored, fits, strict=True):
        if each.is_upright:
            settled.append(image)
            continue
        turned = habit if fit is None else fit
        if turned is None:
            notices.add(Kind.TURN_UNDECIDED, image.file_name, moves_figures=True)
        else:
            kind = Kind.TURNED if turned else Kind.TURN_NOT_ANNOTATED
            notices.add(kind, image.file_name)
        settled.append(dataclasses.replace(image, turned=bool(turned)))
    return tuple(settled)


def _as_shown(
    images: Sequence[CocoImage], stored: Sequence[StoredImage], notices: NoticeList
) -> tuple[CocoImage, ...]:
    """Turned without a size that tells: most tools show an image upright to be labelled."""
    for image, each in zip(images, stored, strict=True):
        if not each.is_upright:
            notices.add(Kind.TURN_ASSUMED, image.file_name, moves_figures=True)
    return tuple(
        image if each.is_upright else dataclasses.replace(image, turned=True)
        for image, each in zip(images, stored, strict=True)
    )
