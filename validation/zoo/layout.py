"""Which file of an archive is what: the names that the OD API gives, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing
from validation.files.outside import read_head, read_text
from validation.labels.items import is_items

FROZEN_GRAPH = "frozen_inference_graph.pb"
TFLITE_GRAPH = "tflite_graph.pb"
PIPELINE_CONFIG = "pipeline.config"
# What the OD API for TensorFlow 2 gives its checkpoints; TensorFlow 1 has a file of this name.
_TF2_CHECKPOINTS = "checkpoint"

_LABEL_LIST = re.compile(r".*label.*\.txt|(.*[_-])?classes\.txt|.*\.names", re.IGNORECASE)
# Enough to see how a label map begins. Text graphs with weights are .pbtxt too, and huge.
_HEAD_BYTES = 4096
SHARD = re.compile(r"(?P<prefix>.+)\.data-[0-9]{5}-of-(?P<count>[0-9]{5})")
_STEP = re.compile(r"-([0-9]+)$")
_NAMED_PREFIX = re.compile(r'^\s*model_checkpoint_path\s*:\s*"([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class ModelFiles:
    """The files of one model, None where the archive lacks one.

    Args:
        frozen_graph: The frozen inference graph, from image to detections.
        meta_graph: The graph beside a checkpoint, or alone.
        checkpoint_prefix: Path without .index and .data-*; no file has this very name.
        pipeline_config: The configuration that the model was trained with.
        tflite_graph: The frozen graph that was exported for TFLite.
        label_map: Names of the classes.
    """

    frozen_graph: Path | None = None
    meta_graph: Path | None = None
    checkpoint_prefix: Path | None = None
    pipeline_config: Path | None = None
    tflite_graph: Path | None = None
    label_map: Path | None = None

    @property
    def folder(self) -> Path:
        """Where they lie, but for the label map, which may lie above."""
        own = dataclasses.replace(self, label_map=None)
        return (self.checkpoint_prefix or own.paths()[0]).parent

    def paths(self) -> tuple[Path, ...]:
        """Every file that takes part, the checkpoint's index and shards among them."""
        paths = [
            path
            for path in (getattr(self, item.name) for item in fields(self))
            if path is not None and path != self.checkpoint_prefix
        ]
        if self.checkpoint_prefix is not None:
            folder, prefix = self.checkpoint_prefix.parent, self.checkpoint_prefix.name
            paths += [path for path in _files(folder) if _belongs(path.name, prefix)]
        return tuple(paths)


def looks_like_archive(folder: Path) -> bool:
    """True when the folder itself holds a file that only a model's archive has.

    Raises:
        ArtefactMissing: The folder cannot be listed.
    """
    return any(
        name in (FROZEN_GRAPH, TFLITE_GRAPH, PIPELINE_CONFIG)
        or name.endswith(".meta")
        or _is_index(name)
        for name in (path.name for path in _files(folder))
    )


def find_model_files(root: Path, subfolder: str = "") -> ModelFiles:
    """Find the files of one model in a folder, or in its only sub-folder that has a model.

    All of them come from one folder, since files of two trainings do not belong together; only
    the label map may lie beside that folder.

    Args:
        root: Folder of the unpacked archive.
        subfolder: Name of the model's folder where there are several, at the top or one folder
            deep. Empty: there is one model.

    Raises:
        ArtefactError: No model, half a checkpoint, or more than one sub-folder with a model.
        ArtefactMissing: The folder cannot be listed.
    """
    folder = _named_folder(root, subfolder) if subfolder else _model_folder(root)
    by_name = {path.name: path for path in _files(folder)}
    prefix = _preferred(_whole_checkpoints(by_name), folder)
    if prefix is None:
        graphs = [name.removesuffix(".meta") for name in by_name if name.endswith(".meta")]
        meta = _preferred(graphs, folder)
    else:
        meta = prefix
    files = ModelFiles(
        frozen_graph=by_name.get(FROZEN_GRAPH),
        meta_graph=by_name.get(f"{meta}.meta"),
        checkpoint_prefix=None if prefix is None else folder / prefix,
        pipeline_config=by_name.get(PIPELINE_CONFIG),
        tflite_graph=by_name.get(TFLITE_GRAPH),
        label_map=_label_map(folder) or (_label_map(root) if folder != root else None),
    )
    if files == ModelFiles(label_map=files.label_map):
        raise ArtefactError(
            "half a checkpoint and nothing else",
            expected="the .index and every .data-* of one prefix",
            got=", ".join(by_name),
            where=folder,
            next_step="copy or fetch the archive again",
        )
    return files


def _is_index(name: str) -> bool:
    return ".ckpt" in name and name.endswith(".index")


def unusable_checkpoints(folder: Path) -> tuple[str, ...]:
    """What is said of a folder's checkpoints where none of them can be used.

    Args:
        folder: Folder of the model's files.

    Returns:
        A clause for each half checkpoint and for those of TensorFlow 2; empty where a whole one
        is there, or nothing of any.

    Raises:
        ArtefactMissing: The folder cannot be listed.
    """
    names = {path.name for path in _files(folder)}
    if _whole_checkpoints(names):
        return ()
    lacking = lacking_parts(folder)
    clauses = [f"half a checkpoint: {prefix} lacks {part}" for prefix, part in lacking.items()]
    below = folder / _TF2_CHECKPOINTS
    if below.is_dir() and any(path.suffix == ".index" for path in _files(below)):
        clauses.append(
            f"{_TF2_CHECKPOINTS}/ holds an object-based checkpoint of TensorFlow 2: "
            "export it with the TensorFlow 2 OD API"
        )
    return tuple(clauses)


