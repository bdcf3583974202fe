"""What the flags of the commands have in common, and how a command reports progress."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(
    commands: Commands,
    name: str,
    summary: str,
    description: str,
    example: str,
    command: Callable[[argparse.Namespace], int | None] | None = None,
) -> argparse.ArgumentParser:
    """Declare a command, ``--debug`` included.

    Args:
        commands: Of the program's parser, or of a command that has commands of its own.
        name: What is typed.
        summary: One clause for the list of commands.
        description: One sentence for its own help.
        example: What follows ``python -m validation`` in a command line that works.
        command: What it runs; None where it has commands of its own.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # The full name, where it is the subcommand of another command.
    parser.epilog = f"example:\n  python -m {parser.prog} {example}\n"
    parser.add_argument("--debug", action="store_true", help="show the trace of an error")
    parser.set_defaults(command=command)
    return parser


def add_flag(parser: argparse.ArgumentParser, name: str, default: bool, summary: str) -> None:
    """Add a boolean that can be given bare, or as ``=true`` and ``=false`` as the guide does."""
    parser.add_argument(
        name,
        type=boolean,
        nargs="?",
        const=True,
        default=default,
        metavar="BOOL",
        help=f"{summary} (default: {str(default).lower()})",
    )


def boolean(text: str) -> bool:
    """``true`` or ``false``, as the guide's flags are given."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"must be true or false, got {text!r}")
    return text.lower() in ("true", "1")


def say(text: str) -> None:
    """Print progress to standard error; results go to standard output."""
    print(f"validation: {text}", file=sys.stderr, flush=True)
