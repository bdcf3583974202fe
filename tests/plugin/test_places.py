"""The folders that a session writes into are tried before anything is run."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.errors import UsageError
from validation.plugin.places import require_room, require_writable

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_Usage = namedtuple("_Usage", "total used free")


@pytest.mark.parametrize("option", ["--report-dir", "--cache-dir"])
@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("{}/file", "{}/file is no folder"),
        ("{}/file/below/it", "{}/file is no folder"),
        ("/dev/full", "/dev/full is no folder"),
        ("/proc/none", "No such file or directory"),
        ("{}/" + "x" * 300, "File name too long"),
        ("{}/nul\0", "embedded null byte"),
    ],
)
def test_folder_that_cannot_be_written_is_one_line(
    option: str, folder: str, why: str, session: Any, miniature: MiniatureFiles
) -> None:
    """With the option that names another, and exit code 4; nothing is run."""
    (session.path / "file").touch()
    path = folder.format(session.path)
    result = session.run("--zoo", miniature.zoo, option, path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    what = "report" if option == "--report-dir" else "cache"
    shown = path.replace("\0", "\\x00")
    assert line.startswith(f"ERROR: the {what} folder cannot be written ({shown})")
    assert f"got {why.format(session.path)}; name another with {option}" in line
    assert result.outlines == []
    assert not session.reports.exists()


def test_trying_leaves_nothing(tmp_path: Path) -> None:
    """Folders that were made for it are removed again, others stay."""
    there = tmp_path / "there"
    there.mkdir()
    for folder in (there, there / "a" / "b"):
        require_writable(folder, "report folder", "--report-dir")
    assert [*tmp_path.rglob("*")] == [there]


def test_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is run, by the nearest folder that is there."""
    asked = []

    def usage(path: Path) -> _Usage:
        asked.append(path)
        return _Usage(1, 1, 2**20)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    folder = tmp_path / "a" / "b"
    require_room(folder, "report folder", "--report-dir", 1)
    with pytest.raises(UsageError, match=r"no room \(.*b\): expected 2 MiB at least, got 1.0 MiB"):
        require_room(folder, "report folder", "--report-dir", 2)
    assert asked == [tmp_path, tmp_path]


def test_collecting_writes_nothing(session: Any, miniature: MiniatureFiles) -> None:
    """So it tries nothing."""
    result = session.run("--zoo", miniature.zoo, "--report-dir", "/proc/none", "--collect-only")
    assert result.ret == 0
