"""The command line of a tool that writes one document from one file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from validation.errors import UsageError, ValidationError


def run(
    tool: str,
    about: str | None,
    source: tuple[str, str, str],
    write: Callable[[Path, Path], None],
    arguments: Sequence[str] | None,
) -> int:
    """Parse the command line and write the document.

    Args:
        tool: Its name, for errors.
        about: What its module says of itself; the first line is its help.
        source: Name, placeholder and help of what is read.
        write: Writes what it makes of the first path into the second.
        arguments: Of the command line; None: those of the process.

    Returns:
        0, or the exit code of the error on stderr.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0] if about else None)
    name, placeholder, read = source
    parser.add_argument(name, type=Path, metavar=placeholder, help=read)
    parser.add_argument("output", type=Path, metavar="OUTPUT.md", help="replaced if it is there")
    options = parser.parse_args(arguments)
    try:
        if not options.output.parent.is_dir():
            raise UsageError(
                "no such folder", where=options.output.parent, next_step="make it first"
            )
        write(getattr(options, name), options.output)
    except ValidationError as error:
        sys.stderr.write(f"{tool}: {type(error).__name__}: {error}\n")
        return error.exit_code
    return 0
