"""The commands of a page, run in their order in one folder, each as a process of its own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from guide_commands import Command, readable, run
from warm_process import WarmProcess

__all__ = ["run_page"]

_QUIET = " 2>/dev/null"


def run_page(
    commands: Sequence[Command], folder: Path, imported: Sequence[str]
) -> list[tuple[int, str]]:
    """Exit code and output of each command.

    Args:
        commands: Of the page.
        folder: Where they run.
        imported: Modules that they need, the heaviest first.
    """
    with WarmProcess(*imported) as warm:
        return [_run(command, folder, warm) for command in commands]


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
