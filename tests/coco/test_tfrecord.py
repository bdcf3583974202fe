"""TFRecord files and Examples are read whole, or refused with the number of the record."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from set_writers import Values, example, frame

from validation.coco.crc32c import crc32c
from validation.coco.tf_example import parse_features
from validation.coco.tfrecord import inflated, is_record_head, read_records
from validation.errors import DatasetError

_SOME = settings(max_examples=40, deadline=None)
_RECORDS = st.lists(st.binary(max_size=400), max_size=4)
_FLOATS = st.floats(width=32, allow_nan=False)
_FEATURES = st.dictionaries(
    st.text(max_size=20),
    st.lists(st.binary(max_size=20), max_size=4)
    | st.lists(_FLOATS, max_size=4)
    | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
    max_size=5,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to be written again and again."""
    return tmp_path_factory.mktemp("records") / "some.record"


def _read(path: Path, data: bytes) -> list[bytes]:
    path.write_bytes(data)
    return list(read_records(path))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        # RFC 3720, B.4, and the check value of the catalogue of CRCs.
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_the_checksum_is_castagnolis(data: bytes, expected: int) -> None:
    """Public examples."""
    assert crc32c(data) == expected


@_SOME
@given(st.binary(max_size=2000))
def test_the_checksum_of_long_data_is_that_of_a_loop(data: bytes) -> None:
    """Bit by bit, as the polynomial is defined."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


@_SOME
@given(records=_RECORDS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress])
def test_records_come_back(path: Path, records: list[bytes], pack: type[bytes]) -> None:
    """Plain and compressed, none, empty and long ones."""
    data = pack(b"".join(map(frame, records)))
    assert _read(path, data) == records
    assert is_record_head(inflated(data[:64])) == bool(records)


@_SOME
@given(records=_RECORDS.filter(bool), place=st.data())
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zlib.compress])
def test_a_cut_file_is_refused(
    path: Path, records: list[bytes], place: st.DataObject, pack: type[bytes]
) -> None:
    """Wherever it is cut but between records; the message has the file and the record."""
    data = pack(b"".join(map(frame, records)))
    cut = place.draw(st.integers(1, len(data) - 1))
    whole = [len(b"".join(map(frame, records[:count]))) for count in range(len(records))]
    if pack is bytes and cut in whole:
        assert _read(path, data[:cut]) == records[: whole.index(cut)]
    else:
        with pytest.raises(DatasetError, match=r"some.record, record \d"):
            _read(path, data[:cut])


@_SOME
@given(records=_RECORDS.filter(bool), place=st.data())
def test_a_flipped_bit_is_refused(path: Path, records: list[bytes], place: st.DataObject) -> None:
    """Length, checksums and data alike."""
    data = bytearray(b"".join(map(frame, records)))
    bit = place.draw(st.integers(0, 8 * len(data) - 1))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DatasetError, match=r"record"):
        _read(path, bytes(data))


@pytest.mark.parametrize("length", [2**64 - 1, 2**40, 2**30 + 1])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_hostile_length_takes_no_memory(path: Path, length: int, pack: type[bytes]) -> None:
    """A right checksum does not make a length true."""
    head = struct.pack("<Q", length)
    crc = crc32c(head)
    mask = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    with pytest.raises(DatasetError, match=f"longer than any .*got {length} bytes"):
        _read(path, pack(head + struct.pack("<I", mask) + b"data"))


def test_a_length_beyond_the_file_is_refused(path: Path) -> None:
    """Within what is allowed, but not there."""
    data = frame(bytes(1000))
    with pytest.raises(DatasetError, match=r"ends within .* in data .*expected 1000 bytes, got 5"):
        _read(path, data[:17])


@_SOME
@given(features=_FEATURES)
def test_features_come_back(features: dict[str, Values]) -> None:
    """By name and type; a feature without values is empty."""
    assert parse_features(example(features), "here") == features


@_SOME
@given(features=_FEATURES, place=st.data())
def test_damaged_examples_end_in_one_error(
    features: dict[str, Values], place: st.DataObject
) -> None:
    """Or in other features: an Example has no checksum of its own."""
    data = bytearray(example(features) or b"\x0a\x00")
    data[place.draw(st.integers(0, len(data) - 1))] = place.draw(st.integers(0, 255))
    cut = place.draw(st.integers(0, len(data)))
    try:
        found = parse_features(bytes(data[:cut]), "val.record, record 7")
    except DatasetError as error:
        assert "no tf.train.Example (val.record, record 7)" in str(error)
    else:
        assert isinstance(found, dict)


@_SOME
@given(data=st.binary(max_size=200))
def test_what_is_no_example_is_refused(data: bytes) -> None:
    """Any bytes end in features or in the one error."""
    try:
        parse_features(data, "here")
    except DatasetError as error:
        assert "no tf.train.Example" in str(error)


def test_lists_that_are_not_packed_are_read() -> None:
    """As other languages' writers may have them."""
    floats = b"".join(b"\x0d" + struct.pack("<f", value) for value in (0.5, 0.25))
    feature = b"\x12" + bytes([len(floats)]) + floats
    entry = b"\x0a\x01a\x12" + bytes([len(feature)]) + feature
    features = b"\x0a" + bytes([len(entry)]) + entry
    assert parse_features(b"\x0a" + bytes([len(features)]) + features, "here") == {"a": [0.5, 0.25]}
