"""Where COCO annotation files and their images lie in relation to each other."""

from __future__ import annotations

import json
from pathlib import Path

from validation.coco.found import is_file
from validation.errors import DatasetError
from validation.files.guard import faults
from validation.files.outside import Size, read_bytes, read_text

_MARKS = ('"images"', '"annotations"', '"categories"')


def coco_files(folder: Path) -> tuple[Path, ...]:
    """The files of a folder that have the three lists of COCO's instances."""
    found = [each for each in sorted(folder.glob("*.json")) if _has_lists(each)]
    return tuple(found)


def image_folder(annotations: Path) -> Path:
    """The folder of the images of an annotation file, where it is the usual one.

    That is the file's own folder, or `images` or `data` beside it, or for
    `instances_val2017.json` the folder `val2017`, beside the file, beside its folder, or in
    `images`.

    Raises:
        DatasetError: The images are in none of these.
    """
    here = annotations.parent
    split = annotations.stem.removeprefix("instances_")
    around = [root / name for root in (here, here.parent) for name in ("images", "data")]
    places = [here, here / split, here.parent / split, *around]
    places += [place / split for place in around]
    name = _first_image(annotations)
    if not name:
        # Not COCO's layout, which its reader says better.
        return here
    for place in places:
        if is_file(place / name):
            return place
    raise DatasetError(
        "the annotation file does not say where its images are",
        expected="a folder of images",
        got=f"no {name} beside the file",
        where=annotations,
        next_step="name the folder with --coco-images",
    )


def _first_image(path: Path) -> str:
    try:
        table = json.loads(read_bytes(path, Size.TABLE))
        name = table["images"][0]["file_name"]
    except faults():
        return ""
    return name if isinstance(name, str) else ""


def _has_lists(path: Path) -> bool:
    try:
        text = read_text(path, Size.TABLE, encoding="utf-8-sig")
    except (OSError, ValueError):
        return False
    return all(mark in text for mark in _MARKS)
