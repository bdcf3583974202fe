"""What stands at a file's place decides how it is written; nothing of the system is replaced."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from validation.errors import ArtefactError
from validation.files.atomic import atomic_file, write_bytes_atomic, write_new_bytes, write_together
from validation.files.targets import (
    is_standard_output,
    require_writable,
    require_writable_folder,
    written_bytes,
)

_ROOT = os.geteuid() == 0


def _copy_of_null(folder: Path) -> Path:
    """A device of one's own where that may be made, else the system's."""
    path = folder / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.write_bytes(b"")
    except OSError:
        return Path(os.devnull)
    return path


def test_device_is_written_through(tmp_path: Path) -> None:
    """It is a device afterwards, whoever writes: as root a renaming would have replaced it."""
    null = _copy_of_null(tmp_path)
    write_bytes_atomic(null, b"x" * 100_000)
    write_together(null.parent, {null.name: b"x"})
    assert stat.S_ISCHR(null.stat().st_mode)
    assert written_bytes(null) is None
    assert [path for path in tmp_path.iterdir() if path != null] == []


def test_pipe_gets_all_of_it(tmp_path: Path) -> None:
    """More than a pipe holds, and the pipe stays."""
    pipe, data = tmp_path / "pipe", bytes(range(256)) * 4096
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    # Without any writer a reader is at the end at once.
    another = os.open(pipe, os.O_WRONLY)

    def read() -> None:
        with os.fdopen(reader, "rb") as stream:
            received.append(stream.read(len(data)))

    thread = threading.Thread(target=read)
    thread.start()
    write_bytes_atomic(pipe, data)
    thread.join()
    os.close(another)
    assert received == [data]
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_pipe_without_reader_is_refused(tmp_path: Path) -> None:
    """To wait for one could be without end."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtefactError, match="nobody reads from the pipe"):
        write_bytes_atomic(tmp_path / "pipe", b"x")


def test_nothing_reaches_a_pipe_of_a_failure(tmp_path: Path) -> None:
    """What could not be made whole is not sent in part."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(KeyError), atomic_file(tmp_path / "pipe") as file:
        file.write(b"half")
        raise KeyError
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_socket_and_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, before any work and at the end of it."""
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for name in ("folder", "socket"):
            for refused in (require_writable, lambda path: write_bytes_atomic(path, b"x")):
                with pytest.raises(ArtefactError, match=f"expected a new file.*got a {name}"):
                    refused(Path(name))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "socket"]


@pytest.mark.skipif(not _ROOT, reason="only root makes devices")
def test_disk_is_refused(tmp_path: Path) -> None:
    """Nobody means it, and it would be lost."""
    try:
        os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 200))
    except PermissionError:
        pytest.skip("not in this container")
    with pytest.raises(ArtefactError, match="got a disk"):
        write_bytes_atomic(tmp_path / "disk", b"x")


@pytest.mark.parametrize("leads_to", ["a file", "nothing", "itself"])
def test_link_is_replaced_and_not_followed(tmp_path: Path, leads_to: str) -> None:
    """What it leads to may be another's choice, and stays as it is."""
    victim, link = tmp_path / "victim", tmp_path / "out"
    if leads_to == "a file":
        victim.write_bytes(b"precious")
    link.symlink_to(link if leads_to == "itself" else victim)
    require_writable(link)
    write_bytes_atomic(link, b"new")
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert not victim.exists() if leads_to != "a file" else victim.read_bytes() == b"precious"


def test_new_file_is_refused_where_a_link_leads_nowhere(tmp_path: Path) -> None:
    """A planted link does not decide where a signature or a key lands."""
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtefactError, match="never overwritten"):
        write_new_bytes(tmp_path / "key", b"secret", mode=0o600)
    assert not (tmp_path / "elsewhere").exists()


_TO = """
import sys
from pathlib import Path
from validation.files.atomic import write_bytes_atomic
print("before", flush=True)
write_bytes_atomic(Path(sys.argv[1]), b"data\\n")
print("after", flush=True)
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_is_written_through(tmp_path: Path, name: str) -> None:
    """A pipe or a file, at the place where its writers stand; the file is not replaced."""
    command = [sys.executable, "-c", _TO, name]
    assert subprocess.run(command, capture_output=True, check=True).stdout == (
        b"before\ndata\nafter\n"
    )
    log = tmp_path / "log"
    log.write_bytes(b"earlier\n")
    inode = log.stat().st_ino
    with log.open("ab") as stream:
        subprocess.run(command, stdout=stream, check=True)
    assert log.read_bytes() == b"earlier\nbefore\ndata\nafter\n"
    assert log.stat().st_ino == inode


def test_names_of_standard_output(tmp_path: Path) -> None:
    """A link to it is another name of it, a file that is called so is not."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "1").touch()
    assert is_standard_output(tmp_path / "link")
    assert not is_standard_output(tmp_path / "1")
    assert not is_standard_output(Path("/dev/stderr"))


@pytest.mark.parametrize("check", [require_writable, require_writable_folder])
def test_what_takes_no_files_is_refused_early(tmp_path: Path, check: object) -> None:
    """A file where a folder above should be, or a folder of another user."""
    assert callable(check)
    (tmp_path / "file").touch()
    check(tmp_path / "new" / "deep" / "out")
    with pytest.raises(ArtefactError, match="got Not a directory"):
        check(tmp_path / "file" / "out")
    if not _ROOT:
        (tmp_path / "closed").mkdir(0o500)
        with pytest.raises(ArtefactError, match="got Permission denied"):
            check(tmp_path / "closed" / "out")


@pytest.mark.parametrize("place", ["/proc/self/fd/x", "/proc/self/x", "/dev/fd/999", "/none/x"])
def test_where_no_file_can_be_made_is_said(place: str) -> None:
    """Whatever the system says of it."""
    with pytest.raises((ArtefactError, OSError)) as caught:
        write_bytes_atomic(Path(place), b"x")
    assert isinstance(caught.value, ArtefactError), caught.value
