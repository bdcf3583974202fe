"""FlatBuffers, read and written by a schema that is data; reading stays within their bounds.

The code that flatc generates for Python trusts every offset and length of a buffer. Here each
one is checked before it is followed, and what cannot be followed is one error that names the field.
"""

from __future__ import annotations

import functools
import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import flatbuffers
import numpy as np
from flatbuffers import number_types

from validation.errors import ConversionError
from validation.root_cause import FaultKind, Place

_SCALARS: dict[str, tuple[str, Any]] = {
    "bool": ("?", number_types.BoolFlags),
    "byte": ("b", number_types.Int8Flags),
    "ubyte": ("B", number_types.Uint8Flags),
    "short": ("h", number_types.Int16Flags),
    "ushort": ("H", number_types.Uint16Flags),
    "int": ("i", number_types.Int32Flags),
    "uint": ("I", number_types.Uint32Flags),
    "long": ("q", number_types.Int64Flags),
    "ulong": ("Q", number_types.Uint64Flags),
    "float": ("f", number_types.Float32Flags),
    "double": ("d", number_types.Float64Flags),
}
_OFFSET, _SIGNED_OFFSET = struct.Struct("<I"), struct.Struct("<i")
_VTABLE_HEAD = struct.Struct("<HH")
_OFFSET_BYTES = 4

# The limit that FlatBuffers' own verifiers have.
_MAX_TABLES = 1_000_000
# Offsets can share their targets, so a short buffer could be made to unfold without end. What
# real writers share, names and scales, comes to less than the buffer once more.
_MAX_UNFOLDING = 4
_FREE_BYTES = 1 << 20

# TFLite's schema wants it of weights, which kernels read in place: 16 bytes for each [ubyte].
_BYTES_ALIGNMENT = 16


class Table:
    """One table of a buffer; its attributes are the schema's fields.

    A field that the buffer leaves out has the schema's default; a string, table or vector None.
    Vectors of numbers are arrays, those of a buffer views of it that cannot be written to.
    """

    _fields: ClassVar[tuple[_Field, ...]] = ()
    _slots: ClassVar[int] = 0

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            getattr(self, name)  # a name that the schema does not have is a mistake of ours
            setattr(self, name, value)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The schema's fields."""
        return tuple(field.name for field in cls._fields)


class _Damage(Exception):
    """What is wrong, and on the way up the path of the field that has it."""

    path = ""


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is read and written.

    Args:
        name: In the schema.
        slot: Of the vtable.
        width: Bytes inside the table.
        default: Where the field is left out.
        read: The value at a position; the fields before it are known.
        number: flatbuffers' description of a scalar's type; None for a value that is not in line.
        write: Writes a value that is not in line and returns where.
    """

    name: str
    slot: int
    width: int
    default: Any
    read: Callable[[_Reader, int, dict[str, Any]], Any]
    number: Any = None
    write: Callable[[flatbuffers.Builder, Any], int] | None = None


class Schema:
    """The tables of one kind of buffer.

    Args:
        file: JSON as tools/compile_flatbuffer_schemas.py writes it.
        title: What such a buffer is called in messages.
    """

    def __init__(self, file: Path, title: str) -> None:
        schema = json.loads(file.read_text(encoding="utf-8"))
        self._tables, self._unions = schema["tables"], schema["unions"]
        self._enums, self._root, self._title = schema["enums"], schema["root"], title
        self.identifier: bytes = schema["identifier"].encode()
        self.table = functools.cache(self._table)

    def names(self, enumeration: str) -> dict[int, str]:
        """The names of an enumeration's values."""
        return {value: name for name, value in self._enums[enumeration].items()}

    def identifies(self, data: bytes) -> bool:
        """True where a buffer, or its first 8 bytes, has the schema's identifier."""
        return data[4:8] == self.identifier

    def unpack(self, data: bytes, where: str) -> Any:
        """The root table of a buffer, every table, vector and string below it checked.

        Args:
            data: The buffer; bytes may follow it.
            where: File name for messages.

        Raises:
            ConversionError: Another identifier, or an offset, a length or a text that is damaged.
        """
        if not self.identifies(data):
            raise ConversionError(
                f"the bytes are not a {self._title}",
                expected=f"identifier {self.identifier.decode()} at byte 4",
                got=f"{data[4:8]!r} in {len(data)} bytes",
                where=where,
                fault=FaultKind.OTHER_FILE,
                place=Place.FILE,
            )
        reader = _Reader(data)
        try:
            return reader.table(self.table(self._root), reader.target(0))
        except _Damage as error:
            raise self.damage(f"{error.path.lstrip('.') or self._root}: {error}", where) from error

    def damage(self, what: str, where: str) -> ConversionError:
        """The error for a buffer that contradicts itself.

        Args:
            what: The field and what is wrong with it.
            where: File name.
        """
        return ConversionError(
            f"the {self._title} is damaged",
            got=what,
            where=where,
            next_step="fetch or convert the file again",
            fault=FaultKind.DAMAGED,
            place=Place.FILE,
        )

    def pack(self, root: Table) -> bytes:
        """The buffer of a root table: the same tables give the same bytes."""
        builder = _AlignedBuilder(1024)
        builder.Finish(_write_table(builder, root), self.identifier)
        return bytes(builder.Output())

    def _table(self, name: str) -> type[Table]:
        fields = []
        for slot, (field, kind, *default) in enumerate(self._tables[name]):
            if field:  # else it was deprecated
                fields.append(self._field(field, slot, kind, default[0] if default else 0))
        defaults = {field.name: field.default for field in fields}
        own = {"_fields": tuple(fields), "_slots": len(self._tables[name])}
        return type(name, (Table,), own | defaults)

    def _field(self, name: str, slot: int, kind: str, default: Any) -> _Field:
        element = kind.strip("[]")
        read: Callable[..., Any]
        write: Callable[..., int] = _write_table
        if element in _SCALARS:
            code, number = _SCALARS[element]
            if kind == element:
                read = _scalar_reader(struct.Struct(f"<{code}"))
                value = bool(default) if kind == "bool" else default
                return _Field(name, slot, struct.calcsize(code), value, read, number)
            dtype = np.dtype(f"<{code}")
            return _Field(name, slot, 4, None, _array_reader(dtype), None, _array_writer(dtype))
        if element in self._unions:
            tables = [functools.partial(self.table, each) for each in self._unions[element]]
            read = _union_reader(f"{name}_type", tables)
        elif element == "string":
            read, write = _Reader.text, _write_text
        else:
            read = _table_reader(functools.partial(self.table, element))
        if kind != element:
            read, write = _list_reader(read), _list_writer(write)
        return _Field(name, slot, _OFFSET_BYTES, None, read, None, write)


