"""Fold operations into blocks that a person can take in: a stage, a head, a run of like blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from validation.diagrams.operations import Operation, OperationGraph
from validation.diagrams.sections import Part, Section, parts_of
from validation.diagrams.shape_arithmetic import without_shape_arithmetic


@dataclass(frozen=True)
class Block:
    """Operations that are drawn as one node.

    Args:
        title: Scope of the operations; of a run of like blocks that of the first and the last.
        section: Part of the detector.
        scope: What the operations are folded by; also where each is a block of its own.
        operations: Positions in the graph; of a run those of its last block.
        like: How many equal blocks in a row the node represents.
    """

    title: str
    section: Section
    scope: str
    operations: tuple[int, ...]
    like: int = 1


@dataclass(frozen=True)
class Link:
    """A tensor from one block to another.

    Args:
        tensor: Its key.
        tail: Index of the block that writes it; None for an input of the model.
        head: Index of the block that reads it; None for an output of the model.
    """

    tensor: str
    tail: int | None
    head: int | None


@dataclass(frozen=True)
class FoldedGraph:
    """Blocks and the tensors between them.

    Args:
        graph: What was folded.
        blocks: Sources before readers.
        links: Each tensor once for each block that reads it.
        is_full: Nothing was folded.
    """

    graph: OperationGraph
    blocks: tuple[Block, ...]
    links: tuple[Link, ...]
    is_full: bool = False


def fold(graph: OperationGraph, *, full: bool = False) -> FoldedGraph:
    """Fold a graph by scope, then runs of like blocks into one.

    A block is never both before and after another one: where operations of one scope are, they
    become two blocks.

    Args:
        graph: The operations.
        full: Each operation is a block of its own.
    """
    if not full:
        graph = without_shape_arithmetic(graph)
    parts = parts_of(graph)
    if full:
        blocks = [
            Block(_last_scopes(each.name) or each.kind, part.section, part.block, (position,))
            for position, (each, part) in enumerate(zip(graph.operations, parts, strict=True))
        ]
        return FoldedGraph(graph, tuple(blocks), tuple(_links(graph, blocks)), is_full=True)
    return _without_repeats(graph, _grouped(graph, parts))


def _last_scopes(name: str) -> str:
    """Of the extractor's deep scopes the last two; a browser shows the whole at the pointer."""
    return "/".join(name.split("/")[-2:]) if name.startswith("FeatureExtractor/") else name


def _grouped(graph: OperationGraph, parts: tuple[Part, ...]) -> list[Block]:
    producers = graph.producers
    members: list[list[int]] = []
    sources: list[set[int]] = []
    latest: dict[Part, int] = {}
    group_of: dict[int, int] = {}
    for position, (operation, part) in enumerate(zip(graph.operations, parts, strict=True)):
        read = {
            group_of[made]
            for key in operation.inputs
            if (made := producers.get(key)) is not None and made in group_of
        }
        group = latest.get(part)
        if group is None or not part.block or _depends(sources, read - {group}, group):
            group = len(members)
            members.append([])
            sources.append(set())
            latest[part] = group
        members[group].append(position)
        sources[group] |= read - {group}
        group_of[position] = group
    return [
        Block(
            _title(parts[positions[0]], [graph.operations[position] for position in positions]),
            parts[positions[0]].section,
            parts[positions[0]].block,
            tuple(positions),
        )
        for positions in _in_order(members, sources)
    ]


def _depends(sources: list[set[int]], starts: set[int], wanted: int) -> bool:
    """Whether any of the groups reads, directly or not, from the wanted one."""
    seen: set[int] = set()
    waiting = list(starts)
    while waiting:
        group = waiting.pop()
        if group == wanted:
            return True
        if group not in seen:
            seen.add(group)
            waiting.extend(sources[group])
    return False


def _in_order(members: list[list[int]], sources: list[set[int]]) -> list[list[int]]:
    """Groups with sources first; among those that could come next, the one begun first."""
    order: list[list[int]] = []
    placed: set[int] = set()
    for start in range(len(members)):
        waiting = [start]
        while waiting:
            group = waiting[-1]
            # No loops between groups: _depends has kept them out.
            missing = sorted(sources[group] - placed)
            if missing and group not in placed:
                waiting.extend(reversed(missing))
                continue
            waiting.pop()
            if group not in placed:
                placed.add(group)
                order.append(members[group])
    return order


def _title(part: Part, operations: list[Operation]) -> str:
    if part.block and (len(operations) > 1 or part.section is not Section.OTHER):
        return part.block
    return operations[0].name or operations[0].kind


def _links(graph: OperationGraph, blocks: list[Block]) -> Iterator[Link]:
    block_of = {
        position: index for index, each in enumerate(blocks) for position in each.operations
    }
    producers, readers = graph.producers, graph.readers
    for key in graph.tensors:
        made = producers.get(key)
        tail = None if made is None else block_of[made]
        heads = dict.fromkeys(block_of[position] for position in readers.get(key, ()))
        if made is not None or key in graph.inputs:
            yield from (Link(key, tail, head) for head in heads if head != tail)
        # An output that is a constant comes from nowhere.
        if key in graph.outputs and (made is not None or key in graph.inputs):
            yield Link(key, tail, None)


def _without_repeats(graph: OperationGraph, blocks: list[Block]) -> FoldedGraph:
    """Like blocks that follow each other, and are read by nothing else, become one node."""
    links = list(_links(graph, blocks))
    into: dict[int, set[int | None]] = {}
    out_of: dict[int, set[int | None]] = {}
    for link in links:
        if link.head is not None:
            into.setdefault(link.head, set()).add(link.tail)
        if link.tail is not None:
            out_of.setdefault(link.tail, set()).add(link.head)
    # Each block's index in the new list; runs are recognised from their first block on.
    new: dict[int, int] = {}
    folded: list[Block] = []
    for index, block in enumerate(blocks):
        (before, *others) = into.get(index, {None})
        if (
            before is not None
            and not others
            and out_of[before] == {index}
            and before in new
            and _signature(graph, blocks[before]) == _signature(graph, block)
        ):
            run = folded[new[before]]
            first = run.title.partition(" … ")[0]
            folded[new[before]] = Block(
                f"{first} … {block.title}",
                block.section,
                block.scope,
                block.operations,
                run.like + 1,
            )
            new[index] = new[before]
        else:
            new[index] = len(folded)
            folded.append(block)
    kept = {
        Link(
            each.tensor,
            None if each.tail is None else new[each.tail],
            None if each.head is None else new[each.head],
        ): None
        for each in links
        if each.tail is None or each.head is None or new[each.tail] != new[each.head]
    }
    return FoldedGraph(graph, tuple(folded), tuple(kept))


def _signature(graph: OperationGraph, block: Block) -> tuple[object, ...]:
    return (
        block.section,
        *(
            (
                each.kind,
                each.facts,
                *(graph.tensors[key].shape for key in each.outputs),
                *(graph.tensors[key].shape for key in each.inputs),
            )
            for each in (graph.operations[position] for position in block.operations)
        ),
    )
