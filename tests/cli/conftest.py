"""A graph and its export, a process for programs, and the line that a failed command ends in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles
from warm_process import COMMANDS, WarmProcess

from validation.cli import main


@pytest.fixture
def graph(miniature: MiniatureFiles) -> Path:
    """The miniature's frozen graph."""
    return miniature.archive / "frozen_inference_graph.pb"


@pytest.fixture(scope="session")
def exported(miniature: MiniatureFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export by the guide's command line, no flag set."""
    folder = tmp_path_factory.mktemp("export")
    graph = miniature.archive / "frozen_inference_graph.pb"
    assert main(["export", f"--frozen_graph={graph}", f"--output_directory={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def light_process() -> Iterator[WarmProcess]:
    """A process that has imported all commands, and nothing on their behalf."""
    with WarmProcess(*COMMANDS) as process:
        yield process


@pytest.fixture
def failed_line(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Gives the one line that a failed command ends in."""

    def line() -> str:
        out, err = capsys.readouterr()
        assert out == ""
        # Lines of progress begin with the program's name and a small letter.
        (line,) = [line for line in err.splitlines() if not re.match(r"validation: [a-z]", line)]
        assert line.startswith("error: ")
        return line

    return line
