"""Name-based checkpoints of TensorFlow 1: the prefix, names, shapes and values; writing one.

TensorFlow is loaded where a file is opened, so that a wrong prefix is refused without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from validation.errors import ArtefactMissing, GraphError
from validation.files.outside import special_file
from validation.isolation.activity import using
from validation.kinds.kind import Kind, Wanted
from validation.kinds.recognition import recognise, recognise_alone
from validation.kinds.refusal import refusal, require_kind
from validation.root_cause import FaultKind, Place, RootCause

# Pointers and most web pages have fewer; only the shard of a toy has, too.
_STAND_IN_BYTES = 64 * 2**10
_SHARD = re.compile(r"\.data-(\d+)-of-(\d+)")
# Folders that may hold checkpoints, by what else is in them.
_WITH_CHECKPOINTS = (Kind.FOLDER, Kind.MODEL_FOLDER)
# The value of a variable by name; None where there is none of that name.
Values = Callable[[str], np.ndarray | None]


def check_prefix(prefix: Path) -> None:
    """Require that the prefix names a checkpoint: ``<prefix>.index`` exists.

    Args:
        prefix: Path without .index, .meta or .data-*, for example ``.../model.ckpt``.

    Raises:
        ArtefactMissing: A suffix was left on it, or there is no such checkpoint.
        GraphError: Something else is there in its place.
    """
    name = prefix.name
    stem = name.partition(".data-")[0].removesuffix(".index").removesuffix(".meta")
    if stem != name:
        raise ArtefactMissing(
            "a checkpoint prefix ends before .index, .meta and .data-*",
            expected=stem,
            got=name,
            where=prefix.parent,
            place=Place.CHECKPOINT,
        )
    index = prefix.with_name(f"{name}.index")
    if index.is_file():
        _refuse_stand_ins(prefix, index)
        return
    if prefix.is_file():
        require_kind(prefix, Wanted.CHECKPOINT, GraphError)
    is_folder = prefix.is_dir()
    if is_folder and (found := recognise(prefix)).kind not in _WITH_CHECKPOINTS:
        raise refusal(found, Wanted.CHECKPOINT, GraphError, where=prefix)
    folder = prefix if is_folder else prefix.parent
    present = sorted(path.name for path in folder.glob("*.index"))
    raise ArtefactMissing(
        "a folder is not a checkpoint prefix" if is_folder else "no checkpoint with this prefix",
        expected="a prefix inside it" if is_folder else f"{name}.index",
        got=", ".join(present) or "no .index file",
        where=folder,
        next_step=f"give {folder / present[-1].removesuffix('.index')}" if present else None,
        place=Place.CHECKPOINT,
    )


def _refuse_stand_ins(prefix: Path, index: Path) -> None:
    """Refuse a pointer, a web page or a FIFO instead of a file of the checkpoint."""
    for path in (index, *sorted(prefix.parent.glob(f"{prefix.name}.data-*"))):
        if special := special_file(path):
            raise GraphError(
                "the checkpoint cannot be opened",
                got=special,
                where=path,
                fault=FaultKind.OTHER_FILE,
                place=Place.CHECKPOINT,
            )
        if path.stat().st_size < _STAND_IN_BYTES or path == index:
            found = recognise_alone(path)
            if found.kind in (Kind.LFS_POINTER, Kind.WEB_PAGE):
                raise refusal(found, Wanted.CHECKPOINT, GraphError, where=path)


def checkpoint_shapes(prefix: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of a checkpoint.

    Raises:
        ArtefactMissing, GraphError: See `open_checkpoint`.
    """
    shapes = _reader(prefix).get_variable_to_shape_map()
    return {name: tuple(shape) for name, shape in shapes.items()}


def open_checkpoint(prefix: Path) -> Values:
    """Open a checkpoint; values are read by name when they are asked for.

    Args:
        prefix: Path without .index or .data-*, for example ``.../model.ckpt``.

    Raises:
        ArtefactMissing: No such checkpoint, or ``.index`` left on the prefix.
        GraphError: Damaged; or, when asked, a variable that is not there.
    """
    reader = _reader(prefix)
    present = reader.get_variable_to_shape_map()

    def value(name: str) -> np.ndarray | None:
        if name not in present:
            return None
        try:
            with using(prefix, "load"):
                tensor: np.ndarray = reader.get_tensor(name)
        except _read_errors() as error:
            raise GraphError(
                f"variable {name!r} cannot be read from the checkpoint",
                got=_first_line(error),
                where=prefix.name,
                next_step="a shard is damaged or missing: fetch the archive again",
                place=Place.CHECKPOINT,
                causes=[_damage_of_shards(prefix, name)],
            ) from error
        return tensor

    return value


