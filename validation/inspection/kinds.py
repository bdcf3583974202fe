"""What kind of file a path names: by its content, not by its suffix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from validation.errors import ArtefactError, ArtefactMissing
from validation.tflite.model import MODEL
from validation.zoo.layout import SHARD

# Enough to see how a text begins, below a licence and comments.
_HEAD_BYTES = 64 * 2**10
# LevelDB's table format, which the index of a checkpoint has: the last eight bytes
# (https://github.com/google/leveldb/blob/main/doc/table_format.md).
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_FIRST_FIELD = re.compile(r"\ufeff?(?:\s|#[^\n]*(?:\n|$))*([A-Za-z_]\w*)\s*[:{<]")
# Fields of the messages' roots: TrainEvalPipelineConfig, GraphDef, MetaGraphDef, SavedModel.
_CONFIG_FIELDS = frozenset(
    {
        "model",
        "train_config",
        "train_input_reader",
        "train_input_config",
        "eval_config",
        "eval_input_reader",
        "eval_input_config",
        "graph_rewriter",
    }
)
_GRAPH_FIELDS = frozenset({"node", "versions", "version", "library"})
_OTHER_FORMATS = (
    (b"\x1f\x8b", "a gzip archive", "python -m validation zoo show FILE lists what is in it"),
    (b"PK\x03\x04", "a zip archive", "unpack it and name a file inside"),
    (b"\x89HDF", "an HDF5 file, as Keras writes it", "export its model to a graph first"),
    (b"\x89PNG", "a picture", None),
    (b"\xff\xd8\xff", "a picture", None),
)
# SavedModel begins with saved_model_schema_version = 1, then meta_graphs.
_SAVED_MODEL_HEAD = b"\x08\x01\x12"
_KNOWN = ".tflite, .pb, .pbtxt, a checkpoint or a pipeline.config"


class Kind(StrEnum):
    """What `validation.inspection` can describe."""

    TFLITE = "tflite"
    GRAPH = "graph"
    GRAPH_TEXT = "graph text"
    META_GRAPH = "meta graph"
    CHECKPOINT = "checkpoint"
    CONFIG = "pipeline config"


# By which suffix `validation.export.graph_io.read_graph` knows the form of a graph.
GRAPH_FORMS = {Kind.GRAPH: ".pb", Kind.GRAPH_TEXT: ".pbtxt", Kind.META_GRAPH: ".meta"}


@dataclass(frozen=True)
class IdentifiedFile:
    """A file of a known kind.

    Args:
        kind: By its content.
        path: The file; of a checkpoint its prefix.
    """

    kind: Kind
    path: Path


def kind_of(path: Path) -> IdentifiedFile:
    """Find out what a path names.

    Args:
        path: A file, or the prefix of a checkpoint. Of a checkpoint any of its files will do.

    Raises:
        ArtefactMissing: There is no such file, or it cannot be read.
        ArtefactError: A folder, an empty file, or a kind that is known to be another one.
    """
    prefix = _prefix(path)
    if prefix is not None:
        return IdentifiedFile(Kind.CHECKPOINT, prefix)
    head, tail = _head_and_tail(path)
    if not head:
        raise ArtefactError("the file is empty", expected=_KNOWN, where=path)
    if MODEL.identifies(head):
        return IdentifiedFile(Kind.TFLITE, path)
    if tail == _TABLE_MAGIC:
        raise ArtefactError(
            "this is the index of a checkpoint under another name",
            expected="a name that ends in .index, with the .data-* files beside it",
            where=path,
        )
    for magic, name, next_step in _OTHER_FORMATS:
        if head.startswith(magic):
            raise ArtefactError(f"this is {name}", expected=_KNOWN, where=path, next_step=next_step)
    if path.name == "saved_model.pb" or head.startswith(_SAVED_MODEL_HEAD):
        raise ArtefactError(
            "this is a TensorFlow SavedModel",
            expected=_KNOWN,
            where=path,
            next_step="zoo archives have frozen_inference_graph.pb beside it: name that",
        )
    text = _text(head)
    if text is not None:
        return IdentifiedFile(_text_kind(text, path), path)
    if path.suffix == ".meta":
        return IdentifiedFile(Kind.META_GRAPH, path)
    return IdentifiedFile(Kind.GRAPH, path)


def _prefix(path: Path) -> Path | None:
    """The checkpoint that a path names; a .meta without values is a graph and none."""
    shard = SHARD.fullmatch(path.name)
    if shard is not None:
        return path.with_name(shard["prefix"])
    if path.suffix == ".index":
        return path.with_suffix("")
    stem = path.with_suffix("") if path.suffix == ".meta" else path
    if not stem.name:
        return None
    has_index = stem.with_name(f"{stem.name}.index").is_file()
    return stem if has_index and (stem != path or not path.exists()) else None


def _head_and_tail(path: Path) -> tuple[bytes, bytes]:
    """The first bytes of a file and its last eight."""
    if path.is_dir():
        raise ArtefactError(
            "this is a folder",
            expected=f"a file: {_KNOWN}",
            where=path,
            next_step=f"python -m validation zoo show {path} describes a whole model folder",
        )
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - len(_TABLE_MAGIC)))
            return head, stream.read()
    except OSError as error:
        beside = sorted(each.name for each in path.parent.glob(f"{path.name}*"))
        raise ArtefactMissing(
            "no such file or checkpoint"
            if isinstance(error, FileNotFoundError)
            else "cannot be read",
            got=", ".join(beside[:4]) or error.strerror,
            where=path,
        ) from error


def _text(head: bytes) -> str | None:
    """The head as text, or None where it is none."""
    if b"\0" in head:
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        # Only the last character may be cut.
        cut = len(head) == _HEAD_BYTES and error.start >= len(head) - 4
        return head[: error.start].decode() if cut else None


def _text_kind(text: str, path: Path) -> Kind:
    match = _FIRST_FIELD.match(text)
    field = match[1] if match else ""
    if field in _GRAPH_FIELDS:
        return Kind.GRAPH_TEXT
    if field in _CONFIG_FIELDS or path.suffix == ".config":
        return Kind.CONFIG
    name = {
        "item": "a label map",
        "meta_graphs": "a TensorFlow SavedModel as text",
        "saved_model_schema_version": "a TensorFlow SavedModel as text",
        "model_checkpoint_path": "the list of a folder's checkpoints",
    }.get(field)
    if name is None and path.suffix == ".pbtxt":
        # Its reader says what is wrong with it, and where.
        return Kind.GRAPH_TEXT
    raise ArtefactError(
        f"this is {name}" if name else "this text is of an unknown kind",
        expected="a pipeline.config, or a graph as .pbtxt",
        got=None if name else repr(text.strip()[:40]),
        where=path,
    )
