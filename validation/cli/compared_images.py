"""What two model files are run on, and what they are called beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from validation.cli.flags import say, say_as_stored
from validation.errors import UsageError
from validation.files.names import short_names
from validation.preprocess.image import ImageFile, images_in, shown_otherwise_count
from validation.zoo.bundled_files import labelled_scenes
from validation.zoo.canaries import load_canaries

# Of the package's own images: enough to see whether two files are the same detector.
_SCENES = 16


def images_to_compare_on(folder: Path | None) -> Sequence[ImageFile]:
    """Those of a folder; None takes photographs and drawn scenes of the package, and says so.

    Raises:
        UsageError: The folder has no images.
        DatasetError: No such folder.
    """
    if folder is not None:
        images = images_in(folder)
        if not images:
            raise UsageError("no images to compare on", where=folder)
        say_as_stored(shown_otherwise_count(images))
        return images
    photographs = [ImageFile(canary.path.name, canary.path) for canary in load_canaries()]
    scenes = images_in(labelled_scenes()[1])[:_SCENES]
    say(
        f"comparing on {len(photographs)} photographs and {len(scenes)} drawn scenes of the package"
    )
    return [*photographs, *scenes]


def told_apart(first: Path, second: Path) -> tuple[str, str]:
    """Two paths by their names, with as many folders as it takes to tell them apart."""
    one, other = first.absolute(), second.absolute()
    if one == other:
        return str(first), str(second)
    names = short_names((one, other))
    return names[one], names[other]
