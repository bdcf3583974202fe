"""What lies in a packed archive, by name alone: asked before anything is unpacked."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from validation.errors import ArtefactError
from validation.zoo.tar_stream import opened_tar


def file_names(archive: Path) -> frozenset[str]:
    """The last names of the files in a tar archive, packed or not.

    What cannot be read, or is more than an archive may be, has no names here: unpacking it says
    what is wrong with it.
    """
    try:
        with opened_tar(archive) as members:
            return frozenset(
                PurePosixPath(member.name).name for member in members if member.isfile()
            )
    except ArtefactError:
        return frozenset()
