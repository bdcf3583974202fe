"""A model's bytes on their way to workers, and the file that they become there."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from validation.errors import ArtefactMissing
from validation.files.atomic import write_bytes_atomic

# Digits of the hash in the name of a worker's folder.
_DIGITS = 20
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class ModelFile:
    """A model file, or the folder of a SavedModel, where the controlling process has it.

    Args:
        path: The file or folder.
    """

    path: Path

    @cached_property
    def content(self) -> bytes:
        """The bytes; of a folder, a ZIP of its files that is the same on every call.

        Raises:
            ArtefactMissing: It cannot be read.
        """
        try:
            return self.path.read_bytes() if self.path.is_file() else _packed(self.path)
        except OSError as error:
            raise ArtefactMissing(
                "the model cannot be read", got=error.strerror or error, where=self.path
            ) from error

    @cached_property
    def name(self) -> ModelName:
        """What workers know it by."""
        digest = hashlib.sha256(self.content).hexdigest()
        return ModelName(self.path.name, digest, is_folder=self.path.is_dir())


@dataclass(frozen=True)
class ModelName:
    """Which model a task needs.

    Args:
        name: Of the file or folder, for messages.
        sha256: Of the bytes that travel.
        is_folder: They are a packed folder.
    """

    name: str
    sha256: str
    is_folder: bool = False

    def kept_in(self, folder: Path, content: bytes) -> Path:
        """The file, or the folder, below a worker's own folder; written where it is not there.

        Args:
            folder: Goes with the worker.
            content: The bytes that travelled.
        """
        path = folder / self.sha256[:_DIGITS] / self.name
        if not path.exists():
            if self.is_folder:
                _unpack(content, path)
            else:
                write_bytes_atomic(path, content, make_folder=True)
        return path


def _packed(folder: Path) -> bytes:
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as packed:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
                packed.writestr(member, path.read_bytes())
        return stream.getvalue()


def _unpack(content: bytes, path: Path) -> None:
    """Whole or not at all: another thread of the worker may want it at the same time."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        packed.extractall(path)
