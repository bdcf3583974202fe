"""A package's own data in small: a miniature's archive, its labelled images, canaries and sums."""

import hashlib
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from miniature_cases import MODEL, MiniatureFiles, own_canaries

from validation.zoo import bundled_files, catalogue


def write_sums(folder: Path) -> None:
    """List the hash of every file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    (folder / "SHA256SUMS").write_text(
        "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
            for path in files
        )
    )


def lay_out_bundled(folder: Path, miniature: MiniatureFiles) -> Path:
    """Write the data as the package ships it.

    Returns:
        The folder that stands for the package's own.
    """
    scenes = folder / "scenes"
    shutil.copytree(miniature.images, scenes / "images")
    shutil.copy(miniature.annotations, scenes / "annotations.json")
    shutil.copy(miniature.archive / "label_map.pbtxt", scenes / "label_map.pbtxt")
    write_sums(scenes)
    shutil.copytree(miniature.images, folder / "calibration" / "images")
    write_sums(folder / "calibration")
    (folder / "canaries.toml").write_text(
        "\n".join(
            f'[[canary]]\nfile = "scenes/images/{each.path.name}"\n'
            f'sha256 = "{hashlib.sha256(each.path.read_bytes()).hexdigest()}"\n'
            f"label = {json.dumps(each.label)}\nbox = {json.dumps(list(each.box))}\n"
            'origin = "drawn"\nlicence = "none"\n'
            for each in own_canaries(miniature)
        )
    )
    with tarfile.open(folder / f"{MODEL}.tar.gz", "w:gz") as tar:
        tar.add(miniature.archive, MODEL)
    return folder


def install(folder: Path, listed: str, patch: pytest.MonkeyPatch) -> None:
    """Let a folder and its catalogue stand for what the package ships.

    Args:
        folder: See `lay_out_bundled`.
        listed: The catalogue's text; written beside the folder.
        patch: Undoes it.
    """
    path = folder.with_suffix(".toml")
    path.write_text(listed)
    patch.setattr(bundled_files, "BUNDLED_FOLDER", folder)
    others = [each for each in catalogue.DEFAULT_CATALOGUES if each.name != "bundled.toml"]
    patch.setattr(catalogue, "DEFAULT_CATALOGUES", (path, *others))