def _reader(prefix: Path) -> Any:
    check_prefix(prefix)
    from tensorflow.python.training import py_checkpoint_reader

    try:
        with using(prefix, "load"):
            reader = py_checkpoint_reader.NewCheckpointReader(str(prefix))
            present = reader.get_variable_to_shape_map()
    except _read_errors() as error:
        raise GraphError(
            "the checkpoint cannot be opened",
            got=_first_line(error),
            where=prefix.name,
            next_step=f"{prefix.name}.index is damaged: fetch the archive again",
            place=Place.CHECKPOINT,
            causes=[
                RootCause(
                    FaultKind.DAMAGED,
                    where=f"{prefix.name}.index",
                    got=_first_line(error),
                    next_step="fetch the archive again",
                )
            ],
        ) from error
    if "_CHECKPOINTABLE_OBJECT_GRAPH" in present:
        raise GraphError(
            "this is an object-based checkpoint of TensorFlow 2",
            expected="a name-based checkpoint of TensorFlow 1",
            where=prefix.name,
            next_step="export it with the TensorFlow 2 OD API",
            place=Place.CHECKPOINT,
            causes=[
                RootCause(
                    FaultKind.OTHER_FILE,
                    expected="a name-based checkpoint of TensorFlow 1",
                    got="an object-based one of TensorFlow 2",
                    next_step="export it with the TensorFlow 2 OD API",
                )
            ],
        )
    return reader


def _damage_of_shards(prefix: Path, variable: str) -> RootCause:
    """A shard that is not there, as far as the names of the others say; else a damaged one."""
    there = {int(found[1]): int(found[2]) for found in _shards(prefix)}
    missing = sorted(set(range(max(there.values(), default=1))) - set(there))
    again = "fetch the archive again"
    if not missing:
        got = f"variable {variable!r} cannot be read"
        where = f"{prefix.name}.data-*"
        return RootCause(FaultKind.DAMAGED, where=where, got=got, next_step=again)
    of = f"{max(there.values()):05}" if there else "*"
    first = f"{prefix.name}.data-{missing[0]:05}-of-{of}"
    return RootCause(FaultKind.MISSING_FILE, where=first, next_step=again)


def _shards(prefix: Path) -> Iterator[re.Match[str]]:
    for path in prefix.parent.glob(f"{prefix.name}.data-*"):
        if found := _SHARD.fullmatch(path.name.removeprefix(prefix.name)):
            yield found


def _read_errors() -> tuple[type[Exception], ...]:
    from tensorflow.python.framework import errors_impl

    # IndexError is what a shard that ends too early comes to.
    return RuntimeError, ValueError, IndexError, errors_impl.OpError


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def write_checkpoint(prefix: Path, named: Mapping[str, np.ndarray]) -> None:
    """Write a name-based checkpoint and the ``checkpoint`` file that points to it.

    Args:
        prefix: Path without .index and .data-*.
        named: Value of each variable; global_step is added.
    """
    import tensorflow.compat.v1 as tf

    tensors = {name: np.asarray(value) for name, value in named.items()}
    tensors["global_step"] = np.asarray(np.int64(0))
    names = sorted(tensors)
    with tf.Graph().as_default(), tf.Session() as session:
        # Fed and not constants: of those every copy of the graph has all weights.
        fed = [tf.placeholder(tensors[name].dtype, tensors[name].shape) for name in names]
        saved = tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=fed,
        )
        session.run(saved, {each: tensors[name] for each, name in zip(fed, names, strict=True)})
    lines = [
        f'{key}: "{prefix.name}"\n'
        for key in ("model_checkpoint_path", "all_model_checkpoint_paths")
    ]
    (prefix.parent / "checkpoint").write_text("".join(lines), encoding="utf-8")
