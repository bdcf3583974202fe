"""Every command of docs/guide.md works, in its order, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest
from guide_commands import Command, commands_of, form, lay_out
from page_commands import run_page
from warm_process import COMMANDS

_PAGE = Path(__file__).parents[2] / "docs" / "guide.md"
_COMMANDS = list(commands_of(_PAGE.read_text(encoding="utf-8")))
# What the commands import, the heaviest first.
_IMPORTED = (
    "tensorflow",
    "tf_slim",
    "tensorflow.lite.python.tflite_convert",
    *COMMANDS,
    "validation.convert.tflite",
    "validation.export.from_checkpoint",
)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str]]:
    """Exit code and output of each command, run one after the other in an empty folder."""
    folder = tmp_path_factory.mktemp("guide")
    lay_out(folder)
    return run_page(_COMMANDS, folder, _IMPORTED)


def _name(index: int) -> str:
    return (
        f"{index}-{_COMMANDS[index].text.splitlines()[0][:50].replace('python -m validation ', '')}"
    )


def test_every_step_of_the_guide_is_there() -> None:
    """Each command of the program is on the page."""
    words = " ".join(command.text for command in _COMMANDS)
    for name in ("zoo list", "zoo fetch", "zoo show", "export", "convert", "inspect", "visualize",
                 "detect", "evaluate", "compare"):  # fmt: skip
        assert f"validation {name}" in words, name


@pytest.mark.parametrize("index", range(len(_COMMANDS)), ids=_name)
def test_command_does_what_the_page_says(index: int, printed: list[tuple[int, str]]) -> None:
    """It ends as shown, and its words are those of the page; figures may differ by machine."""
    command: Command = _COMMANDS[index]
    code, text = printed[index]
    assert (code != 0) is command.fails, text
    assert form(text) == form(command.printed)
