"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.errors import ArtefactError
from validation.files.atomic import (
    atomic_folder,
    write_bytes_atomic,
    write_new_bytes,
    write_text_atomic,
)


def test_content_is_replaced(tmp_path: Path) -> None:
    """The new content stands in the old one's place, readable by others, and nothing beside it."""
    path = tmp_path / "page.html"
    write_text_atomic(path, "old")
    write_text_atomic(path, "neu: ü")
    assert path.read_text(encoding="utf-8") == "neu: ü"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_are_no_utf8_are_escaped(tmp_path: Path) -> None:
    """A lone surrogate, as file names may hold, does not lose the page."""
    write_text_atomic(tmp_path / "page", "\udcff")
    assert (tmp_path / "page").read_bytes() == b"\\udcff"


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """The path is named, in the harness's own error."""
    with pytest.raises(ArtefactError, match=r"cannot be written .*none/page"):
        write_text_atomic(tmp_path / "none" / "page", "x")


def test_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted before the rename, the old content is still there and no scrap beside it."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "file"
    write_bytes_atomic(path, b"old")
    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """It appears when the block ends, and after an error nothing is left."""
    path = tmp_path / "product"
    with pytest.raises(KeyError), atomic_folder(path) as folder:
        (folder / "half").write_text("x")
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(path) as folder:
        (folder / "whole").write_text("x")
        assert not path.exists()
    assert (path / "whole").read_text() == "x"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_folder_do_not_mix(tmp_path: Path) -> None:
    """Each has a folder of its own; the first to end is kept whole, the other is refused."""
    path = tmp_path / "made"
    with pytest.raises(ArtefactError, match="something stands"), atomic_folder(path) as slow:
        (slow / "of").write_text("the slow one")
        with atomic_folder(path) as quick:
            assert list(quick.iterdir()) == []
            (quick / "of").write_text("the quick one")
    assert (path / "of").read_text() == "the quick one"
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_takes_nobodys_place(tmp_path: Path) -> None:
    """What is there stays, whatever comes after it, and nothing is left beside it."""
    path = tmp_path / "signature"
    write_new_bytes(path, b"first")
    assert path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(ArtefactError, match="never overwritten"):
        write_new_bytes(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
