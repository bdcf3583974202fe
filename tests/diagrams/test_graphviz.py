"""Writing pictures: whole or not at all, and one clear line where dot is missing or fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from validation.diagrams.graphviz import require_drawable, write_picture
from validation.errors import ArtefactError, ArtefactMissing, UsageError

_GRAPH = 'digraph { "a" -> "b" }\n'
_needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's dot is not installed"
)


def _program(folder: Path, script: str) -> None:
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a program of our own that is called dot."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.mark.parametrize("name", ["a.dot", "a.gv", "a.DOT"])
def test_text_needs_no_program(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOT is written where nothing is installed; the folder is made."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    path = write_picture(_GRAPH, tmp_path / "new" / name)
    assert path.read_text() == _GRAPH
    assert [each.name for each in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_a_missing_program_is_told(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the package, and what works without it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArtefactMissing, match=r"install the package graphviz .*\.dot, which needs"):
        write_picture(_GRAPH, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["picture", "picture.jpeg", "picture.tflite", ".svg"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    """The suffix says what is written, so it must say something."""
    with pytest.raises(UsageError, match=r"is not that of a picture .*expected"):
        require_drawable(tmp_path / name)


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    """A folder in the place of the picture is an error, not a loss."""
    (tmp_path / "a.dot").mkdir()
    with pytest.raises(UsageError, match="would replace a folder"):
        write_picture(_GRAPH, tmp_path / "a.dot")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where a folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="the picture cannot be written"):
        write_picture(_GRAPH, tmp_path / "file" / "a.dot")


@pytest.mark.parametrize(
    ("script", "seconds", "told"),
    [
        ("echo 'syntax error in line 3' >&2; exit 1", 60.0, "got syntax error in line 3"),
        ("exit 0", 60.0, "without a message"),
        ("exec sleep 30", 0.2, "takes too long.*expected a picture within 0.2 s"),
    ],
    ids=["fails", "writes nothing", "hangs"],
)
def test_what_goes_wrong_in_dot_is_told(
    script: str, seconds: float, told: str, stand_in: Path, tmp_path: Path
) -> None:
    """Its words become the error, and an earlier picture stays as it was."""
    _program(stand_in, script)
    path = tmp_path / "out" / "a.svg"
    path.parent.mkdir()
    path.write_text("an earlier picture")
    with pytest.raises(ArtefactError, match=told):
        write_picture(_GRAPH, path, seconds=seconds)
    assert path.read_text() == "an earlier picture"
    assert [each.name for each in path.parent.iterdir()] == ["a.svg"]


@_needs_dot
@pytest.mark.parametrize(
    ("suffix", "begin"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG")]
)
def test_dot_draws_each_kind(suffix: str, begin: bytes, tmp_path: Path) -> None:
    """The suffix decides, in capitals too."""
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        path = write_picture(_GRAPH, tmp_path / name)
        assert path.read_bytes().startswith(begin)
        assert path.stat().st_mode & 0o777 == 0o644


@_needs_dot
def test_a_graph_that_dot_refuses_is_told(tmp_path: Path) -> None:
    """The parser's complaint is the error."""
    with pytest.raises(ArtefactError, match=r"could not draw the graph.*syntax error"):
        write_picture("digraph { ", tmp_path / "a.svg")
