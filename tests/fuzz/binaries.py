"""Changes inside of a container that is in order: its checksums, frames and sizes are right."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import struct
import tarfile
import zipfile
import zlib
from random import Random

from fuzz.mutations import EXTREMES, Mutator, change_bytes
from fuzz.texts import change_json
from protobuf_wire import varint
from set_writers import frame

__all__ = [
    "bomb",
    "change_npy",
    "change_pack",
    "change_png",
    "change_protobuf",
    "change_tar",
    "inside_frames",
    "inside_gzip",
    "inside_zip",
]

_NAMES = (
    *("../out", "/abs", "a/../../b", "", ".", "..", "a\0b", "\x1b[31m", "x" * 300, "x/" * 400),
    *("model/pipeline.config", "model/pipeline.config/under", "MODEL/PIPELINE.CONFIG", "é", "a\nb"),
)
_TYPES = (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"S", b"L", b"x", b"g", b"V", b"\xff")
_PAX = (
    *({"size": "99999999999"}, {"path": "../x"}, {"GNU.sparse.major": "1"}, {"mtime": "nan"}),
    *({"GNU.sparse.map": "0,1,a"}, {"hdrcharset": "BINARY"}, {"size": "-1"}, {"uid": "x"}),
    *({"GNU.sparse.size": "1e9", "GNU.sparse.numblocks": "x"}, {"linkpath": "/etc"}),
)
_RECORD_BYTES = 512
# Magic, version, and the length of the header that follows.
_NPY_BYTES = 10
_ZEROS = 1 << 26


def inside_gzip(mutator: Mutator) -> Mutator:
    """The change is of what is compressed; some end in what is left of an archive."""

    def change(data: bytes, random: Random) -> bytes:
        if random.random() < 0.2:
            return change_bytes(data, random)
        try:
            plain = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return change_bytes(data, random)
        return gzip.compress(mutator(plain, random), 1, mtime=0)

    return change


@functools.cache
def _zeros() -> bytes:
    """64 MB of zeros; several of these behind each other are one file for gzip."""
    return gzip.compress(bytes(_ZEROS), 9, mtime=0)


def bomb(_: bytes, random: Random) -> bytes:
    """An archive of a few kilobytes with one member of gigabytes."""
    times = random.choice((4, 40))
    member = tarfile.TarInfo(random.choice(("mini/pipeline.config", "mini/x", "mini/model.tflite")))
    member.size = times * _ZEROS
    return gzip.compress(member.tobuf(), mtime=0) + _zeros() * times


def change_tar(data: bytes, random: Random) -> bytes:
    """A header of one member says something else, its checksum being right."""
    if random.random() < 0.3:
        return _rewritten(data, random)
    headers = [
        place
        for place in range(0, len(data) - _RECORD_BYTES + 1, _RECORD_BYTES)
        if data[place + 257 : place + 262] == b"ustar"
    ]
    if not headers:
        return change_bytes(data, random)
    place = random.choice(headers)
    header = bytearray(data[place : place + _RECORD_BYTES])
    match random.randrange(6):
        case 0:
            header[0:100] = random.choice(_NAMES).encode()[:100].ljust(100, b"\0")
        case 1:
            header[156:157] = random.choice(_TYPES)
        case 2:
            size = random.choice((0, 1, 511, 8**11 - 1, 10**9))
            header[124:136] = f"{size:011o}\0".encode()[:12]
        case 3:
            header[124:136] = random.choice((b"\x80" + b"\xff" * 11, b"\xff" * 12, b"zz", b"-1"))[
                :12
            ].ljust(12, b"\0")
        case 4:
            header[157:257] = random.choice(_NAMES).encode()[:100].ljust(100, b"\0")
        case _:
            header[:] = change_bytes(bytes(header), random)[:_RECORD_BYTES].ljust(
                _RECORD_BYTES, b"\0"
            )
    if random.random() < 0.9:
        header[148:156] = b" " * 8
        header[148:156] = f"{sum(header):06o}\0 ".encode()
    return data[:place] + bytes(header) + data[place + _RECORD_BYTES :]


def _rewritten(data: bytes, random: Random) -> bytes:
    """The same members with another one among them: a link, a device, a name twice, extensions."""
    out = io.BytesIO()
    try:
        with (
            tarfile.open(fileobj=io.BytesIO(data)) as old,
            tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as new,
        ):
            members = old.getmembers()
            chosen = random.randrange(len(members))
            for number, member in enumerate(members):
                content = old.extractfile(member)
                bytes_ = content.read() if content is not None else b""
                if number == chosen:
                    match random.randrange(5):
                        case 0:
                            member.name = random.choice(_NAMES)
                        case 1:
                            member.type = random.choice((b"1", b"2"))
                            member.linkname, member.size = random.choice(_NAMES), 0
                        case 2:
                            member.pax_headers = random.choice(_PAX)
                        case 3:
                            member.type, member.size = random.choice((b"3", b"4", b"6")), 0
                        case _:
                            new.addfile(member, io.BytesIO(bytes_))
                            bytes_ = change_bytes(bytes_, random) if bytes_ else b"x"
                            member.size = len(bytes_)
                new.addfile(member, io.BytesIO(bytes_[: member.size]))
    except (tarfile.TarError, OSError, ValueError, EOFError, IndexError, zlib.error, struct.error):
        return change_bytes(data, random)
    return out.getvalue()


def inside_zip(mutator: Mutator) -> Mutator:
    """The change is of one member, which is stored or deflated; or of the zip itself."""

    def change(data: bytes, random: Random) -> bytes:
        if random.random() < 0.3:
            return change_bytes(data, random)
        out = io.BytesIO()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
                names = old.namelist()
                chosen = random.choice(names)
                for name in names:
                    content = old.read(name)
                    if name == chosen:
                        content = mutator(content, random)
                    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
                    new.writestr(zipfile.ZipInfo(name), content, method)
        except (zipfile.BadZipFile, OSError, ValueError, zlib.error, NotImplementedError):
            return change_bytes(data, random)
        return out.getvalue()

    return change


def change_pack(data: bytes, random: Random) -> bytes:
    """The change is of a member that its manifest names as it has become; or of the zip itself."""
    if random.random() < 0.3:
        return inside_zip(change_bytes)(data, random)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as old:
            content = {name: old.read(name) for name in old.namelist()}
        document = json.loads(content["manifest.json"])
        chosen = random.choice([*content, "manifest.json", "manifest.json"])
        if chosen != "manifest.json":
            change = change_npy if chosen.endswith(".npy") else change_bytes
            content[chosen] = change(content[chosen], random)
            for each in document["files"]:
                if each["name"] == chosen:
                    each["sha256"] = hashlib.sha256(content[chosen]).hexdigest()
        manifest = json.dumps(document).encode()
        content["manifest.json"] = (
            change_json(manifest, random) if chosen == "manifest.json" else manifest
        )
    except (zipfile.BadZipFile, OSError, ValueError, LookupError, TypeError, RuntimeError):
        return change_bytes(data, random)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, each in content.items():
            new.writestr(zipfile.ZipInfo(name), each)
    return out.getvalue()


_DTYPES = ("|O", "<f8", ">f4", "|S1000000", "<U9", "<i1", "|V0", "<M8[s]", "[('a','<f4')]", "x")
_SHAPES = ("()", "(0,)", "(-1, 4)", "(2**40,)", "(1, 1, 1, 1, 1)", "(1000000000, 4)", "(2, 4.0)")


def change_npy(data: bytes, random: Random) -> bytes:
    """An array's header says another type, shape or order, and its length is right."""
    if not data.startswith(b"\x93NUMPY") or len(data) < _NPY_BYTES or random.random() < 0.4:
        return change_bytes(data, random)
    length = struct.unpack_from("<H", data, 8)[0]
    header, rest = data[_NPY_BYTES:][:length].decode("latin-1"), data[_NPY_BYTES + length :]
    match random.randrange(4):
        case 0:
            header = f"{{'descr': '{random.choice(_DTYPES)}', 'fortran_order': False, " + (
                f"'shape': {random.choice(_SHAPES)}}}"
            )
        case 1:
            header = header.replace(
                "False", random.choice(("True", "None", "0", "__import__('os')"))
            )
        case 2:
            header = "[" * random.choice((10, 3000)) + header
        case _:
            header = header.replace("<f4", random.choice(_DTYPES))
    encoded = header.strip().encode("latin-1")[:65_000] + b"\n"
    return data[:8] + struct.pack("<H", len(encoded)) + encoded + rest


