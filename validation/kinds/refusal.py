"""A file of another kind than was asked for: what it is, and what to type instead."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from validation.errors import ArtefactError, ValidationError
from validation.files.structured import read_toml
from validation.kinds.edge_tpu import EXPECTED, uncompiled
from validation.kinds.kind import Kind, Recognised, Wanted
from validation.kinds.of_folder import inside
from validation.kinds.recognition import recognise, recognise_alone
from validation.root_cause import FaultKind, Place, RootCause

_TABLE = Path(__file__).with_name("kinds.toml")
# Whose fault it is; what a graph is to its model only the reader's caller knows.
_PLACES: Mapping[Wanted, Place] = {
    Wanted.CONFIG: Place.CONFIG,
    Wanted.CHECKPOINT: Place.CHECKPOINT,
    Wanted.LABELS: Place.LABELS,
    Wanted.ANNOTATIONS: Place.LABELS,
    Wanted.TFLITE: Place.FILE,
    Wanted.DETECTOR: Place.FILE,
    Wanted.ARCHIVE: Place.ARCHIVE,
}


@dataclass(frozen=True)
class KindInWords:
    """One kind.

    Args:
        name: As it stands behind "this is".
        next_step: Where what was asked for has none of its own for this kind.
    """

    name: str
    next_step: str


@dataclass(frozen=True)
class WantedKinds:
    """What a flag or an argument takes.

    Args:
        expected: In words.
        takes: The kinds that will do.
        inside: Patterns of files that are offered where a folder holds one.
        instead: Next step by kind.
    """

    expected: str
    takes: tuple[Kind, ...]
    inside: tuple[str, ...]
    instead: Mapping[Kind, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """All of kinds.toml."""

    kind: Mapping[Kind, KindInWords]
    wanted: Mapping[Wanted, WantedKinds]


@functools.cache
def table() -> Table:
    """The kinds in words, and what is wanted where."""
    return read_toml(_TABLE, Table)


def require_kind(
    path: Path,
    wanted: Wanted,
    error: type[ValidationError] = ArtefactError,
    *,
    where: object = None,
) -> Recognised:
    """What a path names, where it will do.

    Args:
        path: A file, a folder, or a checkpoint's prefix.
        wanted: What was asked for.
        error: Raised where the path names something else.
        where: What the message calls the path; None: itself.

    Raises:
        ArtefactMissing: There is nothing, or it cannot be read.
        ValidationError: Of the type ``error``: another kind, or only part of a file.
    """
    takes = table().wanted[wanted].takes
    # Where no checkpoint will do, its .meta is asked for as the graph that it is.
    alone = Kind.CHECKPOINT not in takes and path.suffix == ".meta" and path.is_file()
    found = recognise_alone(path) if alone else recognise(path)
    # A text that only its suffix calls something else is left to the reader.
    takes_text = found.by_suffix and Kind.TEXT in takes
    if (found.kind not in takes and not takes_text) or found.cut:
        raise refusal(found, wanted, error, where=path if where is None else where)
    return found


def refusal(
    found: Recognised,
    wanted: Wanted,
    error: type[ValidationError] = ArtefactError,
    *,
    where: object,
) -> ValidationError:
    """The error for a file of another kind, or for part of one."""
    words, asked = table().kind[found.kind], table().wanted[wanted]
    if found.kind in asked.takes and found.cut:
        return error(
            f"this is only part of {words.name}",
            got=found.cut,
            where=where,
            next_step="the download or the copy stopped too early: get it again and compare its "
            "size",
            fault=FaultKind.DAMAGED,
            place=_PLACES.get(wanted),
        )
    if found.kind is Kind.EDGE_TPU and Kind.TFLITE in asked.takes:
        # It is a .tflite, and still not the one that is asked for.
        return error(
            f"this is {words.name}, and only that chip runs it",
            expected=EXPECTED,
            where=where,
            next_step=uncompiled(found.path),
            fault=FaultKind.UNSUPPORTED,
            place=_PLACES.get(wanted),
        )
    next_step = _next_step(found, asked, words)
    kind = FaultKind.DAMAGED if found.kind is Kind.EMPTY else FaultKind.OTHER_FILE
    return error(
        f"this is {words.name} {found.detail}".rstrip(),
        expected=asked.expected,
        where=where,
        next_step=next_step,
        place=_PLACES.get(wanted),
        causes=[
            RootCause(kind, expected=asked.expected, got=words.name, next_step=next_step),
        ],
    )


def _next_step(found: Recognised, asked: WantedKinds, words: KindInWords) -> str:
    path = found.path
    is_saved_model = found.kind is Kind.SAVED_MODEL
    offered = inside(path, asked.inside) if path.is_dir() and not is_saved_model else None
    if offered is not None:
        return f"name the file inside: {offered}"
    if is_saved_model:
        # An archive of the TF1 zoo has its frozen graph beside the folder of its SavedModel. Only
        # a name that says what it is will do here: any other .pb may be anything.
        named = [each for each in asked.inside if "*" not in each]
        for folder in path.absolute().parents[:2]:
            beside = inside(folder, named)
            if beside is not None and recognise(beside).kind in asked.takes:
                return f"name the file beside it: {beside}"
    text = asked.instead.get(found.kind, words.next_step)
    return text.format(path=path, name=path.name, folder=path.parent)
