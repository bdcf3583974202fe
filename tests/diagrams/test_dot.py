"""DOT text: whatever stands in a name comes out as text, and dot reads what is written."""

from __future__ import annotations

import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.diagrams.diagram import Cluster, Colours, Diagram, Edge, Node
from validation.diagrams.dot import dot_text, marked_up, quoted, shortened
from validation.files.terminal import printable

_COLOURS = Colours("#ffffff", "#000000")
_HOSTILE = (
    '"] ; evil [label="',
    "</TD></TR></TABLE>> evil",
    "<script>alert(1)</script>",
    "line\nbreak\r\0end",
    "back\\slash\\",
    "\\N\\G\\L",
    "&#0; &bogus; &amp;",
    "\ud800 lone",
    "'; }",
    "",
    " ",
    "]",
    "]]>",
    "long" * 500,
)
_NAMES = st.one_of(st.sampled_from(_HOSTILE), st.text(max_size=30))
_needs_dot = pytest.mark.skipif(
    shutil.which("dot") is None, reason="Graphviz's dot is not installed"
)


def _diagram(names: tuple[str, str, str, str]) -> Diagram:
    title, first, second, text = names
    return Diagram(
        title=title,
        notes=(text, ""),
        legend=((_COLOURS, text),),
        signs=(text,),
        nodes=(
            Node("one", first, ((text, first), (second, "")), _COLOURS, note=text, hint=first),
            Node("two", second, (), _COLOURS, hint=text, is_end=True),
        ),
        clusters=(Cluster(text, _COLOURS, ("one",), (Cluster(title, _COLOURS, ("two",)),)),),
        edges=(Edge("one", "two", (text, first), hint=text), Edge("one", "two", is_hidden=True)),
        levels=(("one", "two"),),
        ordered=("one",),
    )


def _outside(text: str) -> str:
    """DOT with its strings and its labels of markup emptied, as dot's scanner finds their ends."""
    left: list[str] = []
    depth = 0
    for part in re.findall(r'"(?:[^"\\]|\\.)*"|->|.', text, re.DOTALL):
        if depth == 0 and len(part) > 1:
            left.append(part if part == "->" else '""')
            continue
        # Inside markup a quote is a character like any other.
        for each in part:
            depth += {"<": 1, ">": -1}.get(each, 0)
            if depth == 0:
                left.append(each)
    assert depth == 0
    return "".join(left)


@given(st.tuples(_NAMES, _NAMES, _NAMES, _NAMES))
def test_names_leave_the_structure_alone(names: tuple[str, str, str, str]) -> None:
    """Outside strings and labels the text is that of plain names, and it is UTF-8."""
    title, first, second, text = ("x" if name else "" for name in names)
    dot = dot_text(_diagram(names))
    dot.encode("utf-8")
    assert _outside(dot) == _outside(dot_text(_diagram((title, first, second, text))))


@given(st.text())
def test_quoted_is_one_string(text: str) -> None:
    """No text ends the string early or has a backslash that speaks to dot."""
    assert re.fullmatch(r'"(?:[^"\\]|\\\\|\\")*"', quoted(text), re.DOTALL)


@given(st.text())
def test_markup_is_text_to_an_xml_parser(text: str) -> None:
    """An XML parser reads back the very text that was to be seen."""
    assert (ElementTree.fromstring(f"<a>{marked_up(text)}</a>").text or "") == printable(text)


@given(st.text(), st.integers(min_value=3, max_value=80))
def test_shortened_keeps_both_ends(text: str, most: int) -> None:
    """A long name keeps how it begins and how it ends."""
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == text or (text.startswith(cut.partition("…")[0]) and "…" in cut)


@_needs_dot
@pytest.mark.parametrize("name", _HOSTILE, ids=range(len(_HOSTILE)))
def test_dot_draws_hostile_names(name: str) -> None:
    """Dot takes the text without a word, and its SVG is XML without links."""
    text = dot_text(_diagram((name, name, name, name)))
    done = subprocess.run(
        ["dot", "-Tsvg"], input=text.encode(), capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    root = ElementTree.fromstring(done.stdout)
    nodes = [each for each in root.iter() if each.get("class") == "node"]
    assert len(nodes) == 2
    links = [key for each in root.iter() for key in each.attrib if key.endswith("href")]
    assert links == []


@_needs_dot
@settings(max_examples=15, deadline=None)
@given(st.tuples(_NAMES, _NAMES, _NAMES, _NAMES))
def test_dot_reads_any_names(names: tuple[str, str, str, str]) -> None:
    """Dot's own parser accepts what is written of arbitrary text."""
    done = subprocess.run(
        ["dot", "-Tcanon"],
        input=dot_text(_diagram(names)).encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