def lacking_parts(folder: Path) -> dict[str, str]:
    """The first file that each half checkpoint lacks, by prefix; empty where a whole one is there.

    Args:
        folder: Folder of the model's files.

    Raises:
        ArtefactMissing: The folder cannot be listed.
    """
    names = {path.name for path in _files(folder)}
    if _whole_checkpoints(names):
        return {}
    indexes = [name.removesuffix(".index") for name in names if _is_index(name)]
    shards = [match for match in map(SHARD.fullmatch, names) if match]
    lacking = {prefix: f"{prefix}.data-*" for prefix in indexes}
    lacking |= {match["prefix"]: _first_missing(match, names) for match in shards}
    return dict(sorted(lacking.items()))


def shards_of(shard: re.Match[str]) -> tuple[str, ...]:
    """Every shard of a checkpoint, from the name of one of them."""
    prefix, count = shard["prefix"], int(shard["count"])
    return tuple(f"{prefix}.data-{number:05d}-of-{count:05d}" for number in range(count))


def _parts(shard: re.Match[str]) -> tuple[str, ...]:
    return f"{shard['prefix']}.index", *shards_of(shard)


def _first_missing(shard: re.Match[str], names: Collection[str]) -> str:
    """Of the index and the shards that one shard's name asks for."""
    return next((part for part in _parts(shard) if part not in names), f"{shard['prefix']}.data-*")


def list_folder(folder: Path) -> tuple[Path, ...]:
    """What lies in a folder, by name.

    Raises:
        ArtefactMissing: The folder is not there or cannot be listed.
    """
    try:
        return tuple(sorted(folder.iterdir()))
    except OSError as error:
        raise _unreadable("the folder cannot be listed", folder, error) from error


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(path for path in list_folder(folder) if path.is_file())
    except OSError as error:
        # A folder that may be listed but not entered.
        raise _unreadable("the folder cannot be entered", folder, error) from error


def _model_folder(root: Path) -> Path:
    if looks_like_archive(root):
        return root
    below = [path for path in list_folder(root) if path.is_dir() and looks_like_archive(path)]
    if len(below) == 1:
        return below[0]
    if below:
        raise ArtefactError(
            "more than one model in one archive",
            got=", ".join(path.name for path in below),
            where=root,
            next_step="unpack it and name the folder above these as the zoo",
        )
    raise ArtefactError(
        "no model in the archive",
        expected=f"{FROZEN_GRAPH}, {TFLITE_GRAPH}, {PIPELINE_CONFIG} or a checkpoint, "
        "at the top or one folder deep",
        got=", ".join(path.name for path in list_folder(root)[:8]) or "an empty folder",
        where=root,
    )


def _named_folder(root: Path, subfolder: str) -> Path:
    above = [root, *(path for path in list_folder(root) if path.is_dir())]
    matches = [path / subfolder for path in above if (path / subfolder).is_dir()]
    if len(matches) == 1 and looks_like_archive(matches[0]):
        return matches[0]
    raise ArtefactError(
        f"the archive has not one model folder {subfolder!r}",
        expected=f"{subfolder} with a model's files, at the top or one folder deep",
        got=", ".join(path.name for each in above for path in list_folder(each) if path.is_dir())
        or "no folder",
        where=root,
        next_step="correct the catalogue's subfolder",
    )


def _whole_checkpoints(names: Iterable[str]) -> list[str]:
    """Prefixes that have their index and every shard; half a checkpoint is none."""
    present = set(names)
    matches = [match for match in map(SHARD.fullmatch, present) if match and int(match["count"])]
    one_each = {match.groups(): match for match in matches}.values()
    return list({match["prefix"] for match in one_each if present.issuperset(_parts(match))})


def _preferred(prefixes: list[str], folder: Path) -> str | None:
    """The prefix that the file ``checkpoint`` names, else the highest step, else the last name."""
    if not prefixes:
        return None
    named = _named_prefix(folder / "checkpoint")
    if named in prefixes:
        return named
    return max(prefixes, key=lambda prefix: (_step(prefix), prefix))


def _named_prefix(path: Path) -> str | None:
    """Basename only: the path is of the machine that trained the model."""
    try:
        match = _NAMED_PREFIX.search(read_text(path, errors="replace"))
    except OSError:
        # Many archives lack the file, and the highest step then says the same.
        return None
    return re.split(r"[\\/]", match[1])[-1] if match else None


def _step(prefix: str) -> int:
    match = _STEP.search(prefix)
    return int(match[1]) if match else -1


def _belongs(name: str, prefix: str) -> bool:
    match = SHARD.fullmatch(name)
    return name == f"{prefix}.index" or (match is not None and match["prefix"] == prefix)


def _label_map(folder: Path) -> Path | None:
    """A .pbtxt of items, else a text file called labels or classes; the first by name."""
    files = _files(folder)
    for path in files:
        if path.suffix == ".pbtxt" and is_items(_head(path)):
            return path
    return next((path for path in files if _LABEL_LIST.fullmatch(path.name)), None)


def _head(path: Path) -> str:
    try:
        return read_head(path, _HEAD_BYTES).decode(errors="replace")
    except OSError as error:
        raise _unreadable("the file cannot be read", path, error) from error


def _unreadable(what: str, path: Path, error: OSError) -> ArtefactMissing:
    return ArtefactMissing(what, got=error.strerror or error, where=path)
