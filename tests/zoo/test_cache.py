"""The cache shows whole things only, to one writer at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from validation.errors import ArtefactError
from validation.zoo.cache import archive_path, locked, scratch_folder, source_path


def test_places_are_named_by_hash(tmp_path: Path) -> None:
    """Two sources of one name do not share a place."""
    one, two = ("1" * 64, "2" * 64)
    assert source_path(tmp_path, one, "a.whl") == tmp_path / "sources" / f"{'1' * 16}-a.whl"
    assert archive_path(tmp_path, one, "a") == tmp_path / "archives" / f"{'1' * 16}-a"
    assert source_path(tmp_path, one, "a") != source_path(tmp_path, two, "a")
    assert archive_path(tmp_path, one, "a") != archive_path(tmp_path, two, "a")


def test_scratch_folder_goes_with_the_block(tmp_path: Path) -> None:
    """Only what was moved out stays, after success as after an error."""
    target = tmp_path / "target"
    with scratch_folder(target) as folder:
        (folder / "f").write_text("1")
        (folder / "g").write_text("1")
        (folder / "f").replace(target)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]
    with pytest.raises(KeyError), scratch_folder(tmp_path / "other") as folder:
        (folder / "f").write_text("1")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_scratch_folder_may_become_the_target(tmp_path: Path) -> None:
    """The folder itself can be moved into place as the last step."""
    with scratch_folder(tmp_path / "target") as folder:
        (folder / "f").write_text("1")
        folder.rename(tmp_path / "target")
    assert (tmp_path / "target" / "f").read_text() == "1"


def test_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A cache below a file, or a full disk, is one clear error with the option to use."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(ArtefactError, match=r"cannot be written .*Not a directory; .*--cache-dir"),
        locked(tmp_path / "file" / "cache", "1" * 64, "the archive"),
    ):
        pass
    with (
        pytest.raises(ArtefactError, match="the cache cannot be written"),
        scratch_folder(tmp_path / "none" / "target"),
    ):
        pass
    with (
        pytest.raises(ArtefactError, match=r"cannot be written .*: got No space left"),
        scratch_folder(tmp_path / "target"),
    ):
        raise OSError(28, "No space left on device")


def test_one_hash_has_one_writer(tmp_path: Path) -> None:
    """A second holder of the same hash waits for the first; another hash does not."""
    events: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        waiting.set()
        with locked(tmp_path, "1" * 64, "the archive"):
            events.append("second")

    with locked(tmp_path, "1" * 64, "the archive"):
        thread = threading.Thread(target=second)
        thread.start()
        waiting.wait(5)
        with locked(tmp_path, "2" * 64, "the archive"):
            events.append("other hash")
        thread.join(0.2)
        events.append("first")
    thread.join(5)
    assert events == ["other hash", "first", "second"]
