"""The guide's steps as commands: ``python -m validation COMMAND``, also ``validation COMMAND``.

Flags have the names that the guide's tools gave them, where it had any. Exit codes: 0 done,
1 failed, 2 wrong use. An error is one line; ``--debug`` adds the trace.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib import import_module

from validation import __version__
from validation.cli.flags import Parser, say
from validation.cli.former_flags import without_former_flags
from validation.cli.output import JSON_FLAG, print_error, print_error_line
from validation.cli.typed import with_plain_dashes
from validation.errors import ValidationError
from validation.files.terminal import clean_output, encode_everything
from validation.workspace.memory import collect_seldom

# The main job, then the steps in the order of the guide: a module each, with `add_command`.
_COMMANDS = (
    "run",
    "judge",
    "merge",
    "zoo",
    "export",
    "convert",
    "fakequant",
    "inspect",
    "visualize",
    "detect",
    "evaluate",
    "compare",
    "explain",
    "report",
    "replay",
    "signoff",
    "bisect",
    "completion",
)
# As the shell reports a program that SIGPIPE has ended.
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        The exit code.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        encode_everything()
        try:
            return _main(typed)
        finally:
            # Here and not at the process's end, where Python would complain of a closed pipe.
            # There is none where the shell closed it.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE


def _main(arguments: Sequence[str]) -> int:
    collect_seldom()
    plain = with_plain_dashes(arguments)
    for note in plain.notes:
        say(note)
    typed = list(plain.arguments)
    if typed[:1] == ["run"]:
        from validation.cli.run import run

        return run(typed[1:])
    if typed[:1] == ["judge"]:
        from validation.cli.judge import judge

        return judge(typed[1:])
    if typed[:1] == ["merge"]:
        from validation.cli.merge import merge

        return merge(typed[1:])
    with clean_output():
        return _command(typed)


def _command(typed: list[str]) -> int:
    # What follows -- is a command line of its own.
    typed, rest = _before_dashes(typed) if typed[:1] == ["bisect"] else (typed, [])
    # One command does not wait for what the others import; all are listed where none is named.
    parser = _parser([name for name in _COMMANDS if typed[:1] == [name]] or _COMMANDS)
    # TensorFlow's start-up notes would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    debug = False
    try:
        options = parser.parse_args(without_former_flags(typed))
        debug = options.debug
        options.rest = rest
        code = options.command(options)
    except ValidationError as error:
        if debug:
            traceback.print_exception(error)
        if JSON_FLAG in typed:
            print_error(error)
        print_error_line(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; nothing half-written is left")
        return 130
    return code or 0


def _before_dashes(typed: list[str]) -> tuple[list[str], list[str]]:
    end = typed.index("--") if "--" in typed else len(typed)
    return typed[:end], typed[end + 1 :]


def _drop_output() -> None:
    """Nobody reads any more: what is still buffered goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        # A test's capture has no descriptor.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())


def _parser(names: Iterable[str]) -> Parser:
    parser = Parser(
        prog="validation",
        description="Export, convert and judge TensorFlow 1 Object Detection API SSD models.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in names:
        import_module(f"validation.cli.{name}").add_command(commands)
    return parser


def whole_parser() -> Parser:
    """The parser of every command, with the options of ``run`` that are not pytest's."""
    from validation.cli.run import add_options_to

    parser = _parser(_COMMANDS)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            add_options_to(action.choices["run"])
    return parser
