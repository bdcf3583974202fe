"""Protobuf's wire format, walked without a schema: enough to tell one message from another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
# Of a varint: 64 bits, seven in a byte.
_MOST_VARINT_BYTES = 10


class Bytes(Protocol):
    """A buffer or a mapped file."""

    def __getitem__(self, index: int, /) -> int:
        """One byte."""

    def __len__(self) -> int:
        """Size in bytes."""


class WireField(NamedTuple):
    """One field.

    Args:
        number: Of the field.
        wire_type: 0 varint, 1 eight bytes, 2 with a length, 5 four bytes.
        start: Where its value begins; of one with a length, behind the length.
        end: Behind its value; beyond the message where the message is cut.
    """

    number: int
    wire_type: int
    start: int
    end: int


def wire_fields(data: Bytes, start: int = 0, end: int | None = None) -> Iterator[WireField]:
    """The fields of a message in their order; ends where the bytes are none, or at the cut.

    Args:
        data: Holds the message.
        start: Where it begins.
        end: Behind it; None: the end of the data.
    """
    end = len(data) if end is None else end
    while start < end:
        tag, start = _varint(data, start, end)
        number, wire_type = tag >> 3, tag & 7
        if number < 1:
            return
        if wire_type == _VARINT:
            value, behind = _varint(data, start, end)
            if value < 0:
                return
        elif wire_type == _LENGTH:
            length, start = _varint(data, start, end)
            if length < 0:
                return
            behind = start + length
        elif wire_type in _FIXED:
            behind = start + _FIXED[wire_type]
        else:
            return
        yield WireField(number, wire_type, start, behind)
        start = behind


def is_message(data: Bytes, field: WireField, numbers: range) -> bool:
    """True where a field's value can be a message whose first field has one of these numbers."""
    if field.wire_type != _LENGTH:
        return False
    first = next(wire_fields(data, field.start, min(field.end, len(data))), None)
    return first is not None and first.number in numbers


def _varint(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """A varint and what follows it; -1 where there is none."""
    value = 0
    for index in range(start, min(end, start + _MOST_VARINT_BYTES)):
        byte = data[index]
        value |= (byte & 0x7F) << (7 * (index - start))
        if byte < 0x80:
            return value, index + 1
    return -1, end
