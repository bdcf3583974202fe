"""What lies in a packed archive, by name alone: asked before anything is unpacked."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath

from validation.zoo.unpack import MOST_MEMBERS


def file_names(archive: Path) -> frozenset[str]:
    """The last names of the files in a tar archive, packed or not.

    As many as an archive may have. What cannot be read has no names here: unpacking it tells what
    is wrong with it.
    """
    try:
        return frozenset(islice(_names(archive), MOST_MEMBERS))
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error):
        return frozenset()


def _names(archive: Path) -> Iterator[str]:
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            if member.isfile():
                yield PurePosixPath(member.name).name
