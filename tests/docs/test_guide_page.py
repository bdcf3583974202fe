"""Every command of docs/guide.md works, in its order, and prints what the page says."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest
from guide_commands import Command, commands_of, form, lay_out, readable, run
from warm_process import COMMANDS, WarmProcess

_PAGE = Path(__file__).parents[2] / "docs" / "guide.md"
_COMMANDS = list(commands_of(_PAGE.read_text(encoding="utf-8")))
_QUIET = " 2>/dev/null"
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
    with WarmProcess(*_IMPORTED) as warm:
        return [_run(command, folder, warm) for command in _COMMANDS]


def _run(command: Command, folder: Path, warm: WarmProcess) -> tuple[int, str]:
    """As `run`; a program in the last line does not import TensorFlow all over again."""
    before, _, last = command.text.replace("\\\n", "").rpartition("\n")
    typed = last.removesuffix(_QUIET)
    words = shlex.split(typed)
    if words[0] not in ("python", "tflite_convert") or set(typed) & set("|<>&;$`*"):
        return run(command, folder)
    if before:
        assert run(Command(before, ""), folder) == (0, "")
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    ended = warm.run(words, folder, environment, merged=typed == last)
    return ended.code, readable(ended.out, folder)


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
