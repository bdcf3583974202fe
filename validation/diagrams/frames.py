"""The frames of a picture: a colour and a title for each part of a detector, stages within."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from validation.diagrams.diagram import Cluster, Colours
from validation.diagrams.folding import Block, FoldedGraph
from validation.diagrams.operations import OperationGraph, shape_text
from validation.diagrams.sections import Section

COLOURS: Mapping[Section, Colours] = {
    Section.PREPROCESSING: Colours("#fef3c7", "#b7791f"),
    Section.EXTRACTOR: Colours("#dbeafe", "#2b6cb0"),
    Section.FEATURES: Colours("#d5f0ee", "#24807a"),
    Section.HEADS: Colours("#ece9f7", "#5a4fa2"),
    Section.BOXES: Colours("#fde4cf", "#c05621"),
    Section.CLASSES: Colours("#d9f2d9", "#2f7d32"),
    Section.ANCHORS: Colours("#e2e8f0", "#475569"),
    Section.POSTPROCESSING: Colours("#fbd5de", "#b83257"),
    Section.OTHER: Colours("#f3f4f6", "#616e7c"),
}


def node_key(index: int) -> str:
    """The key of a block's node."""
    return f"b{index}"


def sections_of(folded: FoldedGraph) -> list[Section]:
    """The parts that a model has, in the order that an image goes through them."""
    present = {block.section for block in folded.blocks}
    return [section for section in Section if section in present]


def title_of(folded: FoldedGraph, section: Section) -> str:
    """What a part is called; extra feature maps may be a feature pyramid."""
    if section is Section.FEATURES and any(
        "fpn" in block.title for block in folded.blocks if block.section is section
    ):
        return "Feature pyramid"
    return section.value.capitalize()


def frames(folded: FoldedGraph, columns: Mapping[int, int]) -> Iterator[Cluster]:
    """A frame for each part of several nodes; the extractor has one for each column.

    Args:
        folded: The model.
        columns: Of the extractor's blocks, by their index.
    """
    for section in sections_of(folded):
        indices = [i for i, block in enumerate(folded.blocks) if block.section is section]
        title, colours = title_of(folded, section), COLOURS[section]
        if section is Section.EXTRACTOR:
            count = 1 + max(columns.values())
            for column in range(count):
                members = [index for index in indices if columns[index] == column]
                label = title if count == 1 else f"{title}, part {column + 1} of {count}"
                stages = tuple(_stages(folded, members))
                known = tuple(each for each in stages if each.title)
                loose = tuple(key for each in stages if not each.title for key in each.nodes)
                yield Cluster(label, colours, loose, known)
        elif section is not Section.OTHER and len(indices) > 1:
            yield Cluster(title, colours, tuple(node_key(index) for index in indices))


def _stages(folded: FoldedGraph, indices: list[int]) -> Iterator[Cluster]:
    """Blocks in a row whose outputs have the same height and width; in full, of one scope."""
    stages: list[tuple[str, list[int]]] = []
    for index in indices:
        block = folded.blocks[index]
        size = block.scope if folded.is_full else _size(folded.graph, block)
        if not stages or (size and stages[-1][0] != size):
            stages.append((size, []))
        stages[-1][1].append(index)
    for size, members in stages:
        yield Cluster(
            size,
            COLOURS[Section.EXTRACTOR],
            tuple(node_key(index) for index in members),
            is_plain=True,
        )


def _size(graph: OperationGraph, block: Block) -> str:
    """Height and width of a block's last output that is an image."""
    for position in reversed(block.operations):
        for key in graph.operations[position].outputs:
            shape = graph.tensors[key].shape
            if shape is not None and len(shape) == 4 and min(shape[1:3]) > 0:
                return shape_text(shape[1:3])
    return ""
