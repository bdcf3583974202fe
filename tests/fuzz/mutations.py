"""Changes of bytes that know no format; the same for the same generator on any machine."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from random import Random

__all__ = ["EXTREMES", "Mutator", "change_bytes", "mixed", "several"]

# Gives a changed copy.
Mutator = Callable[[bytes, Random], bytes]

# Where integers of any width go wrong; some are lengths beyond all files.
EXTREMES = (
    *(-1, 0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1),
)
_WIDTHS = (1, 2, 4, 8)
# The most that a change adds; what is larger than its file by far is made by its format.
_MOST_ADDED = 4096
_MOST_CHANGES = 6


def flip_bits(data: bytes, random: Random) -> bytes:
    """One bit, or one in each of a few bytes that lie together."""
    changed = bytearray(data)
    start = random.randrange(len(changed))
    for place in range(start, min(start + random.choice((1, 1, 1, 4)), len(changed))):
        changed[place] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(data: bytes, random: Random) -> bytes:
    """Only its beginning: half a download."""
    return data[: random.randrange(len(data))]


def cut_beginning(data: bytes, random: Random) -> bytes:
    """Only its end."""
    return data[random.randrange(len(data)) :]


def set_integer(data: bytes, random: Random) -> bytes:
    """An integer of any width and either order becomes an extreme one: a length, count or index."""
    width = random.choice(_WIDTHS)
    value = random.choice(EXTREMES) % (1 << 8 * width)
    place = random.randrange(max(1, len(data) - width + 1))
    order = random.choice(("little", "big"))
    return data[:place] + value.to_bytes(width, order) + data[place + width :]


def move_integer(data: bytes, random: Random) -> bytes:
    """An integer becomes a little more or less: one beyond the end of something."""
    width = random.choice(_WIDTHS)
    place = random.randrange(max(1, len(data) - width + 1))
    value = int.from_bytes(data[place : place + width], "little")
    value += random.choice((-256, -16, -4, -1, 1, 4, 16, 256))
    new = (value % (1 << 8 * width)).to_bytes(width, "little")
    return data[:place] + new + data[place + width :]


def set_float(data: bytes, random: Random) -> bytes:
    """Four or eight bytes become a number that is none, or none that fits."""
    value = random.choice((float("nan"), float("inf"), float("-inf"), -1.0, 0.0, 1e-45, 1e38))
    new = struct.pack(random.choice(("<f", "<d")), value)
    place = random.randrange(len(data))
    return data[:place] + new + data[place + len(new) :]


def remove_chunk(data: bytes, random: Random) -> bytes:
    """Some bytes are missing in the middle."""
    start, end = _range(data, random)
    return data[:start] + data[end:]


def repeat_chunk(data: bytes, random: Random) -> bytes:
    """Some bytes stand there twice, or many times."""
    start, end = _range(data, random)
    times = random.choice((1, 1, 2, 50))
    most = max(1, _MOST_ADDED // max(1, end - start))
    return data[:end] + data[start:end] * min(times, most) + data[end:]


def splice(data: bytes, random: Random) -> bytes:
    """Some bytes are those of another place."""
    start, end = _range(data, random)
    place = random.randrange(len(data))
    return data[:place] + data[start:end] + data[place + end - start :]


def fill(data: bytes, random: Random) -> bytes:
    """Some bytes are all the same, or noise."""
    start, end = _range(data, random)
    value = random.choice((b"\0", b"\xff", b"", b"\n"))
    new = value * (end - start) if value else random.randbytes(end - start)
    return data[:start] + new + data[end:]


def insert(data: bytes, random: Random) -> bytes:
    """Noise where nothing was."""
    place = random.randrange(len(data) + 1)
    return data[:place] + random.randbytes(random.randrange(1, 64)) + data[place:]


def _range(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data))
    most = random.choice((4, 16, 64, 512, _MOST_ADDED))
    return start, min(len(data), start + random.randrange(1, most + 1))


_CHANGES: Sequence[Mutator] = (
    *(flip_bits, set_integer, move_integer, set_float, cut, cut_beginning),
    *(remove_chunk, repeat_chunk, splice, fill, insert),
)


def change_bytes(data: bytes, random: Random) -> bytes:
    """One to a few of the changes, one after the other."""
    return several(_CHANGES)(data, random)


def several(changes: Sequence[Mutator]) -> Mutator:
    """One change most of the time, or a few of them one after the other."""

    def change(data: bytes, random: Random) -> bytes:
        for _ in range(random.choice((1, 1, 1, 2, 3, _MOST_CHANGES))):
            if data:
                data = random.choice(changes)(data, random)
        return data

    return change


def mixed(*mutators: Mutator) -> Mutator:
    """One of several ways, each as often."""
    return lambda data, random: random.choice(mutators)(data, random)
