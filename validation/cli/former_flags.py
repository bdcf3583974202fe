"""Flags of the guide's tools that have gone: what to type now, instead of "unrecognized"."""

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
        idle: Shell patterns of the values that ask for what is done anyway; an empty one is
            the bare flag.
    """

    instead: str
    idle: tuple[str, ...] = ()

    def asks_for_nothing(self, value: str) -> bool:
        """True where the flag can be passed over."""
        return any(fnmatch.fnmatchcase(value.lower(), each.lower()) for each in self.idle)


def former_flags(command: str) -> dict[str, FormerFlag]:
    """The flags that have gone, of one command, by name; empty where it has no forerunner."""
    tables: dict[str, dict[str, FormerFlag]] = read_toml(_TABLE, dict[str, dict[str, FormerFlag]])
    return tables.get(command, {})


def without_former_flags(arguments: Sequence[str]) -> list[str]:
    """The arguments that today's commands know.

    A flag that asks for what is done anyway is passed over, with a word on standard error.

    Args:
        arguments: The command first, as they are typed.

    Raises:
        UsageError: A flag that has gone, with what to type instead.
    """
    known = former_flags(arguments[0]) if arguments else {}
    kept: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, value = argument.partition("=")
        former = known.get(name)
        if former is None:
            kept.append(argument)
            continue
        if not equals and waiting and not waiting[0].startswith("-"):
            value = waiting.pop(0)
            argument = f"{name} {value}"
        if not former.asks_for_nothing(value):
            raise UsageError(
                f"{arguments[0]} has no {name}", got=argument, next_step=former.instead
            )
        say(f"{argument}: passed over, {former.instead}")
    return kept
