"""Where a long feature extractor is cut, so that it stands in columns side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from validation.diagrams.folding import FoldedGraph
from validation.diagrams.sections import Section

# A picture up to this height is scrolled without losing the thread; dot's points.
TALLEST = 2500.0
# What stands between two nodes, and a node's line of text, as dot sets them; points.
_GAP = 48.0
_LINE = 19.0


def column_of(folded: FoldedGraph, lines: Sequence[int]) -> Mapping[int, int]:
    """The column that each block of the feature extractor stands in, from 0 on.

    Cuts are made where few tensors cross, near equal shares of the picture's height.

    Args:
        folded: The model.
        lines: Lines of text of each block's node.
    """
    chain = [i for i, b in enumerate(folded.blocks) if b.section is Section.EXTRACTOR]
    ends = _lower_ends(folded, lines)
    total = max(ends, default=0.0)
    wanted = math.ceil(total / TALLEST)
    columns = dict.fromkeys(chain, 0)
    begun = 0
    for column in range(1, wanted):
        target = total * column / wanted
        slack = total / wanted / 4
        places = [
            place
            for place in range(begun + 1, len(chain))
            if abs(ends[chain[place - 1]] - target) <= slack
        ]
        if not places:
            break
        begun = min(
            places,
            key=lambda place: (
                _crossing(folded, chain[:place], chain[place:]),
                abs(ends[chain[place - 1]] - target),
            ),
        )
        for index in chain[begun:]:
            columns[index] = column
    return columns


def _lower_ends(folded: FoldedGraph, lines: Sequence[int]) -> list[float]:
    """How far down each block ends when nothing is cut."""
    ends = [0.0] * len(folded.blocks)
    sources: dict[int, list[int]] = {}
    for link in folded.links:
        if link.head is not None and link.tail is not None and link.tail < link.head:
            sources.setdefault(link.head, []).append(link.tail)
    for index, count in enumerate(lines):
        above = max((ends[tail] for tail in sources.get(index, ())), default=0.0)
        ends[index] = above + count * _LINE + _GAP
    return ends


def _crossing(folded: FoldedGraph, before: Sequence[int], after: Sequence[int]) -> int:
    first, second = frozenset(before), frozenset(after)
    return len(
        {each.tensor for each in folded.links if each.tail in first and each.head in second}
    )
