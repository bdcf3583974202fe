"""Temporary names are nobody's to guess, and what killed runs left goes with the next one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from full_disk import NO_ROOM, room_for

from validation.errors import ArtefactError
from validation.files.atomic import (
    atomic_file,
    atomic_folder,
    copy_atomic,
    replace_folder,
    scratch_folder,
    write_bytes_atomic,
    write_new_bytes,
    write_together,
)
from validation.files.temporaries import new_file, sweep

_NAME = re.compile(r"\.out\.[0-9a-f]{16}\.part")


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".part"))


def test_names_differ_each_time(tmp_path: Path) -> None:
    """Two makers of one thing have two names, beside its place."""
    with scratch_folder(tmp_path / "out") as one, scratch_folder(tmp_path / "out") as other:
        assert one != other
        assert one.parent == other.parent == tmp_path
        assert _NAME.fullmatch(one.name)
        assert _NAME.fullmatch(other.name)


def test_planted_things_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    """Links and pipes of such names, and what links lead to, are others'."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").touch()
    planted = [tmp_path / f".out.{digit * 16}.part" for digit in "abcd"]
    planted[0].symlink_to(victim)
    planted[1].symlink_to(victim / "precious")
    os.mkfifo(planted[2])
    # A folder is swept, and links in it are removed, not followed.
    planted[3].mkdir()
    (planted[3] / "link").symlink_to(victim)
    write_bytes_atomic(tmp_path / "out", b"x")
    assert (victim / "precious").exists()
    assert [path.exists() for path in planted] == [True, True, True, False]


def test_names_as_long_as_a_file_system_takes(tmp_path: Path) -> None:
    """255 bytes, of letters of several."""
    path = tmp_path / ("ü" * 127)
    write_bytes_atomic(path, b"x")
    with atomic_folder(tmp_path / ("n" * 255)) as folder:
        (folder / "f").touch()
    assert _left(tmp_path) == []


_HOLD = """
import sys, time
from contextlib import ExitStack
from pathlib import Path
from validation.files.atomic import atomic_file, atomic_folder
folder = Path(sys.argv[1])
with ExitStack() as stack:
    stack.enter_context(atomic_file(folder / "out")).write(b"half")
    (stack.enter_context(atomic_folder(folder / "made")) / "half").touch()
    print("ready", flush=True)
    time.sleep(600)
"""


def test_leftovers_of_a_killed_process_are_swept_and_a_living_ones_are_not(tmp_path: Path) -> None:
    """The lock tells them apart: it goes with the process, whatever ended it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    held = _left(tmp_path)
    assert len(held) == 2
    write_bytes_atomic(tmp_path / "out", b"mine")
    sweep(tmp_path)
    assert _left(tmp_path) == held
    process.send_signal(signal.SIGKILL)
    process.communicate()
    sweep(tmp_path)
    assert _left(tmp_path) == []
    assert (tmp_path / "out").read_bytes() == b"mine"


def test_a_folder_is_listed_for_the_first_of_many_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing it for each would take longer than writing them."""
    list_folder, listed = os.scandir, []

    def counted(folder: Path) -> object:
        listed.append(folder)
        return list_folder(folder)

    left = tmp_path / f".out.{'0' * 16}.part"
    left.touch()
    monkeypatch.setattr(os, "scandir", counted)
    for number in range(5):
        write_bytes_atomic(tmp_path / f"{number}", b"x")
    assert listed == [tmp_path]
    assert not left.exists()


def test_own_temporaries_are_not_swept(tmp_path: Path) -> None:
    """Another thread of the process sweeps as another process does."""
    with atomic_file(tmp_path / "out") as file, scratch_folder(tmp_path / "made"):
        sweep(tmp_path)
        assert len(_left(tmp_path)) == 2
        file.write(b"x")
    assert (tmp_path / "out").read_bytes() == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_another_user_left_stays(tmp_path: Path) -> None:
    """Root works in folders of others, too."""
    left = tmp_path / f".out.{'0' * 16}.part"
    left.touch()
    os.chown(left, 12345, 12345)
    sweep(tmp_path)
    assert left.exists()


