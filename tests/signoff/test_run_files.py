"""The files of a run's folder: what is there when it is listed, and no folder behind a link."""

from __future__ import annotations

from pathlib import Path

import pytest

from validation.signoff.run_files import RunFiles


def test_what_was_not_listed_is_not_there(tmp_path: Path) -> None:
    """A file that comes later is none of the run."""
    (tmp_path / "a").write_bytes(b"1")
    files = RunFiles(tmp_path)
    (tmp_path / "later").write_bytes(b"2")
    assert dict(files) == {"a": b"1"}
    with pytest.raises(KeyError):
        files["later"]


def test_linked_folders_are_listed_and_not_entered(tmp_path: Path) -> None:
    """Each of them: what lies behind it is not of the run, and that it is there is seen."""
    outside, run = tmp_path / "outside", tmp_path / "run"
    for folder in (outside, run, run / "own"):
        folder.mkdir()
    (outside / "x").write_bytes(b"1")
    (run / "own" / "y").write_bytes(b"2")
    for name in ("first", "second"):
        (run / name).symlink_to(outside)
    assert list(RunFiles(run)) == ["first", "own/y", "second"]
