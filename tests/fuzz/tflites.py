"""Changes of a .tflite file's tables, packed anew: offsets and lengths are right, values not."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from fuzz.mutations import EXTREMES, Mutator, change_bytes, mixed

from validation.errors import ValidationError
from validation.tflite.flatbuffer import Table
from validation.tflite.model import MODEL

__all__ = ["change_tflite"]

_FLOATS = (float("nan"), float("inf"), -1.0, 0.0, 1e-45, 3e38)
_TEXTS = ("", "\0", "\x1b[2J", "../x", "é" * 50, "x" * 5_000, "%s", "TFLite_Detection_PostProcess")
_ATTRIBUTES = (
    *(-1, 0, 1, 2, 100, 2**31 - 1, -(2**31), 2**40, 2**63 - 1, 0.0, -1.0, 1.5, 1e38, True, False),
    *(float("nan"), float("inf"), "text", [], [1, 2], {}, None),
)


def _change_tables(data: bytes, random: Random) -> bytes:
    """One to a few fields anywhere in the file."""
    try:
        root = MODEL.unpack(data, "seed")
        for _ in range(random.choice((1, 1, 2, 4))):
            _change_table(root, random)
        return MODEL.pack(root)
    except (ValidationError, struct.error, TypeError, ValueError, OverflowError, AttributeError):
        return change_bytes(data, random)


def _change_table(table: Any, random: Random) -> None:
    fields = [field for field in table._fields if getattr(table, field.name) is not None]
    unset = [field for field in table._fields if getattr(table, field.name) is None]
    if unset and random.random() < 0.05:
        return
    # Tables in tables: the walk goes down more often than it stays.
    field = random.choice(fields)
    value = getattr(table, field.name)
    if isinstance(value, Table):
        if random.random() < 0.05:
            setattr(table, field.name, None)
            return
        _change_table(value, random)
        return
    if isinstance(value, list) and value:
        _change_list(value, random)
        return
    setattr(table, field.name, _other(value, random))


def _change_list(values: list[Any], random: Random) -> None:
    place = random.randrange(len(values))
    match random.randrange(12):
        case 0:
            del values[place]
        case 1:
            values.insert(place, values[place])
        case 2:
            other = random.randrange(len(values))
            values[place], values[other] = values[other], values[place]
        case 3:
            values.extend([values[place]] * random.choice((1, 300)))
        case _ if isinstance(values[place], Table):
            _change_table(values[place], random)
        case _:
            values[place] = _other(values[place], random)


def _other(value: Any, random: Random) -> Any:
    if isinstance(value, np.ndarray):
        return _other_array(value, random)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return random.choice(_TEXTS)
    if isinstance(value, float):
        return random.choice(_FLOATS)
    if isinstance(value, int):
        extreme = random.choice(EXTREMES)
        return random.choice((value + 1, value - 1, value * 2, extreme, -extreme, extreme % 256))
    return value


def _other_array(array: Any, random: Random) -> Any:
    copy = np.array(array)
    choice = random.randrange(5)
    if not copy.size:
        return np.ones(random.choice((1, 4, 1_000)), copy.dtype)
    if choice == 0:
        return copy[: random.randrange(copy.size)]
    if choice == 1:
        return np.concatenate([copy, copy[: random.randrange(copy.size) + 1]])
    if choice == 2 and copy.dtype == np.uint8:
        return np.frombuffer(change_bytes(copy.tobytes(), random), np.uint8)
    places = random.sample(range(copy.size), min(copy.size, random.choice((1, 1, 2, 16))))
    for place in places:
        copy[place] = _number(copy.dtype, copy[place], random)
    return copy


def _number(dtype: Any, value: Any, random: Random) -> Any:
    if dtype.kind == "f":
        return random.choice(_FLOATS)
    new = random.choice((int(value) + 1, int(value) - 1, random.choice(EXTREMES), 1 << 20))
    return np.array(new % (1 << 8 * dtype.itemsize), np.uint64).astype(dtype)


def _change_attributes(data: bytes, random: Random) -> bytes:
    """Attributes of a custom op: the map is in order, its values are not."""
    try:
        root = MODEL.unpack(data, "seed")
        operators = [
            each
            for graph in root.subgraphs
            for each in graph.operators
            if each.custom_options is not None and len(each.custom_options)
        ]
        operator = random.choice(operators)
        values = flexbuffers.Loads(operator.custom_options.tobytes())
        for _ in range(random.choice((1, 1, 2))):
            key = random.choice(list(values))
            if random.random() < 0.15:
                del values[key]
            else:
                values[key] = random.choice(_ATTRIBUTES)
        packed = flexbuffers.Dumps(values)
        operator.custom_options = np.frombuffer(bytes(packed), np.uint8)
        return MODEL.pack(root)
    except Exception:
        # A seed without such an op; and flexbuffers' writer does not take every value.
        return _change_tables(data, random)


change_tflite: Mutator = mixed(
    _change_tables, _change_tables, _change_tables, _change_attributes, change_bytes
)
