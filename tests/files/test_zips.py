"""ZIP archives of unknown origin are opened with a bounded list of members."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from validation.files.zips import open_zip


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "a" * 100)
        archive.writestr("b/c.txt", "b")
    return stream.getvalue()


@pytest.mark.parametrize("as_file", [True, False])
def test_archive_is_read_and_closed(tmp_path: Path, as_file: bool) -> None:
    """Of a file and of bytes."""
    path = tmp_path / "a.zip"
    path.write_bytes(_zip())
    with open_zip(path if as_file else _zip()) as archive:
        assert archive.namelist() == ["a.txt", "b/c.txt"]
        assert archive.read("a.txt") == b"a" * 100
        stream = archive.fp
    assert stream is not None
    assert stream.closed


def test_list_of_a_million_members_is_not_read() -> None:
    """It would take a gigabyte to hold their names."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, *[0] * 8, 1, *[0] * 6) + b"a"
    entries = entry * 200_000
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, len(entries), 0, 0)
    with pytest.raises(ValueError, match=r"a list of members of 9,400,000 bytes"):
        open_zip(entries + end)


@pytest.mark.parametrize(
    "data", [b"", b"x" * 100, _zip()[:60]], ids=["nothing", "another kind", "half of one"]
)
def test_what_is_none_is_refused(data: bytes) -> None:
    """In the library's own words."""
    with pytest.raises(zipfile.BadZipFile):
        open_zip(data)
