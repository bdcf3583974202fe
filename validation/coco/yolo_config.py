"""The file that describes a YOLO set: a data.yaml, or darknet's obj.data with its obj.names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.coco.found import is_file
from validation.coco.parts import EVALUATED
from validation.coco.yaml_keys import MOST_CHARACTERS, Value, read_keys, top_level_keys
from validation.errors import DatasetError
from validation.files.outside import read_head, read_text

_DARKNET = re.compile(r"^\s*(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
# One name a line, beside the set.
_NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")


@dataclass(frozen=True)
class YoloConfig:
    """What such a file says.

    Args:
        path: The file.
        split: The key that the images were taken from.
        images: Folders of images, or lists of them, as they are written.
        root: Folder that these are below, as it is written; maybe empty.
        names: Name of each class, counted from 0; empty where none are stated.
        keypoints: Whether keypoints stand behind the boxes.
    """

    path: Path
    split: str
    images: tuple[str, ...]
    root: str
    names: Mapping[int, str]
    keypoints: bool


def is_yolo_config(text: str) -> bool:
    """True where the text is a data.yaml or an obj.data."""
    keys = set(top_level_keys(text))
    if "names" in keys or "nc" in keys:
        return bool(keys & {"train", "nc", *EVALUATED})
    darknet = {match[1] for match in _DARKNET.finditer(text)}
    return "names" in darknet and bool(darknet & {"train", "valid"})


def read_yolo_config(path: Path) -> YoloConfig:
    """Read a data.yaml or an obj.data.

    Raises:
        DatasetError: The file cannot be read, or names no images but for training.
    """
    try:
        text = read_text(path, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DatasetError("the description cannot be read", got=error, where=path) from error
    keys: Mapping[str, Value]
    if set(top_level_keys(text)) & {"names", "nc"}:
        keys = read_keys(text, ("path", "names", "nc", "kpt_shape", *EVALUATED), path.name)
        listed = keys.get("names", [])
        if isinstance(listed, str) and is_file(path.parent / listed):
            names = read_name_file(path.parent / listed)
        else:
            names = _names(listed, path.name)
        _check_count(keys.get("nc"), names, path.name)
    else:
        keys = {match[1]: match[2] for match in _DARKNET.finditer(text)}
        written = str(keys.get("names", ""))
        beside = (path.parent / written, path.parent / Path(written).name)
        file = next((each for each in beside if is_file(each)), None)
        names = read_name_file(file) if file else names_beside(path.parent)
    split = next((key for key in EVALUATED if keys.get(key)), None)
    if split is None:
        raise DatasetError(
            "the description names no images to evaluate on",
            expected="val or test",
            got="train alone" if "train" in text else "neither",
            where=path,
            next_step="name the images to evaluate on: their folder, or a list of them",
        )
    images = keys[split]
    if isinstance(images, dict):
        raise DatasetError(f"{split} is no path", got=images, where=path)
    return YoloConfig(
        path=path,
        split=split,
        images=tuple(images) if isinstance(images, list) else (images,),
        root=str(keys.get("path", "")),
        names=names,
        keypoints="kpt_shape" in keys,
    )


def names_beside(folder: Path) -> dict[int, str]:
    """The names in a list or a data.yaml that lies in a folder or up to two above; or none."""
    for place in (folder, *folder.absolute().parents[:2]):
        for name in _NAME_FILES:
            if is_file(place / name):
                return read_name_file(place / name)
        for file in (*sorted(place.glob("*.yaml")), *sorted(place.glob("*.yml"))):
            text = head_of_text(file)
            if is_yolo_config(text):
                keys = read_keys(text, ("names",), file.name)
                return _names(keys.get("names", []), file.name)
    return {}


def head_of_text(path: Path) -> str:
    """The first part of a text file, ample for a data.yaml; empty where it is no text."""
    try:
        head = read_head(path, MOST_CHARACTERS)
    except OSError:
        return ""
    try:
        # The last character may be cut.
        return str(codecs.getincrementaldecoder("utf-8-sig")().decode(head))
    except ValueError:
        return ""


def is_name_file(path: Path) -> bool:
    """True for the lists of names and of images that lie among label files."""
    name = path.name.lower()
    lists = {"train.txt", "val.txt", "valid.txt", "test.txt", "labels.txt"}
    return name in (*_NAME_FILES, *lists) or name.startswith("readme")


def read_name_file(path: Path) -> dict[int, str]:
    """Names, one a line, counted from 0.

    Raises:
        DatasetError: The file cannot be read, or a line between names is empty.
    """
    try:
        lines = read_text(path, encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError("the list of names cannot be read", got=error, where=path) from error
    names = [line.strip() for line in lines]
    if "" in names:
        raise DatasetError(
            "an empty line, which would shift the classes after it",
            where=f"{path}, line {names.index('') + 1}",
        )
    return dict(enumerate(names))


def _names(value: Value, where: str) -> dict[int, str]:
    if isinstance(value, dict):
        wrong = [key for key in value if not (key.isascii() and key.isdigit() and len(key) < 7)]
        if wrong:
            raise DatasetError(
                "names are not numbered", expected="0: name", got=wrong[0], where=where
            )
        return {int(key): name for key, name in value.items()}
    if isinstance(value, str):
        raise DatasetError("names is no list of names", got=value, where=where)
    return dict(enumerate(value))


def _check_count(count: Value | None, names: Mapping[int, str], where: str) -> None:
    if names and isinstance(count, str) and count.isdigit() and int(count) != len(names):
        raise DatasetError(
            "nc and names disagree",
            expected=f"{count} names, as nc says",
            got=len(names),
            where=where,
        )
