"""Folders told apart by the names of what lies in them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from validation.kinds.kind import Kind, Recognised

_SAVED_MODEL_FILES = ("saved_model.pb", "saved_model.pbtxt")
# The first kind with a pattern that a name below the folder matches, two levels down at most.
_PATTERNS = (
    (Kind.RUN_FOLDER, ("record.jsonl",)),
    (Kind.SAVED_MODEL, _SAVED_MODEL_FILES),
    (
        Kind.MODEL_FOLDER,
        (
            "frozen_inference_graph.pb",
            "tflite_graph.pb",
            "pipeline.config",
            "*.ckpt*.index",
            "*.tflite",
        ),
    ),
    (Kind.CORE_ML, ("*.mlmodel",)),
    (Kind.VOC_FOLDER, ("*.xml",)),
    (Kind.IMAGE_FOLDER, ("*.jpg", "*.jpeg", "*.png")),
)
# Of a folder of photographs the first few say enough.
_MOST_NAMES = 2_000


def folder_kind(path: Path) -> Recognised:
    """What a folder holds; one that cannot be listed is just a folder."""
    own = _names(path)
    kind = _kind(own)
    if kind is None and saved_model_folder(path) is not None:
        kind = Kind.SAVED_MODEL
    if kind is None:
        # A data set or an archive has its files one level down.
        below = [name for each in own for name in _names(path / each)[:_MOST_NAMES]]
        found = _kind(below)
        kind = found if found in (Kind.VOC_FOLDER, Kind.MODEL_FOLDER) else Kind.FOLDER
    return Recognised(path, kind)


def inside(path: Path, patterns: Iterable[str]) -> Path | None:
    """The first file right in a folder that a pattern matches, in the patterns' order."""
    names = _names(path)
    for pattern in patterns:
        for name in names:
            if fnmatchcase(name, pattern) and (path / name).is_file():
                return path / name
    return None


def matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """The files right in a folder that one of the patterns matches, sorted by name."""
    return [
        folder / name
        for name in _names(folder)
        if any(fnmatchcase(name, pattern) for pattern in patterns) and (folder / name).is_file()
    ]


def model_folders(path: Path) -> list[Path]:
    """A model's folder itself, or those one level down that are a model's."""
    if _kind(_names(path)) is Kind.MODEL_FOLDER:
        return [path]
    below = [path / name for name in _names(path)]
    return [folder for folder in below if _kind(_names(folder)) is Kind.MODEL_FOLDER]


def saved_model_folder(path: Path) -> Path | None:
    """The folder with saved_model.pb that a path stands for; None where it stands for none.

    Args:
        path: That folder, its saved_model.pb or .pbtxt, or a folder that has it as saved_model/, as
            exports and unpacked archives do.
    """
    if path.name in _SAVED_MODEL_FILES:
        path = path.parent
    for folder in (path, path / "saved_model"):
        if any((folder / name).is_file() for name in _SAVED_MODEL_FILES):
            return folder
    return None


def _kind(names: list[str]) -> Kind | None:
    lowered = [name.lower() for name in names[:_MOST_NAMES]]
    return next(
        (
            kind
            for kind, patterns in _PATTERNS
            for pattern in patterns
            if any(fnmatchcase(name, pattern) for name in lowered)
        ),
        None,
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    except OSError:
        return []
