"""Nothing from a file moves a terminal's cursor, and no locale stops a line."""

from __future__ import annotations

import io
import json
import sys
from typing import TextIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.files.terminal import CleanStream, clean_output, printable, printable_lines

# What clears, moves, colours, rings, names the window, hides and turns text round.
_HARM = (
    "\x1b[2J",
    "\x1b[31m",
    "\x9b2J",
    "\r",
    "\b",
    "\a",
    "\x1b]0;t\a",
    "\x7f",
    "\u202e",
    "\u200b",
)


@pytest.mark.parametrize("harm", _HARM)
def test_control_characters_are_shown_as_escapes(harm: str) -> None:
    """In one line, and in text of several."""
    for clean in (printable, printable_lines):
        assert clean(f"a{harm}b").isprintable()
    assert printable_lines(f"a\n\tb{harm}").startswith("a\n\tb")
    assert printable("a\nb") == "a\\nb"


@given(st.text())
def test_only_lines_and_tabs_are_left(text: str) -> None:
    """Of any text; what can be shown is as it was."""
    cleaned = printable_lines(text)
    assert cleaned.replace("\n", "").replace("\t", "").isprintable()
    assert printable_lines(cleaned) == cleaned


def test_colours_of_the_program_itself_may_stay() -> None:
    """Those alone: a name's title sequence goes as ever."""
    text = "\x1b[32mgreen\x1b[0m \x1b]0;title\a\x1b[2J"
    assert printable_lines(text, keep_colours=True) == (
        "\x1b[32mgreen\x1b[0m \\x1b]0;title\\x07\\x1b[2J"
    )


def test_stream_is_cleaned_and_else_itself() -> None:
    """The length is that of what was given, as print expects."""
    inner = io.StringIO()
    stream = CleanStream(cast(TextIO, inner))
    assert stream.write("\x1b[2J\n") == 5
    stream.writelines(["a\b", "c"])
    assert inner.getvalue() == "\\x1b[2J\na\\x08c"
    assert not stream.isatty()


@pytest.mark.parametrize("name", ["##[error]x", "##[add-mask]a", "##vso[task.complete]x", r"\##["])
def test_no_name_is_a_command_to_a_runner(name: str) -> None:
    """Which takes these wherever they stand; a document of JSON says the same as before."""
    inner = io.StringIO()
    CleanStream(cast(TextIO, inner)).write(f"PASS m {json.dumps(name)}\n")
    written = inner.getvalue()
    assert "##[" not in written and "##vso[" not in written
    assert json.loads(written.removeprefix("PASS m ")) == name


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_encoding_stops_a_line(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters that it lacks, and bytes of a file name that are no text, are escapes."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    with clean_output():
        sys.stdout.write("ü \u732b \udcff \u2026\n")
        sys.stdout.flush()
    assert b"\\udcff" in raw.getvalue()
    raw.getvalue().decode(encoding)
