"""Archives that were made to hang their reader, or to fill its memory, end in one error."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_files import LimitFiles

from validation.errors import ArtefactError, UnsafeArchive
from validation.zoo.packed import file_names
from validation.zoo.quantised import looks_quantised
from validation.zoo.tar_stream import opened_tar
from validation.zoo.unpack import unpack_tar

_MEMORY_BYTES = 32 << 20


def _header(name: str = "pipeline.config", **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def _packed(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts), 1)


def _block(info: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    return info.tobuf(form)


def _pax(**headers: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(_header(pax_headers=headers))
    return stream.getvalue()


def _zeros(mib: int) -> bytes:
    """Packed; several gzip members behind each other are one file, and take no memory here."""
    return gzip.compress(bytes(64 << 20), 1) * (mib // 64)


_HOSTILE: dict[str, Callable[[], bytes]] = {
    "a size that is not there": lambda: _packed(_block(_header(size=1 << 62)), bytes(1024)),
    "a size below 0": lambda: _packed(_block(_header(size=-512)), bytes(1024)),
    "a size in pax": lambda: _packed(_pax(size=str(1 << 80))),
    "a map that is none": lambda: _packed(_pax(**{"GNU.sparse.map": "1,x"})),
    "a sparse map without end": lambda: _packed(
        _pax(**{"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})[:-10240], b"1" * (8 << 20)
    ),
    "a long name": lambda: (
        _packed(_block(_header(type=tarfile.GNUTYPE_LONGNAME, size=256 << 20))) + _zeros(256)
    ),
    "a bomb as config": lambda: _packed(_block(_header(size=3 << 30))) + _zeros(1024),
    "many members": lambda: _packed(_block(_header("x")) * 20_000),
    "headers behind headers": lambda: _packed(
        _block(_header(type=tarfile.GNUTYPE_LONGNAME, size=1)).ljust(1024, b"\0") * 3_000
    ),
}


@pytest.mark.parametrize("make", _HOSTILE.values(), ids=_HOSTILE)
def test_hostile_archive_is_one_error(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Every reader of archives refuses it, and none takes the memory that it states."""
    archive, folder = tmp_path / "a.tar.gz", tmp_path / "folder"
    archive.write_bytes(make())
    folder.mkdir()
    tracemalloc.start()
    try:
        with pytest.raises(ArtefactError) as caught:
            unpack_tar(archive, folder)
        assert "\n" not in str(caught.value)
        file_names(archive)
        try:
            looks_quantised(archive)
        except ArtefactError as error:
            assert str(archive) in str(error)
        assert tracemalloc.get_traced_memory()[1] < _MEMORY_BYTES
    finally:
        tracemalloc.stop()


def test_members_are_counted_whatever_they_are(tmp_path: Path, limit_files: LimitFiles) -> None:
    """Folders and links as well, which no reader of names would count."""
    limit_files(archive_members=3)
    archive = tmp_path / "a.tar"
    archive.write_bytes(_block(_header("x", type=tarfile.SYMTYPE, linkname="y")) * 4 + bytes(1024))
    with (
        pytest.raises(UnsafeArchive, match=r"too many members .* expected 3 at most"),
        opened_tar(archive) as members,
    ):
        list(members)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_end_in_files_or_one_error(data: st.DataObject) -> None:
    """Whatever bytes of a tar are changed or cut, there is no other exception."""
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream,
        mode="w",
        format=data.draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])),
    ) as tar:
        for name in ("model/pipeline.config", "l" * 120, "model/é"):
            info = _header(name, size=700)
            tar.addfile(info, io.BytesIO(b"graph_rewriter {" + bytes(684)))
    content = bytearray(stream.getvalue()[:8192])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(
            st.sampled_from(b"\x00\x01/0179Lxg\x80\xff") | st.integers(0, 255)
        )
    block = 512 * data.draw(st.integers(0, 3))
    if data.draw(st.booleans()):
        # tarfile reads on only behind a checksum that is right.
        sums = tarfile.calc_chksums(bytes(content[block : block + 512]))  # type: ignore[attr-defined]
        content[block + 148 : block + 156] = b"%06o\0 " % sums[0]
    with tempfile.TemporaryDirectory() as name:
        archive, folder = Path(name, "a.tar"), Path(name, "folder")
        archive.write_bytes(bytes(content))
        folder.mkdir()
        for read in (lambda: unpack_tar(archive, folder), lambda: looks_quantised(archive)):
            try:
                read()
            except ArtefactError as error:
                assert "\n" not in str(error)
        file_names(archive)
