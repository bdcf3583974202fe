"""The files that ship inside this package: archives, scenes and canaries."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from validation.errors import ArtefactMissing, CatalogueError
from validation.files.guard import guarded
from validation.zoo.integrity import Digest, digest_file, verify

# The group of the catalogue whose archives lie here.
BUNDLED_GROUP = "bundled"
# How a record and its report call the labelled scenes, and the scenes to calibrate with.
SCENES_NAME = "bundled scenes"
CALIBRATION_NAME = "bundled calibration scenes, none of them among the labelled"
BUNDLED_FOLDER = Path(__file__).with_name("bundled")
# Of a list of hashes, in the form that sha256sum writes and checks.
SUMS_NAME = "SHA256SUMS"

_INSTALL_AGAIN = "the package was installed without its data: install it again"


def bundled_file(member: str) -> Path:
    """A file or folder that ships with the package.

    Args:
        member: Path below the folder, with slashes.

    Raises:
        CatalogueError: The path leads out of the folder.
        ArtefactMissing: It is not there.
    """
    parts = PurePosixPath(member)
    # Names alone are judged: some installers put links to their cache in the place of files.
    if parts.is_absolute() or ".." in parts.parts or "\\" in member:
        raise CatalogueError("a file of the package lies outside of its folder", got=member)
    path = BUNDLED_FOLDER / member
    if not path.exists():
        raise ArtefactMissing(
            f"{member} should have come with this package, but it is not there",
            where=path,
            next_step=_INSTALL_AGAIN,
        )
    return path


def labelled_scenes() -> tuple[Path, Path]:
    """The annotation file of the labelled scenes and the folder of their images, verified.

    Raises:
        ArtefactMissing: A file is not there.
        CatalogueError: The list of hashes cannot be read.
        IntegrityError: A file is another one.
    """
    _verify_sums(bundled_file(f"scenes/{SUMS_NAME}"))
    return bundled_file("scenes/annotations.json"), bundled_file("scenes/images")


def calibration_scenes() -> Path:
    """The folder of the scenes that quantisation is calibrated with, verified.

    Raises:
        ArtefactMissing: A file is not there.
        CatalogueError: The list of hashes cannot be read.
        IntegrityError: A file is another one.
    """
    _verify_sums(bundled_file(f"calibration/{SUMS_NAME}"))
    return bundled_file("calibration/images")


def recorded_ap(name: str) -> float | None:
    """AP of a bundled model on the scenes, as it was measured when it was trained.

    Args:
        name: Of the model.

    Returns:
        From 0 to 1; None where nothing was recorded.

    Raises:
        CatalogueError: The file says something else.
    """
    path = BUNDLED_FOLDER / f"{name}.training.json"
    if not path.is_file():
        return None
    with guarded(CatalogueError, "the figures of a bundled model cannot be read", where=path):
        return float(json.loads(path.read_bytes())["accuracy"]["ap"])


def bundled_canaries() -> Path:
    """The list of the canaries for models of the scenes' classes, see `canaries`.

    Raises:
        ArtefactMissing: It is not there.
    """
    return bundled_file("canaries.toml")


def _verify_sums(path: Path) -> None:
    """Every file of a list is the one that the list names; the list names at least one."""
    lines = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines()]
    if not lines or any(len(line) != 2 for line in lines):
        raise CatalogueError(
            "the list of hashes cannot be read", expected="sha256 and file name", where=path
        )
    for sha256, name in lines:
        # A star before the name says that the file was read as bytes.
        file = path.parent / name.removeprefix("*")
        digest = digest_file(file, _INSTALL_AGAIN)
        verify(
            digest,
            Digest(sha256, digest.size_bytes),
            what=f"{name} of the package",
            where=file,
            next_step="install the package again",
        )
