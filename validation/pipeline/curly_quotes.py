"""Proto text whose quotes were curled by a word processor, a chat or a web page."""

from __future__ import annotations

import re

# What is quoted or a comment already stays; else a text from one curly quote to the next, or to a
# straight one, within a line.
_PIECE = re.compile(
    r"""
      "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | \#[^\n]*
    | (?P<double> [\u201c\u201d\u201e] (?P<words> [^\u201c\u201d\u201e"\n]* ) [\u201c\u201d"] )
    | (?P<single> [\u2018\u2019\u201a] (?P<word> [^\u2018\u2019\u201a'\n]* ) [\u2018\u2019'] )
    """,
    re.VERBOSE,
)


def with_plain_quotes(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with straight quotes, everything else at its line and column, and what was read.

    Args:
        text: Proto text.

    Returns:
        The text, and one clause for the first line that had curly quotes, with how many more.
    """
    lines: list[int] = []

    def straight(match: re.Match[str]) -> str:
        inner = match["words"] if match["double"] else match["word"]
        if inner is None:
            return match[0]
        lines.append(text.count("\n", 0, match.start()) + 1)
        mark = "'" if '"' in inner else '"'
        return f"{mark}{inner}{mark}"

    plain = _PIECE.sub(straight, text)
    if not lines:
        return plain, ()
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return plain, (f"line {lines[0]}{more}: curly quotes are read as straight ones",)
