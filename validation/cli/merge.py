"""``python -m validation merge``: shares of a run joined, and judged once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from validation.cli.flags import Commands, say
from validation.cli.output import print_error_line
from validation.cli.run import leading, options_help, run
from validation.errors import ValidationError
from validation.record.formatting import plural
from validation.record.run import CommandOption
from validation.record.share_files import load_shares

_WRONG_USE = 4
_HELP = """\
usage: validation merge DIR... [OPTION...]

Join the shares of a run, made with --shard I/N on several machines, and judge once: the same
record, page, verdict and exit code as of one machine. DIR is the folder of a share, or one that
holds several. A share that is missing, named twice, or of another model file, data set, policy or
version is refused by name. Latency is measured here.

The options of the shares hold here too. Where images, models or limits lie elsewhere on this
machine, name them again: an OPTION goes before that of the shares.

"""
_MORE_HELP = """
example:
  python -m validation merge shares/* --coco-images val2017"""
# Where and how this machine runs is its own business.
_NOT_TAKEN = ("--report-dir", "--numprocesses")


def add_command(commands: Commands) -> None:
    """List the command; what follows its name goes to `merge`."""
    commands.add_parser("merge", help="join the shares of a run, and judge", add_help=False)


def merge(arguments: Sequence[str]) -> int:
    """Run the suites on the pieces that shares have made.

    Args:
        arguments: Folders of shares, then options of `run`.

    Returns:
        As `run`; 1 with one line on standard error where the shares do not make one run, and 4
        where none is named.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP + options_help() + _MORE_HELP)
        return 0
    folders = leading(arguments)
    if not folders:
        print(
            "error: no shares to join: expected the folder of each share first, then options; "
            "--help lists what there is",
            file=sys.stderr,
        )
        return _WRONG_USE
    own = list(arguments[len(folders) :])
    try:
        share = load_shares(Path(folders[0]))[0]
    except ValidationError as error:
        print_error_line(error)
        return error.exit_code
    options = _of_shares(share.header.command_line, own)
    say(f"joining {plural(share.facts.count, 'share')} of a run")
    named = [f"--pieces={folder}" for folder in folders]
    return run([*named, *options, *own], command="merge", by_place=("--pieces",))


def _of_shares(options: Sequence[CommandOption], own: Sequence[str]) -> list[str]:
    """The options that the shares were made with, those left out that are given here."""
    given = {_plain(each.partition("=")[0]) for each in own if each.startswith("--")}
    return [
        f"{each.flag}={each.value}" if each.value else each.flag
        for each in options
        if each.flag not in _NOT_TAKEN and each.flag not in given
    ]


def _plain(flag: str) -> str:
    return "--" + flag[2:].replace("_", "-")
