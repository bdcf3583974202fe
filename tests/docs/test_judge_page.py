"""docs/judge.md: its commands are ones that the harness takes, and its policy is read."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from validation.cli import main
from validation.policy.load import load_policy

_PAGE = (Path(__file__).parents[2] / "docs" / "judge.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", _PAGE, re.M | re.S)
_COMMANDS = [line for kind, text in _BLOCKS if not kind for line in text.splitlines()]


@pytest.mark.parametrize("command", [each for each in _COMMANDS if "[" not in each])
def test_options_of_a_command_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed with --help, each command lists the options that it uses."""
    _, name, *words = shlex.split(command)
    assert main([name, "--help"]) == 0
    helped = capsys.readouterr().out
    for flag in (word for word in words if word.startswith("--")):
        assert re.search(rf"^  {flag}\b", helped, re.M), flag


def test_checks_of_the_page_are_those_of_the_policy() -> None:
    """The table names every check that some given file needs."""
    for check in load_policy().required_of_given:
        assert f"`{check}`" in _PAGE


def test_policy_of_the_page_is_read(tmp_path: Path) -> None:
    """It replaces what is built in for one check, and leaves the others."""
    (text,) = [text for kind, text in _BLOCKS if kind == "toml"]
    assert tomllib.loads(text)["version"] == 1
    own = tmp_path / "own.toml"
    own.write_text(text)
    policy = load_policy(own)
    assert "canaries" in policy.required_checks("int8", given_by="none")
    assert "canaries" not in policy.required_checks("float", given_by="none")
    assert "accuracy" in policy.required_checks("float", given_by="none")
