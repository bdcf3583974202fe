"""Images as workers find them: their addresses, and the local file that each becomes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from validation.cluster.address import IMAGES_FLAG
from validation.errors import ClusterError
from validation.files.atomic import write_bytes_atomic
from validation.files.digest import file_sha256
from validation.preprocess.image import ImageFile
from validation.zoo.cache import default_cache_dir

_PACKAGE = Path(__file__).parents[1]
_IN_PACKAGE = f"{_PACKAGE}{os.sep}"
_CACHE = "cluster-images"
# Of one task; fetching waits for the network and uses no core.
_AT_A_TIME = 8


@dataclass(frozen=True)
class RemoteImage:
    """One image as a worker is to find it: by the first of these that is given.

    Args:
        key: See `ImageFile`.
        sha256: Of the file's bytes.
        turned: See `ImageFile`.
        in_package: Its path below the package, of images that ship with it.
        content: The bytes, of images outside of the folder that a URL stands for.
        url: Of the folder that it lies in, for fsspec.
        path: Below that folder; without a URL, the path of the controlling process.
    """

    key: str
    sha256: str
    turned: bool = False
    in_package: str = ""
    content: bytes | None = None
    url: str = ""
    path: str = ""


@dataclass(frozen=True)
class ImagePlaces:
    """Where workers find the images of the controlling process.

    Args:
        folder: Of the labelled images; None where they have no folder of their own.
        url: What it is to workers; empty: the same path.
    """

    folder: Path | None = None
    url: str = ""

    @classmethod
    def of(cls, images: Sequence[ImageFile], folder: Path | None, url: str | None) -> ImagePlaces:
        """Where the images of a command are.

        Args:
            images: All of them.
            folder: That was named; None: the one that all of them lie below.
            url: That was named for workers.
        """
        above = [str(image.path.absolute().parent) for image in images]
        return cls(folder or Path(os.path.commonpath(above)), url or "")

    def remote(self, image: ImageFile, sha256: str) -> RemoteImage:
        """An image as workers find it.

        Args:
            image: Of the controlling process.
            sha256: Of its bytes.
        """
        path = image.path.absolute()
        text = str(path)
        # Parts of paths are compared in tens of microseconds, and there are many images.
        if text.startswith(_IN_PACKAGE):
            inside = text.removeprefix(_IN_PACKAGE)
            return RemoteImage(image.key, sha256, image.turned, in_package=inside)
        if not self.url:
            return RemoteImage(image.key, sha256, image.turned, path=text)
        folder = self.folder and self.folder.absolute()
        if folder is None or not path.is_relative_to(folder):
            # A few canaries of the user's own: their folder has no URL.
            return RemoteImage(image.key, sha256, image.turned, content=path.read_bytes())
        below = path.relative_to(folder).as_posix()
        return RemoteImage(image.key, sha256, image.turned, url=self.url, path=below)


def local_images(images: Sequence[RemoteImage], worker: str) -> tuple[ImageFile, ...]:
    """The images as files of this machine, each with the bytes that it is to have.

    Args:
        images: Of one piece.
        worker: For messages.

    Raises:
        ClusterError: One cannot be read here, or is another file; names worker and path.
    """
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        return tuple(pool.map(lambda image: _local(image, worker), images))


def _local(image: RemoteImage, worker: str) -> ImageFile:
    if image.in_package:
        return _checked(image, _PACKAGE / image.in_package, worker)
    if image.content is None and not image.url:
        return _checked(image, Path(image.path), worker)
    kept = default_cache_dir() / _CACHE / image.sha256[:2] / image.sha256
    if kept.is_file() and file_sha256(kept) == image.sha256:
        return ImageFile(image.key, kept, image.turned)
    content = _fetched(image, worker) if image.content is None else image.content
    found = hashlib.sha256(content).hexdigest()
    if found != image.sha256:
        raise _another(image, found, f"{image.url}/{image.path}", worker)
    write_bytes_atomic(kept, content, make_folder=True)
    return ImageFile(image.key, kept, image.turned)


def _checked(image: RemoteImage, path: Path, worker: str) -> ImageFile:
    try:
        found = file_sha256(path)
    except OSError as error:
        raise _unreadable(error.strerror or error, path, worker) from error
    if found != image.sha256:
        raise _another(image, found, path, worker)
    return ImageFile(image.key, path, image.turned)


def _fetched(image: RemoteImage, worker: str) -> bytes:
    try:
        files, root = _file_system(image.url)
        content: bytes = files.cat_file(f"{root}/{image.path}" if root else image.path)
    except Exception as error:  # every file system has its own
        text = f"{type(error).__name__}: {error}"
        raise _unreadable(text, f"{image.url}/{image.path}", worker) from error
    return content


@cache
def _file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    files, root = url_to_fs(url)
    return files, root.rstrip("/")


def _unreadable(why: object, where: object, worker: str) -> ClusterError:
    return ClusterError(
        f"worker {worker} cannot read an image",
        expected="the file that the controlling process has",
        got=why,
        where=where,
        next_step=f"share the folder under the same path, or name a URL of it with {IMAGES_FLAG}",
    )


def _another(image: RemoteImage, found: str, where: object, worker: str) -> ClusterError:
    return ClusterError(
        f"worker {worker} has another file for the image {image.key}",
        expected=f"sha256 {image.sha256}",
        got=f"sha256 {found}",
        where=where,
        next_step="copy the images of the controlling process to where the worker reads them",
    )
