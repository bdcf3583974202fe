"""The tools behind docs/reliability.md, for as many rounds as a test may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fetch_race
import kill_rounds
import pytest


def test_three_fetches_into_one_folder() -> None:
    """All end well, with one content. It forks, so it is run apart from whatever tests imported."""
    command = [sys.executable, str(Path(fetch_race.__file__)), "--rounds", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "4 rounds of 3 processes: 1 content of 7 files, 0 faults\n", done.stderr
    assert done.returncode == 0


def test_killed_fetches() -> None:
    """Run again, they recover; the other commands take TensorFlow, and their tool is run apart."""
    said: list[str] = []
    assert kill_rounds.main(["--rounds", "3", "--only", "fetch"], said.append) == 0, said
    assert said[-1].startswith("| fetch | 3 |")
    assert said[-1].endswith("| 0 |")


def test_commands_are_those_that_write() -> None:
    """One that is not known is refused."""
    with pytest.raises(SystemExit):
        kill_rounds.main(["--only", "inspect"])
