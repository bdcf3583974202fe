"""A folded model as a diagram: its nodes, its frames and its legend."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from validation.diagrams.columns import column_of, is_crossing
from validation.diagrams.diagram import Colours, Diagram, Edge, Node
from validation.diagrams.folding import Block, FoldedGraph, Link
from validation.diagrams.frames import COLOURS, frames, node_key, sections_of, title_of
from validation.diagrams.operations import OperationGraph, Tensor, shape_text
from validation.diagrams.rows import Row, rows_of
from validation.diagrams.sections import Section
from validation.specs.contracts import DETECTION_ROLES, POSTPROCESS_OUTPUTS

_ENDS = Colours("#ffffff", "#1f2933")
_MEANINGS = dict(zip(POSTPROCESS_OUTPUTS, DETECTION_ROLES, strict=True))
_SIGNS = (
    "A node lists its operations in the order they run, each with its output's shape without the "
    "batch.",
    "Edges carry a tensor's shape and type, and its scale and zero point where it is quantised; "
    "each tensor is shown once.",
    "Constants, identities and reads of variables are left out; a browser shows names at the "
    "pointer.",
)
_FOLDED_SIGN = (
    "Operations of one scope, and like blocks in a row, are one node, and arithmetic on shapes is "
    "left out; --full draws each by itself."
)
_WEIGHTS_SIGN = "Before the shape: how an operation's weights are stored, unless as float32."
# Weight of the extractor's own edges in the layout; the others have 1.
_STRAIGHT = 40


def drawn(folded: FoldedGraph) -> Diagram:
    """The diagram of a folded graph."""
    graph = folded.graph
    nodes = [_node(graph, index, block) for index, block in enumerate(folded.blocks)]
    columns = column_of(folded, [1 + len(node.rows) for node in nodes])
    tops = _column_tops(columns)
    before = _before(folded, tops)
    return Diagram(
        title=graph.title,
        notes=graph.notes,
        legend=tuple((COLOURS[each], title_of(folded, each)) for each in sections_of(folded)),
        signs=tuple(_signs(folded)),
        nodes=(*nodes, *_ends(folded)),
        clusters=tuple(frames(folded, columns)),
        edges=(
            *_edges(folded, columns),
            *_stacked(folded),
            *(Edge(key, top, is_hidden=True) for key in before for top in tops[1:]),
        ),
        levels=(
            *(tuple(map(node_key, pair)) for pair in _heads(folded)),
            *([tops] if len(tops) > 1 else []),
        ),
        ordered=before,
    )


def _signs(folded: FoldedGraph) -> Iterator[str]:
    yield from _SIGNS
    if not folded.is_full:
        yield _FOLDED_SIGN
    if any(each.weights for each in folded.graph.operations):
        yield _WEIGHTS_SIGN


def _heads(folded: FoldedGraph) -> list[tuple[int, int]]:
    """The box head and the class head of each feature map."""
    heads: dict[str, dict[Section, list[int]]] = {}
    for index, block in enumerate(folded.blocks):
        if block.section in (Section.BOXES, Section.CLASSES):
            heads.setdefault(block.title, {}).setdefault(block.section, []).append(index)
    return [
        (halves[Section.BOXES][0], halves[Section.CLASSES][0])
        for halves in heads.values()
        if {section: len(each) for section, each in halves.items()}
        == {Section.BOXES: 1, Section.CLASSES: 1}
    ]


def _stacked(folded: FoldedGraph) -> Iterator[Edge]:
    """Heads below each other: those of a feature pyramid would all be side by side."""
    for above, below in itertools.pairwise(_heads(folded)):
        for tail, head in zip(above, below, strict=True):
            yield Edge(node_key(tail), node_key(head), is_hidden=True)


def _column_tops(columns: Mapping[int, int]) -> tuple[str, ...]:
    """The first block of each column."""
    tops = {column: index for index, column in reversed(tuple(columns.items()))}
    return tuple(node_key(tops[column]) for column in sorted(tops))


def _before(folded: FoldedGraph, tops: tuple[str, ...]) -> tuple[str, ...]:
    """What feeds the first of several columns: its edges put the columns in order."""
    if len(tops) < 2:
        return ()
    graph = folded.graph
    tails = {_tail(graph, each): None for each in folded.links if _head(graph, each) == tops[0]}
    return tuple(tails)[:1]


def _tail(graph: OperationGraph, link: Link) -> str:
    if link.tail is not None:
        return node_key(link.tail)
    return f"input{graph.inputs.index(link.tensor)}"


def _head(graph: OperationGraph, link: Link) -> str:
    if link.head is not None:
        return node_key(link.head)
    return f"output{graph.outputs.index(link.tensor)}"


def _node(graph: OperationGraph, index: int, block: Block) -> Node:
    rows = rows_of(graph, block)
    names = [graph.operations[position].name for position in block.operations]
    return Node(
        key=node_key(index),
        title=block.title,
        rows=tuple(_cells(rows)),
        colours=COLOURS[block.section],
        note=f"{block.like} like blocks in a row; the last one is shown" if block.like > 1 else "",
        hint=", ".join(names[:20]),
    )


def _cells(rows: tuple[Row, ...]) -> Iterator[tuple[str, ...]]:
    """The same columns for each row; a column that is empty throughout is left out."""
    table = [(row.branch, row.what, row.facts, row.weights, row.shape) for row in rows]
    used = [position for position in range(5) if any(row[position] for row in table)]
    for row in table:
        yield tuple(row[position] for position in used)


def _ends(folded: FoldedGraph) -> Iterator[Node]:
    graph = folded.graph
    for word, keys in (("input", graph.inputs), ("output", graph.outputs)):
        for position, key in enumerate(keys):
            tensor = graph.tensors[key]
            meaning = _MEANINGS.get(tensor.name, "")
            yield Node(
                key=f"{word}{position}",
                title=tensor.name,
                rows=tuple(
                    (line,)
                    for line in (*_lines(tensor), f"{word}: {meaning}" if meaning else word)
                    if line
                ),
                colours=_ENDS,
                hint=tensor.name,
                is_end=True,
            )


def _lines(tensor: Tensor) -> tuple[str, ...]:
    first = f"{shape_text(tensor.shape)} {tensor.dtype}".strip()
    return tuple(line for line in (first, tensor.quantisation) if line)


def _edges(folded: FoldedGraph, columns: Mapping[int, int]) -> Iterator[Edge]:
    labelled: set[str] = set()
    for link in folded.links:
        tensor = folded.graph.tensors[link.tensor]
        is_inner = link.tail in columns and link.head in columns
        silent = link.tensor in labelled or link.tail is None or link.head is None
        labelled.add(link.tensor)
        yield Edge(
            tail=_tail(folded.graph, link),
            head=_head(folded.graph, link),
            lines=() if silent else _lines(tensor),
            hint=" ".join((tensor.name, *_lines(tensor))),
            is_free=is_crossing(columns, link),
            # The extractor is the backbone of the picture too: what it feeds gives way.
            weight=_STRAIGHT if is_inner else 1,
        )
