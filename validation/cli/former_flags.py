"""Flags of the old tools that no longer exist: what to type now, instead of "unrecognized"."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.cli.flags import say
from validation.errors import UsageError
from validation.files.structured import read_toml

_TABLE = Path(__file__).with_name("former_flags.toml")


@dataclass(frozen=True)
class FormerFlag:
    """One flag that a command of today does not have.

    Args:
        instead: One sentence for the person who typed it.
        idle: Shell patterns of the values that ask for what happens anyway; an empty one is
            the flag without a value.
    """

    instead: str
    idle: tuple[str, ...] = ()

    def changes_nothing(self, value: str) -> bool:
        """True where the flag can be ignored."""
        return any(fnmatch.fnmatchcase(value.lower(), each.lower()) for each in self.idle)


def former_flags(command: str) -> dict[str, FormerFlag]:
    """The flags that one command no longer has, by name; empty where it has no forerunner."""
    tables = read_toml(_TABLE, dict[str, dict[str, FormerFlag]])
    return tables.get(command, {})


def without_former_flags(arguments: Sequence[str]) -> list[str]:
    """The arguments that today's commands know.

    A flag that asks for what happens anyway is ignored, with a note on standard error.

    Args:
        arguments: The command first, as they are typed.

    Raises:
        UsageError: A flag that no longer exists, with what to type instead.
    """
    flags = former_flags(arguments[0]) if arguments else {}
    known = {name.replace("_", "-"): flag for name, flag in flags.items()}
    kept: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, value = argument.partition("=")
        former = known.get(name.replace("_", "-"))
        if former is None:
            kept.append(argument)
            continue
        if not equals and waiting and not waiting[0].startswith("-"):
            value = waiting.pop(0)
            argument = f"{name} {value}"
        if not former.changes_nothing(value):
            raise UsageError(
                f"{arguments[0]} has no {name}", got=argument, next_step=former.instead
            )
        say(f"{argument}: ignored; {former.instead}")
    return kept
