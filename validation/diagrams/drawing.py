"""A folded model as a diagram: what is a node, what stands in a frame, what the legend says."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from validation.contracts import POSTPROCESS_OUTPUTS
from validation.diagrams.columns import column_of
from validation.diagrams.diagram import Cluster, Colours, Diagram, Edge, Node
from validation.diagrams.folding import Block, FoldedGraph, Link
from validation.diagrams.operations import OperationGraph, Tensor, shape_text
from validation.diagrams.rows import Row, rows_of
from validation.diagrams.sections import Section

_COLOURS = {
    Section.PREPROCESSING: Colours("#fef3c7", "#b7791f"),
    Section.EXTRACTOR: Colours("#dbeafe", "#2b6cb0"),
    Section.FEATURES: Colours("#d5f0ee", "#24807a"),
    Section.HEADS: Colours("#ece9f7", "#5a4fa2"),
    Section.BOXES: Colours("#fde4cf", "#c05621"),
    Section.CLASSES: Colours("#d9f2d9", "#2f7d32"),
    Section.ANCHORS: Colours("#eeeeee", "#616e7c"),
    Section.POSTPROCESSING: Colours("#fbd5de", "#b83257"),
    Section.OTHER: Colours("#f3f4f6", "#616e7c"),
}
_ENDS = Colours("#ffffff", "#1f2933")
# Sections that are framed; the others are one node or few.
_FRAMED = {
    Section.EXTRACTOR: "Feature extractor",
    Section.FEATURES: "Extra feature maps",
    Section.BOXES: "Box heads",
    Section.CLASSES: "Class heads",
    Section.POSTPROCESSING: "Post-processing",
}
_MEANINGS = dict(
    zip(POSTPROCESS_OUTPUTS, ("boxes", "classes", "scores", "count"), strict=True)
)
_SIGNS = (
    "A node lists its operations in the order they run, with the shape of each output without the "
    "batch. Edges carry a tensor's full shape and type, and scale and zero point where it is "
    "quantised; it is told once for each tensor.",
    "Constants, identities and reads of variables are folded away.",
)


def drawn(folded: FoldedGraph) -> Diagram:
    """The diagram of a folded graph."""
    graph = folded.graph
    nodes = [_node(graph, index, block) for index, block in enumerate(folded.blocks)]
    columns = column_of(folded, [1 + len(node.rows) for node in nodes])
    ends = list(_ends(folded))
    present = [section for section in Section if any(b.section is section for b in folded.blocks)]
    return Diagram(
        title=graph.title,
        notes=graph.notes,
        legend=tuple((_COLOURS[section], section.value) for section in present),
        signs=_SIGNS,
        nodes=(*nodes, *ends),
        clusters=tuple(_clusters(folded, present, columns)),
        edges=(*_edges(folded, columns), *_stacked(folded)),
        levels=(*_levels(folded), *_column_tops(columns)),
    )


def _heads(folded: FoldedGraph) -> list[tuple[int, int]]:
    """The box head and the class head of each feature map."""
    found: dict[str, dict[Section, list[int]]] = {}
    for index, block in enumerate(folded.blocks):
        if block.section in (Section.BOXES, Section.CLASSES):
            found.setdefault(block.title, {}).setdefault(block.section, []).append(index)
    return [
        (halves[Section.BOXES][0], halves[Section.CLASSES][0])
        for halves in found.values()
        if {section: len(each) for section, each in halves.items()}
        == {Section.BOXES: 1, Section.CLASSES: 1}
    ]


def _levels(folded: FoldedGraph) -> Iterator[tuple[str, ...]]:
    for pair in _heads(folded):
        yield tuple(_key(index) for index in pair)


def _stacked(folded: FoldedGraph) -> Iterator[Edge]:
    """Heads below each other: of a feature pyramid all would stand side by side."""
    for above, below in itertools.pairwise(_heads(folded)):
        for tail, head in zip(above, below, strict=True):
            yield Edge(_key(tail), _key(head), is_hidden=True)


def _column_tops(columns: Mapping[int, int]) -> Iterator[tuple[str, ...]]:
    tops = {column: index for index, column in reversed(columns.items())}
    if len(tops) > 1:
        yield tuple(_key(tops[column]) for column in sorted(tops))


def _key(index: int) -> str:
    return f"b{index}"


def _node(graph: OperationGraph, index: int, block: Block) -> Node:
    rows = rows_of(graph, block)
    names = [graph.operations[place].name for place in block.operations]
    return Node(
        key=_key(index),
        title=block.title,
        rows=tuple(_cells(rows)),
        colours=_COLOURS[block.section],
        note=f"{block.like} like blocks in a row; the last one is told" if block.like > 1 else "",
        hint=", ".join(names[:20]),
    )


def _cells(rows: tuple[Row, ...]) -> Iterator[tuple[str, ...]]:
    """The same columns for each row; a column that is empty throughout is left out."""
    table = [(row.branch, row.what, row.facts, row.weights, row.shape) for row in rows]
    used = [place for place in range(5) if any(row[place] for row in table)]
    for row in table:
        yield tuple(row[place] for place in used)


def _ends(folded: FoldedGraph) -> Iterator[Node]:
    graph = folded.graph
    for word, keys in (("input", graph.inputs), ("output", graph.outputs)):
        for key in keys:
            tensor = graph.tensors[key]
            meaning = _MEANINGS.get(tensor.name, "")
            yield Node(
                key=f"{word} {key}",
                title=tensor.name,
                rows=tuple((line,) for line in (*_lines(tensor), f"{word}: {meaning}" if meaning else word) if line),
                colours=_ENDS,
                hint=tensor.name,
                is_end=True,
            )


def _lines(tensor: Tensor) -> tuple[str, ...]:
    first = f"{shape_text(tensor.shape)} {tensor.dtype}".strip()
    return tuple(line for line in (first, tensor.quantisation) if line)


def _edges(folded: FoldedGraph, columns: Mapping[int, int]) -> Iterator[Edge]:
    told: set[str] = set()
    for link in folded.links:
        tensor = folded.graph.tensors[link.tensor]
        tail = f"input {link.tensor}" if link.tail is None else _key(link.tail)
        head = f"output {link.tensor}" if link.head is None else _key(link.head)
        sides = [None if each is None else columns.get(each) for each in (link.tail, link.head)]
        silent = link.tensor in told or link.tail is None or link.head is None
        told.add(link.tensor)
        yield Edge(
            tail=tail,
            head=head,
            lines=() if silent else _lines(tensor),
            hint=" ".join((tensor.name, *_lines(tensor))),
            is_free=None not in sides and sides[0] != sides[1],
        )


def _clusters(
    folded: FoldedGraph, present: Iterable[Section], columns: Mapping[int, int]
) -> Iterator[Cluster]:
    for section in present:
        indices = [i for i, block in enumerate(folded.blocks) if block.section is section]
        title = _FRAMED.get(section)
        if section is Section.FEATURES and any("fpn" in folded.blocks[i].title for i in indices):
            title = "Feature pyramid"
        if title is None or len(indices) < 2:
            continue
        if section is Section.EXTRACTOR:
            count = 1 + max(columns.values())
            for column in range(count):
                members = [index for index in indices if columns[index] == column]
                told = title if count == 1 else f"{title}, part {column + 1} of {count}"
                yield Cluster(told, _COLOURS[section], (), tuple(_stages(folded, members)))
        else:
            yield Cluster(title, _COLOURS[section], tuple(_key(i) for i in indices))


def _stages(folded: FoldedGraph, indices: list[int]) -> Iterator[Cluster]:
    """Blocks in a row whose outputs have the same height and width."""
    stages: list[tuple[str, list[int]]] = []
    for index in indices:
        size = _size(folded.graph, folded.blocks[index])
        if not stages or (size and stages[-1][0] != size):
            stages.append((size, []))
        stages[-1][1].append(index)
    for size, members in stages:
        yield Cluster(
            size or "stage",
            _COLOURS[Section.EXTRACTOR],
            tuple(_key(i) for i in members),
            is_plain=True,
        )


def _size(graph: OperationGraph, block: Block) -> str:
    for place in reversed(block.operations):
        for key in graph.operations[place].outputs:
            shape = graph.tensors[key].shape
            if shape is not None and len(shape) == 4:
                return shape_text(shape[1:3])
    return ""
