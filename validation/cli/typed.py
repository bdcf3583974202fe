"""Command lines as they are typed and pasted: dashes, quotes, underscores and the home folder."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

# Hyphens, dashes and the minus sign, as word processors and web pages put them for "-".
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_ANY_DASH = re.compile(f"[{_DASHES}]")
_PASTED_FLAG = re.compile(rf"[-{_DASHES}]+(?P<rest>[A-Za-z][^=]*)(?P<value>=.*)?", re.DOTALL)
_SINGLE_DASH = re.compile(r"-[A-Za-z]\w*[-_]?\w.*", re.DOTALL)
# Pasted with the text, and not to be seen.
_INVISIBLE = "\u00a0\u200b\u200c\u200d\u2060\ufeff"
# What may close each of them; some languages open with what closes in others.
_QUOTES = {
    "\u201c": "\u201d\u201c",
    "\u201d": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019\u2018",
    "\u00ab": "\u00bb",
    '"': '"',
    "'": "'",
}


@dataclass(frozen=True)
class Reading:
    """A command line as it is read.

    Args:
        arguments: With each long flag spelled as it was declared.
        notes: What was read for what, where more than a spelling differs.
    """

    arguments: tuple[str, ...]
    notes: tuple[str, ...]


def with_plain_dashes(arguments: Sequence[str]) -> Reading:
    """The arguments with dashes for those that were pasted; what names a file is left alone."""
    read, notes = [], []
    for typed in arguments:
        plain = _plain_dashes(typed)
        if plain != typed:
            notes.append(_note(typed, plain))
        read.append(plain)
    return Reading(tuple(read), tuple(notes))


def as_declared(arguments: Sequence[str], flags: Collection[str], *, own_only: bool) -> Reading:
    """The arguments as a parser with these flags takes them.

    Args:
        arguments: Of the parser.
        flags: Its flags, short ones among them.
        own_only: Others may be somebody else's: only values of these flags are touched.
    """
    declared = {_key(flag): flag for flag in flags if flag.startswith("--")}
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    read, notes = [], []
    # The value of a flag of ours may be the next argument.
    is_ours = False
    for position, typed in enumerate(arguments):
        argument = typed if position >= end else _flag_as_declared(typed, declared, flags)
        if _key(argument.partition("=")[0]) != _key(typed.partition("=")[0]):
            notes.append(_note(typed, argument))
        name, equals, value = argument.partition("=")
        is_flag = argument.startswith("-") and position < end
        known = name in flags
        if is_flag and equals and (known or not own_only):
            argument = name + equals + _value(value, notes)
        elif not is_flag and (is_ours or not own_only):
            argument = _value(argument, notes)
        is_ours = is_flag and known and not equals
        read.append(argument)
    return Reading(tuple(read), tuple(notes))


def unknown_flags(arguments: Sequence[str], flags: Collection[str]) -> list[str]:
    """The long flags among the arguments that none of these are, shortened ones left out."""
    names = [each.partition("=")[0] for each in arguments if re.match(r"--?[A-Za-z]\w", each)]
    return [name for name in names if not any(flag.startswith(name) for flag in flags)]


def _plain_dashes(argument: str) -> str:
    text = argument.strip(_INVISIBLE)
    match = _PASTED_FLAG.fullmatch(text)
    name = text.partition("=")[0]
    if match is None or not (_ANY_DASH.search(name) or text != argument) or Path(text).exists():
        return argument
    rest, value = _ANY_DASH.sub("-", match["rest"]), match["value"] or ""
    is_short = len(rest) == 1 and not value
    return f"-{rest}" if is_short else f"--{rest}{value}"


def _flag_as_declared(argument: str, declared: dict[str, str], flags: Collection[str]) -> str:
    """One flag in the spelling of its declaration; anything else as it is."""
    name, equals, value = argument.partition("=")
    if name in flags:
        return argument
    if not name.startswith("--"):
        if not _SINGLE_DASH.fullmatch(name) or _key(f"-{name}") not in declared:
            return argument
        name = f"-{name}"
    key = _key(name)
    longer = [flag for each, flag in declared.items() if each.startswith(key)]
    if key in declared:
        return declared[key] + equals + value
    # A shortened flag in the other spelling; argparse says which ones it may stand for.
    shortened = name if len(longer) != 1 else longer[0][: len(name)]
    return shortened + equals + value


def _value(value: str, notes: list[str]) -> str:
    """A value without the quotes that were pasted round it, its home folder expanded."""
    closing = _QUOTES.get(value[:1], "")
    inner = value[1:-1]
    if len(value) > 2 and value[-1] in closing and not set(inner) & {value[0], value[-1]}:
        notes.append(_note(value, inner))
        value = inner
    return os.path.expanduser(value) if value.startswith("~") else value  # noqa: PTH111


def _note(typed: str, read: str) -> str:
    return f"reading {typed} as {read}"


def _key(flag: str) -> str:
    return flag.replace("_", "-")
