"""Temporary folders go with their process, or with the next run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation.errors import ArtefactError
from validation.files.temporary import remove_folder, scratch, sweep, temporary_folder

_MAKES_ONE = """
from validation.files.temporary import temporary_folder
folder = temporary_folder()
(folder / "data").write_text("x")
print(folder, flush=True)
input()
"""
_ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield tmp_path


def test_folder_of_a_killed_process_is_swept_and_no_other(place: Path) -> None:
    """While the process lives, its folder stays."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAKES_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
    )
    assert process.stdout is not None
    theirs = Path(process.stdout.readline().strip())
    own = temporary_folder()
    sweep()
    assert theirs.parent == place
    assert theirs.is_dir()
    process.kill()
    process.communicate()
    sweep()
    assert sorted(place.iterdir()) == [own]
    remove_folder(own)
    assert list(place.iterdir()) == []


def test_folder_goes_when_it_is_removed(place: Path) -> None:
    """It lies among temporary files, for its owner alone, and no other's making removes it."""
    folder = temporary_folder()
    (folder / "deep").mkdir()
    assert folder.parent == place
    assert folder.stat().st_mode & 0o777 == 0o700
    with scratch() as other:
        assert folder.exists()
    assert not other.exists()
    remove_folder(folder)
    remove_folder(folder)
    assert not folder.exists()


def test_scratch_goes_with_its_block(place: Path) -> None:
    """On an error too."""
    with pytest.raises(ValueError, match="inside"), scratch() as folder:
        (folder / "data").touch()
        raise ValueError("inside")
    assert list(place.iterdir()) == []


def test_folder_that_cannot_be_made_is_one_line(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that names another."""
    monkeypatch.setattr(tempfile, "tempdir", str(place / "none"))
    with pytest.raises(ArtefactError, match=r"no temporary folder .*variable TMPDIR"):
        temporary_folder()