def test_many_writers_and_sweepers_of_one_file(tmp_path: Path) -> None:
    """Each finds its own temporary at the end, and readers whole content."""
    path, contents = tmp_path / "out", [bytes([number]) * 100_000 for number in range(8)]
    failures: list[BaseException] = []

    def write(data: bytes) -> None:
        try:
            for _ in range(25):
                write_bytes_atomic(path, data)
                assert path.read_bytes() in contents
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(data,)) for data in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _left(tmp_path) == []


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    """A file is as readable as any other that the user makes, a key for its owner alone."""
    before = os.umask(0o027)
    try:
        write_bytes_atomic(tmp_path / "out", b"x")
        write_new_bytes(tmp_path / "key", b"x", mode=0o600)
        with atomic_folder(tmp_path / "made"):
            pass
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("out", "key", "made")]
    assert modes == [0o640, 0o600, 0o750]


def test_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """One clear error whichever way is written, nothing half-written and nothing beside it."""
    path, large = tmp_path / "out", tmp_path / "large"
    path.write_bytes(b"old")
    large.write_bytes(bytes(20_000))
    for write in (
        lambda: write_bytes_atomic(path, bytes(20_000)),
        lambda: copy_atomic(large, path),
        lambda: write_new_bytes(tmp_path / "new", bytes(20_000)),
    ):
        with room_for(10_000), pytest.raises(ArtefactError, match=f"cannot be written .*{NO_ROOM}"):
            write()
    with room_for(10_000), pytest.raises(OSError, match=NO_ROOM):
        write_together(tmp_path, {"new": b"x", "out": bytes(20_000)})
    assert path.read_bytes() == b"old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["large", "out"]


def test_files_that_belong_together_are_never_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two renamings, the one that is looked for is not there."""
    write_together(tmp_path, {"about": b"1", "more": b"1", "graph": b"1"})
    replace = Path.replace

    def stop(path: Path, target: Path) -> Path:
        if target.name == "more":
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            write_together(tmp_path, {"about": b"2", "more": b"2", "graph": b"2"})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["about", "more"]
    write_together(tmp_path, {"about": b"2", "more": b"2", "graph": b"2"})
    assert {each.read_bytes() for each in tmp_path.iterdir()} == {b"2"}


def test_folder_is_put_in_the_place_of_another(tmp_path: Path) -> None:
    """Whoever reads the old one reads on; nothing of it stays beside the new one."""
    path = tmp_path / "made"
    for content in ("old", "new"):
        with atomic_folder(path, replace=True) as folder:
            (folder / "f").write_text(content)
    assert (path / "f").read_text() == "new"
    with scratch_folder(path) as folder:
        (folder / "f").write_text("newest")
        replace_folder(folder, path)
    assert (path / "f").read_text() == "newest"
    assert list(tmp_path.iterdir()) == [path]


def test_folder_is_refused_where_something_stands(tmp_path: Path) -> None:
    """A file, a full folder, and a link to a folder; an empty folder is filled."""
    (tmp_path / "file").touch()
    (tmp_path / "full" / "f").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "full")
    for name in ("file", "full", "link"):
        with (
            pytest.raises(ArtefactError, match="something stands where the folder is to be"),
            atomic_folder(tmp_path / name),
        ):
            pass
    (tmp_path / "empty").mkdir()
    with atomic_folder(tmp_path / "empty") as folder:
        (folder / "f").touch()
    assert (tmp_path / "empty" / "f").exists()
    assert _left(tmp_path) == []


def test_a_file_swept_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its lock a sweeper may take it; the maker notices."""
    open_file, swept = os.open, []

    def slow(path: str | Path, flags: int, *more: int) -> int:
        handle = open_file(path, flags, *more)
        if flags & os.O_CREAT and not swept:
            swept.append(path)
            sweep(tmp_path)
        return handle

    monkeypatch.setattr(os, "open", slow)
    path, handle = new_file(tmp_path / "out")
    os.close(handle)
    assert len(swept) == 1
    assert path != swept[0]
    assert path.exists()
    assert not Path(swept[0]).exists()
