"""Binary files told apart by their first bytes, and archives by what is in them."""

from __future__ import annotations

import struct
from pathlib import Path

from validation.errors import first_few
from validation.files.guard import faults, said
from validation.files.outside import open_file
from validation.kinds.kind import Kind, Recognised
from validation.kinds.of_protobuf import Mapped, protobuf_kind

_TFLITE = b"TFL3"
# The custom op that the Edge TPU's compiler puts in the place of those it has compiled.
_EDGE_TPU = b"edgetpu-custom-op"
# LevelDB's table format, which the index of a checkpoint has: the last eight bytes
# (https://github.com/google/leveldb/blob/main/doc/table_format.md).
_TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_TAR_MAGIC = slice(257, 262)
_TAR_BLOCK = 512
_MAGIC = (
    (b"\x89HDF", Kind.KERAS, ""),
    (b"\x89PNG", Kind.IMAGE, "in the format PNG"),
    (b"\xff\xd8\xff", Kind.IMAGE, "in the format JPEG"),
    (b"GIF8", Kind.IMAGE, "in the format GIF"),
    (b"BM", Kind.IMAGE, "in the format BMP"),
    (b"II*\0", Kind.IMAGE, "in the format TIFF"),
    (b"MM\0*", Kind.IMAGE, "in the format TIFF"),
    (b"\x93NUMPY", Kind.NUMPY, ""),
    (b"7z\xbc\xaf\x27\x1c", Kind.COMPRESSED, "by 7-Zip"),
    (b"Rar!", Kind.COMPRESSED, "by RAR"),
    (b"BZh", Kind.COMPRESSED, "by bzip2"),
    (b"\xfd7zXZ\0", Kind.COMPRESSED, "by xz"),
    (b"\x28\xb5\x2f\xfd", Kind.COMPRESSED, "by zstd"),
)
# A pickle of protocol 2 up to 5, which old PyTorch files are.
_PICKLE = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
# Of a TFRecord: eight bytes of length, four of checksum before the record, four behind it.
_RECORD_HEAD, _RECORD_TAIL = 12, 4
# A record is a message: a tf.Example's features = 1, an Event's wall_time = 1.
_RECORD_STARTS = (0x0A, 0x09)


def binary_kind(path: Path, data: Mapped, head: bytes, tail: bytes) -> Recognised:
    """What a file that is no text is.

    Args:
        path: The file.
        data: All of it.
        head: Its first bytes.
        tail: Its last eight bytes.
    """
    if head[4:8] == _TFLITE:
        kind = Kind.EDGE_TPU if data.find(_EDGE_TPU) >= 0 else Kind.TFLITE
        return Recognised(path, kind)
    if tail == _TABLE_MAGIC:
        return Recognised(path, Kind.CHECKPOINT_INDEX)
    for magic, kind, detail in _MAGIC:
        if head.startswith(magic):
            return Recognised(path, kind, detail)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Recognised(path, Kind.IMAGE, "in the format WebP")
    if head.startswith(_GZIP):
        return _of_gzip(path)
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _of_zip(path)
    if head[_TAR_MAGIC] == b"ustar":
        missing = len(data) < 2 * _TAR_BLOCK
        return Recognised(path, Kind.TAR, cut=f"{len(data)} bytes" if missing else "")
    if head.startswith(_PICKLE) and tail.endswith(b"."):
        return Recognised(path, Kind.PYTORCH)
    if _is_record_file(head, len(data)):
        return Recognised(path, Kind.TFRECORD)
    found = protobuf_kind(data)
    if found is not None:
        kind, cut = found
        return Recognised(path, kind, cut=cut)
    return Recognised(path, Kind.UNKNOWN, f"that begins with the bytes {head[:8].hex(' ')}")


def _of_gzip(path: Path) -> Recognised:
    """A packed tar, or something else that is packed."""
    # Not at the top, as zipfile below: few files need them, and every command would wait.
    import gzip

    try:
        with open_file(path) as packed, gzip.GzipFile(fileobj=packed) as stream:
            block = stream.read(_TAR_BLOCK)
    except faults() as error:
        return Recognised(path, Kind.TAR, cut=said(error))
    is_tar = block[_TAR_MAGIC] == b"ustar" or path.name.endswith((".tar.gz", ".tgz"))
    return Recognised(path, Kind.TAR if is_tar else Kind.COMPRESSED, "" if is_tar else "by gzip")


def _of_zip(path: Path) -> Recognised:
    """Keras and PyTorch store their models as zip files."""
    from validation.files.zips import open_zip

    try:
        with open_zip(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except faults() as error:
        return Recognised(path, Kind.ZIP, cut=said(error))
    if "model.weights.h5" in names:
        return Recognised(path, Kind.KERAS)
    if any(name.endswith("data.pkl") for name in names):
        return Recognised(path, Kind.PYTORCH)
    # What a command could take comes first.
    names.sort(key=lambda name: not name.endswith((".tflite", ".pb", ".config", ".index")))
    return Recognised(path, Kind.ZIP, f"of {first_few(names)}" if names else "with nothing in it")


def _is_record_file(head: bytes, size: int) -> bool:
    """True for TFRecord: its first record ends within the file and begins as a message does."""
    if len(head) <= _RECORD_HEAD:
        return False
    (length,) = struct.unpack_from("<Q", head)
    fits = 0 < length <= size - _RECORD_HEAD - _RECORD_TAIL
    return fits and head[_RECORD_HEAD] in _RECORD_STARTS
