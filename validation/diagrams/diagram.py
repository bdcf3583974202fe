"""A picture before it is written: nodes with lines of text, edges, clusters, a legend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Colours:
    """How a part is painted.

    Args:
        fill: Of a node, as #rrggbb.
        line: Of its border, and of its cluster's.
    """

    fill: str
    line: str


@dataclass(frozen=True)
class Node:
    """A box with a title and a table of text.

    Args:
        key: Unique in the picture.
        title: First line.
        rows: Cells of each further line, the last one set to the right.
        colours: Of the box.
        note: One last line, small.
        hint: Shown by a browser when the pointer rests on it.
        is_end: An input or an output of the model: rounded.
    """

    key: str
    title: str
    rows: tuple[tuple[str, ...], ...]
    colours: Colours
    note: str = ""
    hint: str = ""
    is_end: bool = False


@dataclass(frozen=True)
class Edge:
    """A tensor from one node to another.

    Args:
        tail: Key of the node that writes it.
        head: Key of the node that reads it.
        lines: Text beside it, may be empty.
        hint: Shown by a browser when the pointer rests on it.
        is_free: Does not hold the head below the tail.
        is_hidden: Only holds the head below the tail.
        weight: How much the layout keeps it short and straight.
    """

    tail: str
    head: str
    lines: tuple[str, ...] = ()
    hint: str = ""
    is_free: bool = False
    is_hidden: bool = False
    weight: int = 1


@dataclass(frozen=True)
class Cluster:
    """A frame around nodes and other frames.

    Args:
        title: Over the frame.
        colours: Of the frame.
        nodes: Keys of the nodes directly in it.
        clusters: Frames within.
        is_plain: A thin frame without ground.
    """

    title: str
    colours: Colours
    nodes: tuple[str, ...]
    clusters: tuple[Cluster, ...] = ()
    is_plain: bool = False


@dataclass(frozen=True)
class Diagram:
    """A whole picture.

    Args:
        title: Over all.
        notes: Lines below the title.
        legend: What each colour means.
        signs: Lines of the legend that say how to read the text.
        nodes: In reading order.
        clusters: Frames; a node may be in none.
        edges: Between the nodes.
        levels: Nodes that are drawn beside each other.
        ordered: Nodes whose readers go from left to right in the order of the edges.
    """

    title: str
    notes: tuple[str, ...]
    legend: tuple[tuple[Colours, str], ...]
    signs: tuple[str, ...]
    nodes: tuple[Node, ...]
    clusters: tuple[Cluster, ...]
    edges: tuple[Edge, ...]
    levels: tuple[tuple[str, ...], ...] = ()
    ordered: tuple[str, ...] = ()