class _Reader:
    """A buffer, and how much of it has been unfolded."""

    def __init__(self, data: bytes) -> None:
        self._data, self._size = data, len(data)
        self._bytes_left = _MAX_UNFOLDING * len(data) + _FREE_BYTES
        self._tables_left = _MAX_TABLES
        self._vtables: dict[tuple[type[Table], int], tuple[int, list[tuple[_Field, int]]]] = {}

    def table(self, kind: type[Table], position: int) -> Table:
        """The table at a position, with everything that it holds."""
        self._require(position, _OFFSET_BYTES, "a table")
        vtable = position - _SIGNED_OFFSET.unpack_from(self._data, position)[0]
        known = self._vtables.get((kind, vtable))
        if known is None:
            known = self._vtables[kind, vtable] = self._vtable(kind, vtable)
        inline, present = known
        self._require(position, inline, "a table")
        self._spend(inline)
        self._tables_left -= 1
        if self._tables_left < 0:
            raise _Damage(f"more than {_MAX_TABLES:,} tables")
        table = object.__new__(kind)
        values = vars(table)
        for field, offset in present:
            try:
                values[field.name] = field.read(self, position + offset, values)
            except _Damage as error:
                error.path = f".{field.name}{error.path}"
                raise
        return table

    def target(self, position: int) -> int:
        """Where an offset leads; it can lead out of the buffer."""
        self._require(position, _OFFSET_BYTES, "an offset")
        return position + int(_OFFSET.unpack_from(self._data, position)[0])

    def vector(self, position: int, width: int) -> tuple[int, int]:
        """Where the entries of a vector begin, and how many there are."""
        start = self.target(position)
        self._require(start, _OFFSET_BYTES, "a vector")
        count = int(_OFFSET.unpack_from(self._data, start)[0])
        start += _OFFSET_BYTES
        self._require(start, count * width, f"a vector of {count:,}")
        self._spend(count * width)
        return start, count

    def array(self, dtype: np.dtype[Any], position: int) -> np.ndarray:
        """A vector of numbers."""
        start, count = self.vector(position, dtype.itemsize)
        return np.frombuffer(self._data, dtype, count, start)

    def text(self, position: int, _: dict[str, Any]) -> str:
        """A string."""
        start, count = self.vector(position, 1)
        try:
            return self._data[start : start + count].decode()
        except UnicodeDecodeError as error:
            raise _Damage(f"not UTF-8 at byte {start + error.start:,}") from error

    def _vtable(self, kind: type[Table], position: int) -> tuple[int, list[tuple[_Field, int]]]:
        """Bytes that a table has in line, and the offsets of the fields that are present."""
        self._require(position, _VTABLE_HEAD.size, "a vtable")
        length, inline = _VTABLE_HEAD.unpack_from(self._data, position)
        self._require(position, length, "a vtable")
        slots = (length - _VTABLE_HEAD.size) // 2
        if length % 2 or slots < 0 or inline < _OFFSET_BYTES:
            raise _Damage(f"a vtable of {length} bytes for a table of {inline}")
        slots = min(slots, kind._slots)  # a newer schema may have more
        offsets = struct.unpack_from(f"<{slots}H", self._data, position + _VTABLE_HEAD.size)
        fields = [each for each in kind._fields if each.slot < slots and offsets[each.slot]]
        for field in fields:
            if offsets[field.slot] + field.width > inline:
                raise _Damage(f"{field.name} lies outside of its table of {inline} bytes")
        return inline, [(field, offsets[field.slot]) for field in fields]

    def _require(self, start: int, size: int, what: str) -> None:
        if not 0 <= start <= self._size - size:
            # As half a download looks.
            cut = ": the end of the file is missing" if start >= self._size else ""
            raise _Damage(f"{what} at byte {start:,} of {self._size:,}{cut}")

    def _spend(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise _Damage(f"unfolds to more than {_MAX_UNFOLDING} times the file")


def _scalar_reader(number: struct.Struct) -> Callable[..., Any]:
    unpack_from = number.unpack_from
    return lambda reader, position, _: unpack_from(reader._data, position)[0]


def _array_reader(dtype: np.dtype[Any]) -> Callable[..., Any]:
    return lambda reader, position, _: reader.array(dtype, position)


def _table_reader(kind: Callable[[], type[Table]]) -> Callable[..., Any]:
    return lambda reader, position, _: reader.table(kind(), reader.target(position))


def _union_reader(name: str, kinds: Sequence[Callable[[], type[Table]]]) -> Callable[..., Any]:
    def read(reader: _Reader, position: int, values: dict[str, Any]) -> Table | None:
        number = values.get(name, 0)
        # A newer schema may have more members than this one.
        known = 1 <= number <= len(kinds)
        return reader.table(kinds[number - 1](), reader.target(position)) if known else None

    return read


def _list_reader(read: Callable[..., Any]) -> Callable[..., Any]:
    def read_all(reader: _Reader, position: int, values: dict[str, Any]) -> list[Any]:
        start, count = reader.vector(position, _OFFSET_BYTES)
        entries = []
        for index in range(count):
            try:
                entries.append(read(reader, start + _OFFSET_BYTES * index, values))
            except _Damage as error:
                error.path = f"[{index}]{error.path}"
                raise
        return entries

    return read_all


class _AlignedBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Python's builder knows nothing of the schema's force_align; this one aligns all bytes."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
        """See `flatbuffers.Builder.StartVector`."""
        least = _BYTES_ALIGNMENT if elemSize == 1 else 1
        return super().StartVector(elemSize, numElems, max(alignment, least))


def _write_table(builder: flatbuffers.Builder, table: Table) -> int:
    """Buffers are built from the leaves up: first what is not in line, then the table itself."""
    written = {
        field.slot: field.write(builder, value)
        for field in table._fields
        if field.write is not None and (value := getattr(table, field.name)) is not None
    }
    builder.StartObject(table._slots)
    for field in table._fields:
        if field.number is not None:
            value = getattr(table, field.name)
            builder.PrependSlot(field.number, field.slot, value, field.default)
        elif field.slot in written:
            builder.PrependUOffsetTRelativeSlot(field.slot, written[field.slot], 0)
    return int(builder.EndObject())


def _write_text(builder: flatbuffers.Builder, text: str) -> int:
    return int(builder.CreateString(text))


def _array_writer(dtype: np.dtype[Any]) -> Callable[[flatbuffers.Builder, Any], int]:
    return lambda builder, values: int(builder.CreateNumpyVector(np.asarray(values, dtype)))


def _list_writer(
    write: Callable[[flatbuffers.Builder, Any], int],
) -> Callable[[flatbuffers.Builder, Any], int]:
    def write_all(builder: flatbuffers.Builder, values: Sequence[Any]) -> int:
        targets = [write(builder, value) for value in values]
        builder.StartVector(_OFFSET_BYTES, len(targets), _OFFSET_BYTES)
        for target in reversed(targets):
            builder.PrependUOffsetTRelative(target)
        return int(builder.EndVector())

    return write_all
