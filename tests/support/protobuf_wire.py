"""Protobuf's wire format, written byte by byte: what readers are tested with."""

from __future__ import annotations


def field(number: int, value: bytes | int) -> bytes:
    """A field with a length, or a varint."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """A whole number, 0 or more, in groups of 7 bits."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
