"""Files from outside are opened through one door: regular ones of a bounded size."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from limited_files import LimitFiles

from validation.files.outside import (
    RefusedFile,
    Size,
    check_regular,
    open_file,
    read_bytes,
    read_head,
    read_text,
    special_file,
)

_READERS: tuple[Callable[[Path], object], ...] = (
    check_regular,
    open_file,
    lambda path: read_bytes(path, Size.TEXT),
    lambda path: read_head(path, 4),
    read_text,
)


def _fifo(folder: Path) -> Path:
    path = folder / "fifo"
    os.mkfifo(path)
    return path


def _link(folder: Path) -> Path:
    path = folder / "link"
    path.symlink_to(_fifo(folder))
    return path


def _socket(folder: Path) -> Path:
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))
    return path


@pytest.mark.parametrize("read", _READERS)
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (_fifo, "a FIFO (named pipe)"),
        (_link, "a FIFO (named pipe)"),
        (_socket, "a socket"),
        (lambda _: Path("/dev/zero"), "a character device"),
    ],
    ids=["fifo", "link", "socket", "device"],
)
def test_special_files_are_refused_at_once(
    tmp_path: Path, make: Callable[[Path], Path], kind: str, read: Callable[[Path], object]
) -> None:
    """Nothing is waited for, and nothing is read without end."""
    path = make(tmp_path)
    with pytest.raises(RefusedFile) as caught:
        read(path)
    assert caught.value.strerror == str(caught.value) == f"{kind}, not a regular file"
    assert special_file(path) == str(caught.value)


@pytest.mark.parametrize("read", _READERS)
def test_folder_and_nothing_are_what_they_are(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    """Readers tell both from damage."""
    with pytest.raises(IsADirectoryError, match="a folder, not a file"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
    assert special_file(tmp_path) == special_file(tmp_path / "none") == ""


def test_fifo_instead_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a path and its opening a FIFO may have taken its place."""
    path = _fifo(tmp_path)
    monkeypatch.setattr("validation.files.outside.check_regular", lambda _: None)
    with pytest.raises(RefusedFile, match="a FIFO"):
        open_file(path)


def test_size_is_bounded_by_kind(tmp_path: Path, limit_files: LimitFiles) -> None:
    """As many bytes as a kind may have are read, and one more is refused by its setting."""
    path = tmp_path / "a"
    limit_files(read_text_mib=1)
    path.write_bytes(bytes(1 << 20))
    assert len(read_bytes(path, Size.TEXT)) == 1 << 20
    path.write_bytes(bytes((1 << 20) + 1))
    assert len(read_bytes(path, Size.TABLE)) == (1 << 20) + 1
    with pytest.raises(RefusedFile, match=r"more than 1 MiB \(setting read_text_mib of the policy"):
        read_bytes(path, Size.TEXT)


def test_file_that_grows_is_read_no_further_than_it_may_be(
    tmp_path: Path, limit_files: LimitFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is looked at once, and its bytes are counted."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * (3 << 20))
    stated = os.stat_result((0o100644, 0, 0, 1, 0, 0, 5, 0, 0, 0))
    monkeypatch.setattr("validation.files.outside.os.fstat", lambda _: stated)
    limit_files(read_text_mib=4)
    assert read_bytes(path, Size.TEXT) == b"x" * (3 << 20)
    limit_files(read_text_mib=2)
    with pytest.raises(RefusedFile, match="more than 2 MiB"):
        read_bytes(path, Size.TEXT)


def test_file_without_a_size_is_read() -> None:
    """Those of the system state none."""
    assert read_text(Path("/proc/self/status")).startswith("Name:")


def test_text_has_one_kind_of_line_end(tmp_path: Path) -> None:
    """As text that Python reads by itself."""
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(path, encoding="utf-8-sig") == "a\nb\nc\n"
    path.write_bytes(b"a\xff")
    with pytest.raises(UnicodeDecodeError):
        read_text(path)
    assert read_text(path, errors="replace") == "a\ufffd"


def test_reading_leaves_nothing_open(tmp_path: Path) -> None:
    """Refused or not: a folder of many files would come to the system's limit."""
    path, before = _fifo(tmp_path), len(list(Path("/proc/self/fd").iterdir()))
    (tmp_path / "a").write_bytes(b"abc")
    for _ in range(20):
        assert read_head(tmp_path / "a", 2) == b"ab"
        with pytest.raises(RefusedFile):
            read_head(path, 2)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + threading.active_count()
