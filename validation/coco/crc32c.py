"""CRC-32C (Castagnoli), the checksum of TFRecord files, at the speed of arrays.

Nothing that this package depends on has it without TensorFlow, and a loop over bytes takes
minutes for a set of photographs. A CRC is linear: the data are cut into pieces, all pieces are
taken through the register side by side, and their registers are joined in pairs.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# uint32; NumPy's types do not say that shifts by whole numbers keep it.
_Words: TypeAlias = NDArray[Any]

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
# Bytes of a piece: a multiple of four. Below one piece a plain loop is as fast.
_PIECE = 128


def crc32c(data: bytes) -> int:
    """CRC-32C of the data (RFC 3720, section 12.1)."""
    if len(data) < _PIECE:
        return _of_few(data)
    # A register of ones is the same as the first four bytes inverted, and from a register of
    # zeros leading zeros change nothing: so the pieces are filled up at the front.
    missing = -len(data) % _PIECE
    padded = np.zeros(missing + len(data), np.uint8)
    padded[missing:] = np.frombuffer(data, np.uint8)
    padded[missing : missing + 4] ^= 0xFF
    words = padded.view("<u4").reshape(-1, _PIECE // 4)
    zeros = np.zeros(len(words), np.uint32)
    return _joined(_registers(np.ascontiguousarray(words.T), zeros)) ^ _ONES


def _of_few(data: bytes) -> int:
    table, _, _ = _tables()
    register = _ONES
    for byte in data:
        register = int(table[(register ^ byte) & 0xFF]) ^ (register >> 8)
    return register ^ _ONES


@cache
def _tables() -> tuple[_Words, _Words, _Words]:
    """What one byte leaves in the register, and what the halves of a word of 32 bits leave."""
    one: _Words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        one = (one >> 1) ^ np.where(one & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    low: _Words = np.arange(65536, dtype=np.uint32)
    high: _Words = low << np.uint32(16)
    for _ in range(4):
        low = one[low & 0xFF] ^ (low >> 8)
        high = one[high & 0xFF] ^ (high >> 8)
    return one, low, high


def _registers(words: _Words, start: _Words) -> _Words:
    """The register behind each piece.

    Args:
        words: uint32 [steps, pieces].
        start: Before the first word: uint32 [pieces].
    """
    _, low, high = _tables()
    register = start
    for row in words:
        mixed = register ^ row
        register = low[mixed & 0xFFFF] ^ high[mixed >> 16]
    return register.astype(np.uint32)


def _joined(registers: _Words) -> int:
    """The register behind all pieces, each begun with zero."""
    level = 0
    while len(registers) > 1:
        if len(registers) % 2:
            registers = np.concatenate([np.zeros(1, np.uint32), registers])
        registers = _shifted(registers[::2], level) ^ registers[1::2]
        level += 1
    return int(registers[0])


def _shifted(registers: _Words, level: int) -> _Words:
    """The registers behind 2**level more pieces of zeros."""
    tables = _shift(level)
    shifted: _Words = (
        tables[0][registers & 0xFF]
        ^ tables[1][(registers >> 8) & 0xFF]
        ^ tables[2][(registers >> 16) & 0xFF]
        ^ tables[3][registers >> 24]
    )
    return shifted


@cache
def _shift(level: int) -> _Words:
    """What 2**level pieces of zeros make of each byte of a register: uint32 [4, 256]."""
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    if level == 0:
        columns = _registers(np.zeros((_PIECE // 4, 32), np.uint32), bits)
    else:
        columns = _shifted(_shifted(bits, level - 1), level - 1)
    # A shift is linear: what it makes of a byte is the sum of what it makes of its bits.
    is_set = (np.arange(256)[:, None] >> np.arange(8)) & 1 == 1
    return np.stack(
        [
            np.bitwise_xor.reduce(np.where(is_set, part, np.uint32(0)), axis=1)
            for part in columns.reshape(4, 8)
        ]
    )
