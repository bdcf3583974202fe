"""The options of a run that several machines make.

PYTEST_DONT_REWRITE: `validation run` has imported this before pytest does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from validation.errors import UsageError
from validation.files.arguments import parse_existing_folder
from validation.files.terminal import printable
from validation.record.shares import Share, parse_share


def _share(text: str) -> Share:
    try:
        return parse_share(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(printable(str(error))) from error


def add_options(add: Callable[..., object]) -> None:
    """Declare both options."""
    add(
        "--shard",
        type=_share,
        metavar="I/N",
        help="make the Ith of N shares of the run, for `validation merge` (default: the whole run)",
    )
    add(
        "--pieces",
        action="append",
        type=parse_existing_folder,
        metavar="DIR",
        help="a share's folder, of `merge` (default: none)",
    )
