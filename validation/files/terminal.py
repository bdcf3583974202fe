"""What reaches a terminal: names and messages from anywhere move no cursor and end no line.

Names come from files of any origin. A control character in one could clear the screen, write
over a verdict or set the window's title; and a locale may not have its letters.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

# A command to the runner of GitHub or Azure Pipelines wherever it stands in a line. The escape is
# one of JSON too, of which a document stays the same.
_RUNNER_COMMAND = re.compile(r"(?<=##)\[|(?<=##vso)\[")
# pytest's own: colours, and where it writes a line anew.
_COLOUR = re.compile("(\x1b\\[[0-9;]*m|\r)")


def printable(text: str) -> str:
    """One line, with control characters and what cannot be shown written as escapes."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def printable_lines(text: str, *, keep_colours: bool = False) -> str:
    """`printable` of text that has lines and tabs of its own.

    Args:
        text: Any.
        keep_colours: Leave sequences that set a colour, and returns to the line's beginning.
    """
    if text.isprintable():
        return text
    if keep_colours:
        parts = _COLOUR.split(text)
        return "".join(
            part if number % 2 else printable_lines(part) for number, part in enumerate(parts)
        )
    return "".join(
        each if each.isprintable() or each in "\n\t" else repr(each)[1:-1] for each in text
    )


class CleanStream:
    """A text stream that `printable_lines` goes before; all else is the stream's own.

    Nothing in it is a command to a CI's runner either, unless a line begins as one.

    Args:
        stream: Where it goes.
        keep_colours: See `printable_lines`.
    """

    def __init__(self, stream: TextIO, *, keep_colours: bool = False) -> None:
        self._stream = stream
        self._keep_colours = keep_colours

    def write(self, text: str) -> int:
        """Write the text; returns the length of what was given."""
        clean = printable_lines(text, keep_colours=self._keep_colours)
        self._stream.write(_RUNNER_COMMAND.sub(r"\\u005b", clean))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def encode_everything() -> None:
    """Let standard output and error write as escapes what their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        # A capture that replaces them may have no encoding.
        with contextlib.suppress(AttributeError, ValueError):
            cast(Any, stream).reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def clean_output() -> Iterator[None]:
    """Let nothing reach standard output and error but through a `CleanStream`."""
    encode_everything()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, CleanStream(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
