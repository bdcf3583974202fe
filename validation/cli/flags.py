"""What the flags of the commands have in common, and how a command reports progress."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias

from validation.cli.output import JSON_FLAG, print_error
from validation.cli.typed import as_declared, unknown_flags
from validation.errors import UsageError, did_you_mean
from validation.files.terminal import printable

_CHOICE = re.compile(r"invalid choice: '(?P<typed>[^']*)' \(choose from (?P<known>.*)\)")
# Least likeness of a word to the one that is offered for it, and letters of a part of one.
_LIKENESS, _PART = 0.6, 4

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Parser(argparse.ArgumentParser):
    """Takes flags in both spellings and as they are pasted, and refuses wrong use in one line."""

    # True where flags that are not declared here may be somebody else's.
    own_values_only = False
    _typed: Sequence[str] = ()

    @property
    def advice(self) -> str:
        """Where to read on."""
        return f"`python -m {self.prog} --help` lists what there is"

    def error(self, message: str) -> NoReturn:
        """End with exit code 2, naming what is nearest to a word that is not known."""
        wrong_use = UsageError(self.complaint(message), next_step=self.advice)
        if JSON_FLAG in self._typed:
            print_error(wrong_use)
        self.exit(wrong_use.exit_code, f"error: {printable(str(wrong_use))}\n")

    def complaint(self, message: str) -> str:
        """What argparse says, and the flag or the choice that was probably meant."""
        choice = _CHOICE.search(message)
        if choice is not None:
            known = [each.strip(" '\"") for each in choice["known"].split(",")]
            return "; ".join(
                filter(None, [message, did_you_mean(choice["typed"], known, cutoff=_LIKENESS)])
            )
        # A required flag that is missing was perhaps typed wrongly.
        unknown = unknown_flags(self._typed, self._option_string_actions)
        if not unknown or "required" not in message:
            return message
        nearest = self._nearest(unknown[0])
        return ", ".join(filter(None, [f"{message}; {unknown[0]} is not known", nearest]))

    def parse_known_args(  # type: ignore[override]  # the one of argparse is overloaded
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse; argparse also comes through here for each subcommand.

        A subcommand refuses what it does not know itself, because its help and its flags are
        the ones to name.
        """
        self._typed = self.as_declared(sys.argv[1:] if args is None else args)
        options, unknown = super().parse_known_args(self._typed, namespace)
        self.refuse_unknown(unknown)
        return options, unknown

    def as_declared(self, arguments: Sequence[str]) -> list[str]:
        """The arguments, with each long flag spelled as it was declared; says what it reads."""
        # Of a parser of commands, what follows the command is the command's.
        if self._subparsers is not None:
            return list(arguments)
        read = as_declared(arguments, self._option_string_actions, own_only=self.own_values_only)
        for note in read.notes:
            say(note)
        return list(read.arguments)

    def refuse_unknown(self, arguments: Sequence[str]) -> None:
        """End with an error if there are any arguments; it names the nearest flag."""
        if arguments:
            flags = [each.partition("=")[0] for each in arguments if each.startswith("-")]
            steps = ["unrecognized arguments: " + " ".join(arguments)]
            nearest = self._nearest(flags[0]) if flags else None
            self.error("; ".join(filter(None, [*steps, nearest])))

    def _nearest(self, flag: str) -> str | None:
        """Advice that names the flag meant by an unknown one; None where none is like it."""
        known = [each[2:] for each in self._option_string_actions if each.startswith("--")]
        word = flag.strip("-").replace("-", "_")
        plain = {each.replace("-", "_"): f"--{each}" for each in known}
        # A part of a name says more than its likeness to the whole.
        holding = [each for each in plain if len(word) >= _PART and word in each.split("_")]
        near = holding or difflib.get_close_matches(word, plain, n=1, cutoff=_LIKENESS)
        return f"did you mean {plain[near[0]]!r}?" if near else None


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
    parser.add_argument(
        "--no-isolation",
        action="store_true",
        help="run in this very process and without limits of memory and time, for a debugger; a "
        "crash of TensorFlow or LiteRT then ends it without a word",
    )
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


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``: one document on standard output, notes stay on standard error."""
    parser.add_argument(JSON_FLAG, action="store_true", help="print every fact as JSON")


def boolean(text: str) -> bool:
    """``true`` or ``false``, as the guide's flags are given."""
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"must be true or false, got {text!r}")
    return text.lower() in ("true", "1")


def say_as_stored(count: int) -> None:
    """Report that some images are used as they are stored, where there are any."""
    if count:
        files = "1 image is" if count == 1 else f"{count} images are"
        say(f"{files} used as stored; viewers turn them, as their EXIF data asks")


def say(text: str) -> None:
    """Print progress to standard error; results go to standard output."""
    print(f"validation: {printable(text)}", file=sys.stderr, flush=True)