def change_png(data: bytes, random: Random) -> bytes:
    """A chunk says something else, its checksum being right."""
    chunks, place = [], 8
    while place + 8 <= len(data):
        (size,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += size + 12
    if not chunks or data[:4] != b"\x89PNG" or random.random() < 0.3:
        return change_bytes(data, random)
    number = random.randrange(len(chunks))
    kind, content = chunks[number]
    match random.randrange(4):
        case 0 if kind == b"IHDR":
            sides = [random.choice((0, 1, 13_000, 65_536, 2**31 - 1)) for _ in range(2)]
            chunks[number] = (kind, struct.pack(">II", *sides) + content[8:])
        case 1:
            text = b"comment\0\0" + zlib.compress(b"A" * 3_000_000)
            chunks.insert(number + 1, (b"zTXt", text))
        case 2:
            chunks.insert(number, chunks[number])
        case _:
            chunks[number] = (kind, change_bytes(content, random) if content else b"\0")
    return data[:8] + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def change_protobuf(data: bytes, random: Random, depth: int = 0) -> bytes:
    """One field of a message, or of one inside of it; all lengths around it are right."""
    fields = _fields(data)
    if not fields or (depth == 0 and random.random() < 0.25):
        return change_bytes(data, random) if data else b"\x08"
    place = random.randrange(len(fields))
    key, value = fields[place]
    wire = key & 7
    choice = random.randrange(10)
    if choice == 0:
        del fields[place]
    elif choice == 1:
        fields[place:place] = [fields[place]] * random.choice((1, 2, 200))
    elif choice == 2:
        fields[place] = (random.choice((key + 8, key ^ 2, 8 * 536_870_911 + wire)), value)
    elif wire == 2 and isinstance(value, bytes) and value and depth < 12:
        fields[place] = (key, change_protobuf(value, random, depth + 1))
    elif wire == 0:
        fields[place] = (key, random.choice(EXTREMES) % 2**64)
    elif isinstance(value, bytes):
        fields[place] = (key, change_bytes(value, random)[: len(value)].ljust(len(value), b"\0"))
    return b"".join(_packed(*each) for each in fields)


def _fields(data: bytes) -> list[tuple[int, bytes | int]]:
    """Keys and values of a message; empty where it is none."""
    found: list[tuple[int, bytes | int]] = []
    place = 0
    try:
        while place < len(data):
            key, place = _varint_at(data, place)
            wire = key & 7
            if wire == 0:
                value, place = _varint_at(data, place)
                found.append((key, value))
                continue
            size = {1: 8, 5: 4}.get(wire)
            if wire == 2:
                size, place = _varint_at(data, place)
            if size is None or not key >> 3 or place + size > len(data):
                return []
            found.append((key, data[place : place + size]))
            place += size
    except IndexError:
        return []
    return found


def _varint_at(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, place
        if shift > 63:
            raise IndexError


def _packed(key: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(key & ~7) + varint(value)
    wire = key & 7
    return varint(key) + (varint(len(value)) if wire == 2 else b"") + value


def inside_frames(mutator: Mutator) -> Mutator:
    """The change is of one record of a TFRecord file, whose checksums are right."""

    def change(data: bytes, random: Random) -> bytes:
        records, place = [], 0
        while place + 16 <= len(data):
            (size,) = struct.unpack_from("<Q", data, place)
            records.append(data[place + 12 : place + 12 + size])
            place += size + 16
        if not records or random.random() < 0.25:
            return change_bytes(data, random)
        number = random.randrange(len(records))
        records[number] = mutator(records[number], random)
        return b"".join(map(frame, records))

    return change
