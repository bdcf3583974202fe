"""``python -m validation completion``: completion of commands and flags for bash and zsh."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from validation.cli.flags import Commands, add_parser

_SHELLS = ("bash", "zsh")
# By what the help calls a value.
_FOLDERS = frozenset({"DIR"})
_FILES = frozenset({
    "A", "B", "ARCHIVE", "CONFIG", "FILE", "FILE-or-coco", "GROUP-or-FOLDER", "IMAGE", "MODEL",
    "OTHER", "PACK", "PB", "PICTURE", "PREFIX", "RECORD", "RUN", "TFLITE",
})  # fmt: skip


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "completion",
        "print a script that completes commands and flags",
        "Print a script for the shell that completes the command validation: its commands, their "
        "flags, and the names of files.",
        "completion bash > ~/.local/share/bash-completion/completions/validation",
        _completion,
    )
    parser.epilog = (
        "examples:\n"
        "  validation completion bash > ~/.local/share/bash-completion/completions/validation\n"
        "  validation completion zsh > ~/.zfunc/_validation    # with ~/.zfunc in fpath\n"
    )
    parser.add_argument("shell", choices=_SHELLS, help="which shell")


def _completion(options: argparse.Namespace) -> None:
    print(script(options.shell))


def script(shell: str) -> str:
    """The script for one of the shells; it starts no Python when it completes."""
    # Nothing else needs it.
    import shtab

    from validation.cli import whole_parser

    parser = whole_parser()
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif isinstance(action.metavar, str) and action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every flag and argument, those of the commands too."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _actions(each)
        else:
            yield action
