"""Names of any origin neither reorder nor hide the text beside them on a page."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from markupsafe import Markup
from shown_names import Names
from shown_runs import write_shown_run

from validation.report.visible import visible

_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "B"}
_MARKS = "\u061c\u200e\u200f"
# One of each kind: direction, control, end of a line, half a pair.
_ODD = "\u202e\u2066\u200f\x1b\x00\r\x85\u2029\udcff"
_ESCAPED = r"\u202e\u2066\u200f\x1b\x00\r\x85\u2029\udcff"


def test_what_directs_or_hides_text_is_an_escape() -> None:
    """Whatever Unicode calls a control or a direction, but not what a language is written with."""
    assert visible(f"a{_ODD}b") == f"a{_ESCAPED}b"
    for letter in map(chr, range(0x3000)):
        escaped = (
            unicodedata.category(letter) == "Cc"
            or unicodedata.bidirectional(letter) in _DIRECTIONS
            or letter in _MARKS
        )
        assert (visible(letter) != letter) is (escaped and letter not in "\n\t"), repr(letter)
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert visible(persian) == persian


@pytest.mark.parametrize("value", [None, 3, 0.5, Markup("<b>\u202e</b>")])
def test_what_is_no_text_is_left_as_it_is(value: object) -> None:
    """So is markup, whose parts have been through it."""
    assert visible(value) is value


def test_no_page_has_such_a_character(tmp_path: Path) -> None:
    """Whichever name it is in."""
    odd = Names(*(f"{each}{_ODD}" for each in Names().all()))
    folder = write_shown_run(tmp_path / "run", fails=True, names=odd, run=f"night {_ODD}")
    pages = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}
    assert len(pages) == 4
    for name, text in pages.items():
        assert re.findall("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x0b-\x1f]", text) == []
        assert _ESCAPED in text, name
