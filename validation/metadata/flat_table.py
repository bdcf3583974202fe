"""A table of a flatbuffer that is read within its bounds, whatever its bytes are.

The library's tables believe every offset and length: a torn buffer gives texts cut short, and a
hostile one a vector of four thousand million entries.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Self

from flatbuffers import number_types
from flatbuffers.table import Table

# More than the tables, texts and numbers of any metadata together. A buffer whose offsets share
# their targets could else be made to unfold without end.
_MOST_BYTES = 1 << 20

_OFFSET_BYTES = 4
_VTABLE_HEAD = 4


class FlatTable:
    """One table; every method takes a field's number in its table.

    All methods raise ValueError, struct.error or TypeError on damage: what
    `validation.runtimes.tflite_file.DAMAGE` lists.

    Args:
        data: The whole flatbuffer.
        position: Where the table begins.
        spent: Bytes read so far, in a list that all tables of a buffer share.
    """

    def __init__(self, data: bytes, position: int, spent: list[int]) -> None:
        self._data = data
        self._spent = spent
        self._check(position, _OFFSET_BYTES)
        self._table = Table(data, position)

    @classmethod
    def root(cls, data: bytes) -> Self:
        """The table that a flatbuffer begins with."""
        (position,) = struct.unpack_from("<I", data)
        return cls(data, position, [0])

    def byte(self, field: IntEnum) -> int:
        """A number of 8 bits, 0 where it is left out."""
        place = self._place(field)
        return 0 if place is None else int(self._table.Get(number_types.Uint8Flags, place))

    def whole(self, field: IntEnum) -> int:
        """A signed number of 32 bits, 0 where it is left out."""
        place = self._place(field)
        return 0 if place is None else int(self._table.Get(number_types.Int32Flags, place))

    def text(self, field: IntEnum) -> str:
        """A text, empty where it is left out."""
        place = self._place(field)
        return "" if place is None else self._text_at(place)

    def texts(self, field: IntEnum) -> tuple[str, ...]:
        """A list of texts."""
        start, count = self._vector(field, _OFFSET_BYTES)
        return tuple(self._text_at(start + _OFFSET_BYTES * at) for at in range(count))

    def floats(self, field: IntEnum) -> tuple[float, ...]:
        """A list of float32."""
        start, count = self._vector(field, 4)
        return struct.unpack_from(f"<{count}f", self._data, start)

    def wholes(self, field: IntEnum) -> tuple[int, ...]:
        """A list of unsigned numbers of 32 bits."""
        start, count = self._vector(field, 4)
        return struct.unpack_from(f"<{count}I", self._data, start)

    def content(self, field: IntEnum) -> bytes | None:
        """A list of bytes, of any length that the buffer has; None where it is left out."""
        place = self._place(field)
        if place is None:
            return None
        start, count = self._counted(place)
        self._check(start, count, free=True)
        return bytes(self._data[start : start + count])

    def table(self, field: IntEnum) -> FlatTable | None:
        """A table, None where it is left out."""
        place = self._place(field)
        return None if place is None else self._table_at(place)

    def tables(self, field: IntEnum) -> tuple[FlatTable, ...]:
        """A list of tables."""
        start, count = self._vector(field, _OFFSET_BYTES)
        return tuple(self._table_at(start + _OFFSET_BYTES * at) for at in range(count))

    def nth(self, field: IntEnum, number: int) -> FlatTable:
        """One table of a list, however long the list is."""
        place = self._place(field)
        start, count = (0, 0) if place is None else self._counted(place)
        if not 0 <= number < count:
            raise ValueError(f"entry {number} of {count}")
        self._check(start, count * _OFFSET_BYTES, free=True)
        return self._table_at(start + _OFFSET_BYTES * number)

    def _place(self, field: IntEnum) -> int | None:
        """Where a field of this table stands; None where it is left out."""
        offset = self._table.Offset(_VTABLE_HEAD + 2 * field)
        return self._table.Pos + offset if offset else None

    def _table_at(self, place: int) -> FlatTable:
        return FlatTable(self._data, self._table.Indirect(place), self._spent)

    def _text_at(self, place: int) -> str:
        start, count = self._counted(place)
        self._check(start, count)
        return self._data[start : start + count].decode()

    def _vector(self, field: IntEnum, width: int) -> tuple[int, int]:
        place = self._place(field)
        if place is None:
            return 0, 0
        start, count = self._counted(place)
        self._check(start, count * width)
        return start, count

    def _counted(self, place: int) -> tuple[int, int]:
        """Where the entries of a vector begin, and how many there are."""
        start = self._table.Indirect(place)
        self._check(start, _OFFSET_BYTES)
        return start + _OFFSET_BYTES, int(self._table.Get(number_types.UOffsetTFlags, start))

    def _check(self, start: int, size: int, *, free: bool = False) -> None:
        """Refuse what lies outside of the buffer, or to read more than it can rightly hold."""
        if not 0 <= start <= start + size <= len(self._data):
            raise ValueError(f"bytes {start} to {start + size} of {len(self._data)}")
        self._spent[0] += 0 if free else size
        if self._spent[0] > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES} bytes of tables and texts")
