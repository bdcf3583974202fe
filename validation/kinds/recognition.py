"""What kind of file a path names: by its content, not by its suffix."""

from __future__ import annotations

import codecs
import mmap
import re
from pathlib import Path

from validation.errors import ArtefactMissing, did_you_mean
from validation.files.outside import open_file, read_head
from validation.kinds.kind import Kind, Recognised
from validation.kinds.of_binary import binary_kind
from validation.kinds.of_folder import folder_kind
from validation.kinds.of_text import text_kind

# Enough to see how a text begins, below a licence and comments, and how it ends.
_HEAD_BYTES = 64 * 2**10
_TAIL_BYTES = 8
_SHARD = re.compile(r"(?P<prefix>.+)\.data-[0-9]{5}-of-[0-9]{5}")
# Control characters that no text has.
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f]")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def recognise(path: Path) -> Recognised:
    """Find out what a path names.

    Args:
        path: A file, a folder, or the prefix of a checkpoint; of a checkpoint any of its files.

    Raises:
        ArtefactMissing: There is no such file, or it cannot be read.
    """
    prefix = _prefix(path)
    if prefix is not None and _is_not_a_pointer(path):
        return Recognised(prefix, Kind.CHECKPOINT)
    return recognise_alone(path)


def recognise_alone(path: Path) -> Recognised:
    """As `recognise`, but of the very file or folder: a .meta beside its checkpoint is a graph."""
    if path.is_dir():
        return folder_kind(path)
    try:
        return _of_file(path)
    except OSError as error:
        raise _missing(path, error) from error


def _of_file(path: Path) -> Recognised:
    with open_file(path) as stream:
        head = stream.read(_HEAD_BYTES)
        if not head:
            return Recognised(path, Kind.EMPTY)
        if head.startswith(_WIDE):
            return Recognised(path, Kind.WIDE_TEXT)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            text = _text(head)
            if text is None:
                found = binary_kind(path, data, head, data[-_TAIL_BYTES:])
            else:
                tail = data[-_HEAD_BYTES:].decode(errors="replace")
                found = text_kind(path, text, tail)
    if path.suffix == ".meta" and found.kind in (Kind.GRAPH, Kind.UNKNOWN):
        return Recognised(path, Kind.META_GRAPH, cut=found.cut)
    if path.name == "saved_model.pb" and found.kind in (Kind.META_GRAPH, Kind.UNKNOWN):
        return Recognised(path, Kind.SAVED_MODEL)
    return found


def _is_not_a_pointer(path: Path) -> bool:
    """False where a file of a checkpoint is a text that stands for it."""
    try:
        return not read_head(path, 8).startswith(b"version ")
    except OSError:
        return True


def _prefix(path: Path) -> Path | None:
    """The checkpoint that a path names; a .meta without values is a graph and none."""
    shard = _SHARD.fullmatch(path.name)
    if shard is not None:
        return path.with_name(shard["prefix"])
    if path.suffix == ".index":
        return path.with_suffix("")
    stem = path.with_suffix("") if path.suffix == ".meta" else path
    if not stem.name:
        return None
    has_index = stem.with_name(f"{stem.name}.index").is_file()
    return stem if has_index and (stem != path or not path.exists()) else None


def _missing(path: Path, error: OSError) -> ArtefactMissing:
    absent = isinstance(error, FileNotFoundError)
    beside = sorted(each.name for each in path.parent.glob(f"{path.name}*")) if path.name else []
    return ArtefactMissing(
        "no such file or checkpoint" if absent else "cannot be read",
        got=(", ".join(beside[:4]) if absent else "") or error.strerror,
        where=path,
        next_step=None if beside or not absent else nearest_beside(path),
    )


def nearest_beside(path: Path) -> str | None:
    """Advice that names the file of the same folder whose name is nearest; None without one."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except OSError:
        return None
    return did_you_mean(path.name, names, cutoff=0.6)


def _text(head: bytes) -> str | None:
    """The head as text, or None where it is none."""
    if _NO_TEXT.search(head):
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        # Only the last character may be cut.
        cut = len(head) == _HEAD_BYTES and error.start >= len(head) - 4
        return head[: error.start].decode() if cut else _latin(head)


def _latin(head: bytes) -> str | None:
    """Text in an 8-bit encoding, where what is no ASCII is rare; its reader names the byte."""
    strange = sum(byte >= 0x80 for byte in head)
    return head.decode("latin-1") if len(head) >= 16 and strange <= len(head) // 20 else None
