"""Markdown that shows any text as it is: names come from files of any origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from validation.files.terminal import printable

# What could start markup anywhere in a line. An underscore inside a word is only a letter.
_MARKUP = re.compile(r"[\\`*\[\]<>|~&$@]|(?<![^\W_])_|_(?![^\W_])")
# What GitHub makes a link of by itself.
_LINK = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
# A heading, a list's entry, or a line of its own or below a heading, where a line begins.
_BEGINNING = re.compile(r"(?:#{1,6}|[+-])(?= |$)|[-=]+(?= *$)|\d+(?=[.)](?: |$))")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table too."""
    line = _MARKUP.sub(_escape, printable(" ".join(text.split())))
    line = _LINK.sub(_escape, line)
    start = _BEGINNING.match(line)
    if start is None:
        return line
    # A digit has no escape, what stands behind the number has.
    at = start.end() if line[0].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"


def _escape(match: re.Match[str]) -> str:
    return f"\\{match[0]}"


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], figures: Sequence[bool]
) -> list[str]:
    """The lines of a table.

    Args:
        titles: One a column.
        rows: Their cells, escaped.
        figures: Whether a column holds figures, which stand at its right.
    """
    lines = [titles, ["---:" if each else "---" for each in figures], *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]
