"""A diagram as Graphviz DOT: names of any bytes come out as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterator

from validation.diagrams.diagram import Cluster, Diagram, Edge, Node
from validation.files.terminal import printable

# A family that every system maps to one it has, and that dot knows the widths of.
_FONT = "Helvetica,Arial,sans-serif"
_LONGEST = 72
_LONGEST_HINT = 600
_INK = "#1f2933"
_FAINT = "#52606d"
_HEAD = f"""\
digraph model {{
  graph [rankdir=TB, newrank=true, labelloc=t, labeljust=l, fontname="{_FONT}", fontsize=11,
    fontcolor="{_INK}", bgcolor="#ffffff", nodesep=0.22, ranksep=0.32, pad=0.25]
  node [shape=plain, fontname="{_FONT}", fontsize=11, fontcolor="{_INK}"]
  edge [fontname="{_FONT}", fontsize=9, fontcolor="{_FAINT}", color="#7b8794", arrowsize=0.6]
"""


def dot_text(diagram: Diagram) -> str:
    """The picture in Graphviz's language.

    Names are escaped: quotes, backslashes, angle brackets and control characters of a file
    under inspection are shown and do nothing. Long ones are cut in the middle.
    """
    lines = [
        _HEAD,
        f"  label=<{_heading(diagram)}>",
        *(
            f"  {line}"
            for position, each in enumerate(diagram.clusters)
            for line in _cluster(each, f"cluster{position}")
        ),
        *(f"  {_node(each)}" for each in diagram.nodes),
        *(f"  {_edge(each)}" for each in diagram.edges),
    ]
    lines += [
        f"  {{ rank=same; {'; '.join(quoted(key) for key in level)} }}" for level in diagram.levels
    ]
    lines += [f"  {quoted(key)} [ordering=out]" for key in diagram.ordered]
    return "\n".join([*lines, "}", ""])


def quoted(text: str) -> str:
    r"""A string of DOT: every backslash and quote is itself, so that ``\N`` is no placeholder."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def marked_up(text: str) -> str:
    """Text inside a label of the HTML kind."""
    escaped = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Dot loses a text of nothing but ], with which the end of a CDATA section may begin.
    return escaped.replace('"', "&quot;").replace("'", "&#39;").replace("]", "&#93;")


def shortened(text: str, most: int = _LONGEST) -> str:
    """Text of at most so many characters; of a longer one the middle is left out."""
    if len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _hint(text: str) -> str:
    """Of a string dot takes entities as they are, also such as XML forbids: &#0;."""
    return quoted(shortened(text, _LONGEST_HINT).replace("&", "&amp;"))


def _heading(diagram: Diagram) -> str:
    title = f'<FONT POINT-SIZE="17">{_bold(diagram.title)}</FONT>'
    lines = [f'<TR><TD ALIGN="LEFT" COLSPAN="2">{title}</TD></TR>']
    lines += [
        f'<TR><TD ALIGN="LEFT" COLSPAN="2">{_faint(shortened(note, 160))}</TD></TR>'
        for note in diagram.notes
        if note
    ]
    swatches = "".join(
        f'<TD BGCOLOR="{colours.fill}" COLOR="{colours.line}" BORDER="1"> {marked_up(label)} </TD>'
        for colours, label in diagram.legend
    )
    if swatches:
        table = (
            '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="4">'
            f"<TR>{swatches}</TR></TABLE>"
        )
        lines.append(f'<TR><TD ALIGN="LEFT" COLSPAN="2">{table}</TD></TR>')
    lines += [
        f'<TR><TD ALIGN="LEFT" COLSPAN="2">{_faint(sign)}</TD></TR>' for sign in diagram.signs
    ]
    return (
        '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1">'
        + "".join(lines)
        + "</TABLE>"
    )


def _faint(text: str) -> str:
    return f'<FONT COLOR="{_FAINT}">{_filled(text)}</FONT>'


def _bold(text: str) -> str:
    return f"<B>{_filled(shortened(text))}</B>"


def _filled(text: str) -> str:
    """Dot refuses a tag with nothing in it."""
    return marked_up(text) or "&#160;"


def _cluster(cluster: Cluster, key: str) -> Iterator[str]:
    ground = "none" if cluster.is_plain else f"{cluster.colours.fill}55"
    style = "rounded" if cluster.is_plain else "rounded,filled"
    yield f"subgraph {quoted(key)} {{"
    yield f"  label=<{_bold(cluster.title)}>; labeljust=l; fontsize=11"
    yield f'  style="{style}"; color="{cluster.colours.line}"; fillcolor="{ground}"; margin=10'
    for node in cluster.nodes:
        yield f"  {quoted(node)}"
    for position, each in enumerate(cluster.clusters):
        yield from (f"  {line}" for line in _cluster(each, f"{key}_{position}"))
    yield "}"


def _node(node: Node) -> str:
    columns = max((len(row) for row in node.rows), default=1)
    rows = [
        f'<TR><TD ALIGN="LEFT" COLSPAN="{columns}">{_bold(node.title)}</TD></TR>',
        *(_row(row, columns) for row in node.rows),
    ]
    if node.note:
        note = f'<FONT POINT-SIZE="9">{_faint(shortened(node.note, 100))}</FONT>'
        rows.append(f'<TR><TD ALIGN="LEFT" COLSPAN="{columns}">{note}</TD></TR>')
    style = ' STYLE="ROUNDED"' if node.is_end else ""
    padding = 4 if node.is_end else 3
    table = (
        f'<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}"{style} '
        f'COLOR="{node.colours.line}" BGCOLOR="{node.colours.fill}">{"".join(rows)}</TABLE>'
    )
    return f"{quoted(node.key)} [label=<{table}>, tooltip={_hint(node.hint or node.title)}]"


def _row(row: tuple[str, ...], columns: int) -> str:
    cells = []
    for position, text in enumerate(row):
        span = columns - len(row) + 1 if position == len(row) - 1 else 1
        side = "RIGHT" if position == columns - 1 and position else "LEFT"
        shown = marked_up(shortened(text))
        cells.append(f'<TD ALIGN="{side}" COLSPAN="{span}">{shown}</TD>')
    return f"<TR>{''.join(cells)}</TR>"


def _edge(edge: Edge) -> str:
    parts = []
    if edge.lines:
        # Spaces in front keep the text off the line; a plain space there would be dropped.
        text = "".join(
            f'&#160;{marked_up(shortened(line))}<BR ALIGN="LEFT"/>' for line in edge.lines
        )
        parts.append(f"label=<{text}>")
    if edge.hint:
        parts.append(f"tooltip={_hint(edge.hint)}, labeltooltip={_hint(edge.hint)}")
    if edge.is_hidden:
        parts.append("style=invis")
    if edge.weight != 1:
        parts.append(f"weight={edge.weight}")
    if edge.is_free:
        parts.append("constraint=false")
    return f"{quoted(edge.tail)} -> {quoted(edge.head)} [{', '.join(parts)}]"
