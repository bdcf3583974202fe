"""What a reference is: a file as it is named, or the one that a model's folder is taken for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from validation.errors import ArtefactError, first_few
from validation.kinds.kind import Kind, Recognised, Wanted
from validation.kinds.of_folder import matching, model_folders, saved_model_folder
from validation.kinds.refusal import require_kind

# What graphs and values of TensorFlow 1 are called; a folder with one is an archive.
_ARCHIVE = ("frozen_inference_graph.pb", "tflite_graph.pb", "*.ckpt*.index", "*.meta")


def recognise_reference(path: Path) -> Recognised:
    """What a reference names.

    Args:
        path: A graph, a SavedModel, a checkpoint's prefix, a model's folder, its tar archive, a
            .tflite, or detections as JSON.

    Returns:
        Of a folder without a graph of TensorFlow 1 the SavedModel in it, else its only .tflite: so
        of an archive of TensorFlow 2, once it is unpacked. A SavedModel goes by its folder. Every
        other one is as it was named.

    Raises:
        ArtefactMissing: There is nothing, or it cannot be read.
        ArtefactError: Nothing to judge by, part of a file, a SavedModel under another name, or
            several .tflite files and nothing else.
    """
    found = require_kind(path, Wanted.REFERENCE)
    if found.kind is Kind.SAVED_MODEL:
        return _saved_model(found)
    if found.kind is Kind.MODEL_FOLDER:
        return _of_folder(found)
    return found


def has_graph(names: Iterable[str]) -> bool:
    """Whether an archive with files of these names has graphs or values of TensorFlow 1."""
    return any(fnmatchcase(name, pattern) for name in names for pattern in _ARCHIVE)


def _saved_model(found: Recognised) -> Recognised:
    folder = saved_model_folder(found.path)
    if folder is None:
        raise ArtefactError(
            "a SavedModel is loaded by its folder, under its own name",
            expected="saved_model.pb in a folder, with variables/ beside it where it has any",
            got=found.path.name,
            where=found.path,
            next_step="name the folder that the exporter wrote, or rename the file to "
            "saved_model.pb",
        )
    return dataclasses.replace(found, path=folder)


def _of_folder(found: Recognised) -> Recognised:
    folders = model_folders(found.path)
    # Several models are told apart by whoever reads the archive.
    if len(folders) != 1 or matching(folders[0], _ARCHIVE):
        return found
    (folder,) = folders
    saved_model = saved_model_folder(folder)
    if saved_model is not None:
        return Recognised(saved_model, Kind.SAVED_MODEL)
    files = matching(folder, ("*.tflite",))
    if len(files) > 1:
        raise ArtefactError(
            f"the folder has {len(files)} .tflite files and no graph",
            expected="one file to judge by",
            got=first_few(file.name for file in files),
            where=folder,
            next_step="name one of them",
        )
    return require_kind(files[0], Wanted.REFERENCE) if files else found
