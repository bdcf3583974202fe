"""Everything that writes files and folders: they are there whole or not at all.

New content is made beside its place under a name of `temporaries` and takes its place by one
renaming. Where no file can stand, `targets` decides. Against a kill at any moment this is enough;
a power cut may lose what was written last.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from validation.errors import ArtefactError
from validation.files.targets import ANOTHER, open_through, write_whole
from validation.files.temporaries import FILE_MODE, new_file, new_folder

_CHUNK_BYTES = 2**20
# Errors of renaming a folder to where something is already.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def write_text_atomic(path: Path, text: str, *, make_folder: bool = False) -> None:
    """`write_bytes_atomic` of text in UTF-8."""
    # File names on Linux may hold bytes that are not UTF-8; they are shown escaped.
    data = text.encode("utf-8", "backslashreplace")
    write_bytes_atomic(path, data, make_folder=make_folder)


def write_bytes_atomic(path: Path, data: bytes, *, make_folder: bool = False) -> None:
    """Write a file so that its path never holds half of it.

    Args:
        path: The file; see `atomic_file` for what else may stand there.
        data: Its content.
        make_folder: Make its folder where it is not there.

    Raises:
        ArtefactError: The file cannot be written, or its folder not be made.
    """
    with said_clearly(path, make_folder=make_folder), atomic_file(path) as file:
        file.write(data)


def copy_atomic(source: Path, target: Path) -> None:
    """Copy a file's bytes; see `write_bytes_atomic`.

    Raises:
        ArtefactError: The source cannot be read, or the target not be written.
    """
    with said_clearly(target), source.open("rb") as content, atomic_file(target) as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)


@contextlib.contextmanager
def said_clearly(path: Path, *, make_folder: bool = False) -> Iterator[None]:
    """What the system says while a file is written, as one error of the harness.

    Args:
        path: The file.
        make_folder: Make its folder first.

    Raises:
        ArtefactError: The file cannot be written, or its folder not be made.
    """
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtefactError(
            "the folder cannot be made", got=error.strerror, where=path.parent, next_step=ANOTHER
        ) from error
    try:
        yield
    except BrokenPipeError:  # whoever reads has enough, which is no failure of ours
        raise
    except OSError as error:
        raise ArtefactError(
            "the file cannot be written",
            got=error.strerror or error,
            where=path,
            next_step=ANOTHER,
        ) from error


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file, open for writing and reading, which replaces ``path`` when the block ends.

    On an error it is removed, and what was at ``path`` stays. A link at ``path`` is itself
    replaced, never followed. Devices, pipes and descriptors get the whole content when the block
    ends.

    Raises:
        ArtefactError: A folder, a disk or a socket stands there.
        OSError: The file cannot be written.
    """
    through = open_through(path)
    if through is not None:
        try:
            content = io.BytesIO()
            yield content
            write_whole(through, content.getbuffer())
        finally:
            os.close(through)
        return
    with _part(path) as (temporary, file):
        yield file
        file.flush()
        # Before it is closed, which would make it a leftover.
        temporary.replace(path)


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that belong together: where the last one is, all are of one making.

    All are written before any is put in place, so that earlier ones stay whole on a full disk.

    Args:
        folder: Made if it is not there.
        files: Content by name; the last one is the one that is looked for.

    Raises:
        ArtefactError: There is a folder where a file is to be.
        OSError: The files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[Path, Path] = {}
    with contextlib.ExitStack() as stack:
        for name, data in files.items():
            target = folder / name
            through = open_through(target)
            if through is not None:
                stack.callback(os.close, through)
                write_whole(through, data)
                continue
            made[target], file = stack.enter_context(_part(target))
            file.write(data)
            file.flush()
        if made:
            # Neither the old one with new companions, nor the new one with old ones.
            list(made)[-1].unlink(missing_ok=True)
        for target, temporary in made.items():
            temporary.replace(target)


def write_new_bytes(path: Path, data: bytes, *, mode: int = FILE_MODE) -> None:
    """`write_bytes_atomic` of a file that must not be there yet.

    Args:
        path: The file. Nothing may stand there, not even a link to nothing.
        data: Its content.
        mode: Of the file, before the user's umask.

    Raises:
        ArtefactError: There is a file, or it cannot be written.
    """
    with said_clearly(path), _part(path, mode) as (temporary, file):
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        try:
            # Unlike a renaming, a link never takes the place of another file.
            os.link(temporary, path)
        except FileExistsError as error:
            raise ArtefactError(
                "there is such a file, and it is never overwritten", where=path
            ) from error


@contextlib.contextmanager
def _part(target: Path, mode: int = FILE_MODE) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside its place, and open; gone when the block ends, unless it was renamed."""
    temporary, handle = new_file(target, mode)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield temporary, file
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_folder(destination: Path) -> Iterator[Path]:
    """An empty folder beside ``destination``, gone when the block ends.

    What is to stay is moved out of it, or it is itself renamed, as the block's last step: one
    file system, so that the move happens wholly or not at all.

    Raises:
        OSError: The folder cannot be made.
    """
    folder, handle = new_folder(destination)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


@contextlib.contextmanager
def atomic_folder(destination: Path, *, replace: bool = False) -> Iterator[Path]:
    """An empty folder that becomes ``destination`` when the block ends, and is gone on an error.

    Needs no lock: of two processes with one destination, the later one is refused.

    Args:
        destination: Nothing may be there, or an empty folder.
        replace: Put what is there aside and remove it; hold a lock.

    Raises:
        ArtefactError: Something stands there.
        OSError: The folder cannot be made.
    """
    with scratch_folder(destination) as folder:
        yield folder
        try:
            if replace:
                replace_folder(folder, destination)
            else:
                folder.rename(destination)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            raise ArtefactError(
                "something stands where the folder is to be",
                expected="nothing, or an empty folder",
                where=destination,
                next_step="another process may have made it just now; remove it, or name another",
            ) from error


def replace_folder(folder: Path, destination: Path) -> None:
    """Rename a folder to a place beside it, what stands there being removed; hold a lock.

    Raises:
        OSError: It cannot be renamed.
    """
    if not os.path.lexists(destination):
        folder.rename(destination)
        return
    # By renaming, so that what is being read stays whole, and a kill leaves nothing half-removed.
    with scratch_folder(destination) as aside:
        old = aside / "old"
        destination.rename(old)
        try:
            folder.rename(destination)
        except OSError:
            old.rename(destination)
            raise
