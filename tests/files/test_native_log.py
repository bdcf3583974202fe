"""What native libraries print past Python is held back, and shown where it is all that there is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from validation.errors import GraphError
from validation.files.native_log import held_back

_LINE = "I0000 oneDNN is on"


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """A block whose standard error is a file, and in which a library writes a line to it."""
    # Not a fixture: pytest puts its own stream back between the fixtures and the test.
    with path.open("w") as stream, contextlib.redirect_stderr(stream), held_back():
        os.write(stream.fileno(), f"{_LINE}\n".encode())
        yield


def test_an_error_of_ours_stands_alone(tmp_path: Path) -> None:
    """The lines before it go into its note, for the trace."""
    path = tmp_path / "stderr"
    with pytest.raises(GraphError) as error, _held(path):
        raise GraphError("no graph")
    assert path.read_text() == ""
    assert error.value.__notes__ == [_LINE]


def test_any_other_error_is_explained_by_them(tmp_path: Path) -> None:
    """Nobody has put it into words."""
    path = tmp_path / "stderr"
    with pytest.raises(RuntimeError), _held(path):
        raise RuntimeError
    assert path.read_text() == f"{_LINE}\n"


def test_a_step_that_ends_well_drops_them(tmp_path: Path) -> None:
    """Twenty lines at every start."""
    path = tmp_path / "stderr"
    with _held(path):
        pass
    assert path.read_text() == ""
