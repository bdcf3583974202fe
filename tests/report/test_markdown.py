"""Names of any origin in Markdown: to GitHub's own parser they are the text that they were."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import cmarkgfm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.files.terminal import printable
from validation.report.markdown import escaped, table

_HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[text](https://example.org)",
    "![picture](x.png)",
    "https://example.org/x",
    "www.example.org",
    "`code`",
    "**bold** _slanted_ ~~gone~~",
    "a | b",
    "&lt;b&gt; &amp;",
    "# heading",
    "- entry",
    "+ entry",
    "1. entry",
    "1) entry",
    "> quoted",
    "===",
    "---",
    "$x$",
    "\\",
    "\\|",
    "a\nb",
    "a\r\n\n# b",
    "\x1b[2J\u202egnp.exe",
)


def _shown(markdown: str) -> ET.Element:
    html = cmarkgfm.github_flavored_markdown_to_html(markdown)
    return ET.fromstring(f"<page>{html}</page>")


def _as_read(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", _HOSTILE)
def test_text_stays_text(text: str) -> None:
    """As an entry of a list and as a cell of a table: one element, and no markup in it."""
    for page, where in (
        (_shown(f"- {escaped(text)}"), "ul/li"),
        (_shown("\n".join(table(["a"], [[escaped(text)]], [False]))), "table/tbody/tr/td"),
    ):
        (element,) = page.findall(where)
        assert list(element) == []
        assert _as_read(element.text or "") == _as_read(printable(" ".join(text.split())))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_any_text_stays_text(text: str) -> None:
    """Letter by letter; what cannot be shown as its escape."""
    (element,) = _shown(f"- x {escaped(text)}").findall("ul/li")
    assert list(element) == []
    assert _as_read(element.text or "") == f"x {printable(' '.join(text.split()))}".strip()


@given(st.text(st.sampled_from("ab _*|\\`<>[]~&$\n") | st.characters(), max_size=30))
def test_no_letter_is_lost(text: str) -> None:
    """One line, which cannot end a cell or start markup, and can be read back."""
    found = escaped(text)
    assert found.isprintable()
    assert re.sub(r"\\([^\w\s]|_)", r"\1", found) == printable(" ".join(text.split()))
    assert not set(re.sub(r"\\.", "", found)) & set("\\`*[]<>|~&$@")


@pytest.mark.parametrize(
    "text", ["ssd_mobilenet_v1_ppn-int8", "2.21.0", "-0.0102", "a - b", "#1", "x = 3"]
)
def test_names_stay_readable(text: str) -> None:
    """What needs no escape has none: an underscore between letters starts no emphasis."""
    assert escaped(text) == text
    assert escaped("_x_") == "\\_x\\_"
