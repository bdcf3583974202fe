"""docs/versions.md: what may be installed is what was tried, and its commands are commands."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from validation.bisection.families import FAMILIES
from validation.bisection.judging import JUDGES
from validation.cli import whole_parser

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
_COMMANDS = re.findall(r"^validation bisect .*$", _PAGE, re.MULTILINE)
_ROWS = re.findall(r"^\| (2\.[0-9.]+) \| (2\.[0-9.]+) \|", _PAGE, re.MULTILINE)
_NEWEST_MINOR = 60


def _allowed(project: str) -> list[int]:
    """The minor versions of TensorFlow 2 that the project's requirement lets pip take."""
    stated = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (wanted,) = [each for each in map(Requirement, stated) if each.name == project]
    minors = range(_NEWEST_MINOR)
    return [minor for minor in minors if wanted.specifier.contains(f"2.{minor}.0")]


@pytest.mark.parametrize(("project", "column"), [("tensorflow", 0), ("tf-keras", 1)])
def test_what_may_be_installed_was_tried(project: str, column: int) -> None:
    """Each minor version has a row, and no other one."""
    assert sorted(Version(row[column]).minor for row in _ROWS) == _allowed(project)


@pytest.mark.parametrize("command", _COMMANDS)
def test_commands_are_commands(command: str) -> None:
    """Their options exist, and what follows -- can be run."""
    words = shlex.split(command)[1:]
    end = words.index("--")
    options = whole_parser().parse_args(words[:end])
    assert options.package in FAMILIES
    assert words[end + 1] in (*JUDGES, "python")


def test_the_page_has_commands() -> None:
    """Else nothing above was tried."""
    assert len(_COMMANDS) == 4
