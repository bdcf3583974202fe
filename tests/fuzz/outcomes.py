"""What became of one input, and the table of all of them."""

from __future__ import annotations

import enum
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.server import Ended

__all__ = ["FINDS", "MOST_BYTES", "Outcome", "Result", "as_table", "outcome_of"]

# The most that a command may take for an input that is changed.
MOST_BYTES = 10**9
_CRASHED = re.compile(r"was ended by signal|ended itself with exit code")
_OVER_LIMITS = re.compile(r"GiB of memory and was ended|gave no sign of life")
_TRACE = re.compile(r"^(?:E +)?Traceback \(most recent call last\)|INTERNALERROR", re.MULTILINE)


class Outcome(enum.StrEnum):
    """How a command ended on a changed input."""

    ACCEPTED = "accepted"
    REFUSED = "clean error"
    CRASH = "native crash, in words"
    BARE_CRASH = "native crash, bare"
    TRACEBACK = "traceback"
    HANG = "hang"
    MEMORY = "over 1 GB"
    WORDLESS = "no words"
    ESCAPE = "escape sequence"
    LEFTOVER = "leftover"
    BAD_JSON = "broken JSON"


# None of these may be.
FINDS = frozenset(Outcome) - {Outcome.ACCEPTED, Outcome.REFUSED}


@dataclass(frozen=True)
class Result:
    """One input.

    Args:
        kind: Of the file.
        number: Of the input, which makes it again.
        words: The command.
        outcome: What became of it.
        ended: How.
        said: The end of what it printed.
    """

    kind: str
    number: int
    words: tuple[str, ...]
    outcome: Outcome
    ended: Ended
    said: str = ""


def outcome_of(words: Sequence[str], ended: Ended, out: bytes, err: bytes, case: Path) -> Outcome:
    """What became of an input.

    Args:
        words: The command.
        ended: How it ended.
        out: What it printed to standard output.
        err: To standard error.
        case: The folder that it ran in.
    """
    text = (err + b"\n" + out).decode(errors="replace")
    if ended.timed_out:
        return Outcome.HANG
    if ended.code < 0:
        return Outcome.BARE_CRASH
    if _TRACE.search(text):
        return Outcome.TRACEBACK
    if _OVER_LIMITS.search(text):
        return Outcome.MEMORY if "GiB of memory" in text else Outcome.HANG
    if ended.peak_bytes > MOST_BYTES:
        return Outcome.MEMORY
    if _CRASHED.search(text):
        return Outcome.CRASH
    if b"\x1b" in out + err:
        return Outcome.ESCAPE
    if any(path.name.startswith(".") for path in case.rglob("*")):
        return Outcome.LEFTOVER
    if ended.code and "error: " not in text and not out:
        return Outcome.WORDLESS
    if "--json" in words and out and not _is_json(out):
        return Outcome.BAD_JSON
    return Outcome.REFUSED if "error: " in text else Outcome.ACCEPTED


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        return False
    return True


def as_table(results: Iterable[Result]) -> str:
    """Rows of Markdown: a kind each, and all of them."""
    by_kind: dict[str, list[Result]] = {}
    for each in results:
        by_kind.setdefault(each.kind, []).append(each)
    every = [each for found in by_kind.values() for each in found]
    lines = [
        "| kind | inputs | clean error | accepted | traceback | native crash, bare "
        "| native crash, in words | hang | over 1 GB | other | peak memory |",
        "|---|" + "---:|" * 10,
    ]
    lines += [_row(kind, found) for kind, found in by_kind.items()]
    return "\n".join([*lines, _row("all", every)]) + "\n"


def _row(kind: str, results: Sequence[Result]) -> str:
    counts = Counter(each.outcome for each in results)
    columns = (
        *(Outcome.REFUSED, Outcome.ACCEPTED, Outcome.TRACEBACK, Outcome.BARE_CRASH),
        *(Outcome.CRASH, Outcome.HANG, Outcome.MEMORY),
    )
    other = sum(counts.values()) - sum(counts[each] for each in columns)
    peak = max((each.ended.peak_bytes for each in results), default=0)
    numbers = [len(results), *(counts[each] for each in columns), other]
    return (
        f"| {kind} | " + " | ".join(f"{each:,}" for each in numbers) + f" | {peak / 1e6:.0f} MB |"
    )
