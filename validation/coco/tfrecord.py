"""TFRecord files: records with their lengths and checksums, read without TensorFlow.

A record is its length (8 bytes), the masked CRC-32C of the length (4), the data, and the masked
CRC-32C of the data (4), all little-endian
(https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details).
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from validation.coco.crc32c import crc32c
from validation.errors import DatasetError
from validation.files.outside import Size, open_file

_HEAD = struct.Struct("<QI")
_TAIL = struct.Struct("<I")
_GZIP = b"\x1f\x8b"
# The first byte of a zlib stream with the usual window; the second makes the two divisible by 31.
_ZLIB = 0x78
_AT_A_TIME = 1 << 22


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_record_head(head: bytes) -> bool:
    """True where a file that begins so holds records: length and checksum agree."""
    if len(head) < _HEAD.size:
        return False
    _, crc = _HEAD.unpack_from(head)
    return bool(crc == _masked(head[:8]))


def inflated(head: bytes) -> bytes:
    """The first bytes behind gzip or zlib; as they are where it is neither, or damaged."""
    if not _is_compressed(head):
        return head
    try:
        return zlib.decompressobj(wbits=47).decompress(head, len(head))
    except zlib.error:
        return b""


def read_records(path: Path) -> Iterator[bytes]:
    """The data of each record of a file, which may be compressed as a whole (GZIP, ZLIB).

    Raises:
        DatasetError: The file cannot be read, ends within a record, or a checksum is wrong; the
            message has the number of the record.
    """
    number = 1
    try:
        with _opened(path) as stream:
            while (data := _read_record(stream, path, number)) is not None:
                yield data
                number += 1
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(
            "the TFRecord file cannot be read",
            got=getattr(error, "strerror", None) or error,
            where=_where(path, number),
            next_step="fetch or write the file again",
        ) from error


def _read_record(stream: _Readable, path: Path, number: int) -> bytes | None:
    head = _read(stream, _HEAD.size)
    if not head:
        return None
    where = _where(path, number)
    if len(head) < _HEAD.size:
        raise _cut(where, _HEAD.size, len(head), "its length and checksum")
    length, crc = _HEAD.unpack(head)
    if crc != _masked(head[:8]):
        raise _wrong_checksum("the length of a record", where)
    if length > Size.IMAGE.most_bytes:
        raise DatasetError(
            "a record is longer than any labelled image",
            expected=f"at most {Size.IMAGE.most_bytes} bytes (setting {Size.IMAGE} of the policy)",
            got=f"{length} bytes",
            where=where,
        )
    data = _read(stream, length)
    if len(data) < length:
        raise _cut(where, length, len(data), "data")
    tail = _read(stream, _TAIL.size)
    if len(tail) < _TAIL.size:
        raise _cut(where, _TAIL.size, len(tail), "the checksum of the data")
    if _TAIL.unpack(tail)[0] != _masked(data):
        raise _wrong_checksum("the data of a record", where)
    return data


def _read(stream: _Readable, size: int) -> bytes:
    """As many bytes as there are, up to a size that a file claims: no room is made for it ahead."""
    parts = []
    while size and (part := stream.read(min(size, _AT_A_TIME))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _masked(data: bytes) -> int:
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _is_compressed(head: bytes) -> bool:
    return head.startswith(_GZIP) or (
        len(head) > 1 and head[0] == _ZLIB and (head[0] << 8 | head[1]) % 31 == 0
    )


@contextmanager
def _opened(path: Path) -> Iterator[_Readable]:
    with open_file(path) as file:
        head = file.read(_HEAD.size)
        file.seek(0)
        # The length of a plain record may look like the head of a compressed file.
        if is_record_head(head) or not _is_compressed(head):
            yield file
        elif head.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked
        else:
            yield _Inflated(file)


class _Inflated:
    """A zlib stream, unpacked as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._unpacker = zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._file.read(_AT_A_TIME)
            if not packed:
                raise EOFError("the compressed stream ends early")
            if part := self._unpacker.decompress(packed, size):
                return part
        return b""


def _where(path: Path, number: int) -> str:
    return f"{path.name}, record {number}"


def _cut(where: str, expected: int, got: int, part: str) -> DatasetError:
    return DatasetError(
        f"the TFRecord file ends within a record, in {part}",
        expected=f"{expected} bytes",
        got=got,
        where=where,
        next_step="fetch or write the file again",
    )


def _wrong_checksum(what: str, where: str) -> DatasetError:
    return DatasetError(
        f"{what} is damaged: its checksum is another one",
        where=where,
        next_step="fetch or write the file again",
    )
