"""Where a long feature extractor is cut into columns that are drawn side by side."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence

from validation.diagrams.folding import FoldedGraph, Link
from validation.diagrams.sections import Section

# A picture up to this height is scrolled without losing the thread; dot's points.
TALLEST = 2600.0
# A cut is worth its long edge only where it makes the picture that much shorter.
_WORTH = 0.8
# Sweeps over all cuts; each moves one cut at a time to where the picture is shortest.
_SWEEPS = 2
# Longer chains are cut evenly: each position that is tried takes a pass over the graph.
_SEARCHED = 300
# What a crossing tensor costs, as a share of the height.
_CROSSING = 0.25
# The gap between two nodes, and a node's line of text, as dot lays them out; points.
_GAP = 48.0
_LINE = 19.0


def column_of(folded: FoldedGraph, lines: Sequence[int]) -> Mapping[int, int]:
    """The column of each block of the feature extractor, from 0 on.

    Cuts are made where the picture gets shortest; between equals, where few tensors cross.

    Args:
        folded: The model.
        lines: Lines of text of each block's node.
    """
    chain = [i for i, b in enumerate(folded.blocks) if b.section is Section.EXTRACTOR]
    uncut = dict.fromkeys(chain, 0)
    total = _height(folded, lines, uncut)
    wanted = math.ceil(total / TALLEST)
    if wanted < 2 or len(chain) < 2 * wanted:
        return uncut
    cuts = [len(chain) * position // wanted for position in range(1, wanted)]
    for _ in range(_SWEEPS if len(chain) <= _SEARCHED else 0):
        for which in range(len(cuts)):
            low = cuts[which - 1] + 1 if which else 1
            high = cuts[which + 1] if which + 1 < len(cuts) else len(chain)
            costs = {
                position: _cost(
                    folded, lines, _columns(chain, [*cuts[:which], position, *cuts[which + 1 :]])
                )
                for position in range(low, high)
            }
            cuts[which] = min(costs, key=costs.__getitem__)
    best = _columns(chain, cuts)
    return best if _height(folded, lines, best) <= _WORTH * total else uncut


def _columns(chain: Sequence[int], cuts: Sequence[int]) -> dict[int, int]:
    return {index: bisect.bisect_right(cuts, position) for position, index in enumerate(chain)}


def _cost(folded: FoldedGraph, lines: Sequence[int], columns: Mapping[int, int]) -> float:
    """The height, with a surcharge for each tensor that crosses."""
    crossing = {link.tensor for link in folded.links if is_crossing(columns, link)}
    return _height(folded, lines, columns) * (1 + _CROSSING * len(crossing))


def is_crossing(columns: Mapping[int, int], link: Link) -> bool:
    """Whether a tensor goes from one column of the extractor to another."""
    joined = {columns.get(each) for each in (link.tail, link.head) if each is not None}
    return len(joined) == 2 and None not in joined


def _height(folded: FoldedGraph, lines: Sequence[int], columns: Mapping[int, int]) -> float:
    """How tall the picture gets: sources are above their readers, except across columns."""
    bottoms = [0.0] * len(folded.blocks)
    sources: dict[int, list[int]] = {}
    for link in folded.links:
        if link.head is None or link.tail is None or link.tail >= link.head:
            continue
        if not is_crossing(columns, link):
            sources.setdefault(link.head, []).append(link.tail)
    for index, count in enumerate(lines):
        above = max((bottoms[tail] for tail in sources.get(index, ())), default=0.0)
        bottoms[index] = above + count * _LINE + _GAP
    return max(bottoms, default=0.0)
