"""Which nodes of a detector predict boxes and classes, and what their channels mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.diagnosis.dataflow import Flow
from validation.specs.contracts import POSTPROCESS_NAME

_COORDINATES = 4


@dataclass(frozen=True)
class DetectorNodes:
    """Nodes by what they are to a detector, by position.

    Args:
        boxes: With weights, next before the box encodings.
        classes: With weights, next before the scores.
        score_path: Between these and the scores: concatenation and score converter.
        num_columns: Classes with the background; 0 where not known.
        images: That read the input.
        op: The post-processing op; None without it.
    """

    boxes: frozenset[int]
    classes: frozenset[int]
    score_path: frozenset[int]
    num_columns: int
    images: frozenset[int]
    op: int | None


def detector_nodes(flow: Flow) -> DetectorNodes:
    """Of any file; what is no detector has none."""
    op = next((at for at, node in enumerate(flow.nodes) if node.op == POSTPROCESS_NAME), None)
    ends = [each for each, _ in (flow.outputs if op is None else flow.nodes[op].sources)]
    ends = [each for each in ends if each >= 0]
    boxes, scores = _ends(flow, ends) if op is None else (ends[:1], ends[1:2])
    box_nodes, _ = _before(flow, boxes)
    class_nodes, path = _before(flow, scores)
    shape = flow.nodes[scores[0]].shape if scores else ()
    return DetectorNodes(
        boxes=frozenset(box_nodes - class_nodes),
        classes=frozenset(class_nodes - box_nodes),
        score_path=frozenset(path),
        num_columns=shape[-1] if len(shape) > 1 else 0,
        images=frozenset(
            at for at, node in enumerate(flow.nodes) if any(each < 0 for each, _ in node.sources)
        ),
        op=op,
    )


def _ends(flow: Flow, ends: Sequence[int]) -> tuple[list[int], list[int]]:
    """Of a file without the op: four numbers an anchor are its box."""
    boxes = [each for each in ends if flow.nodes[each].shape[-1:] == (_COORDINATES,)][:1]
    return boxes, [each for each in ends if each not in boxes][:1]


def _before(flow: Flow, ends: Sequence[int]) -> tuple[set[int], set[int]]:
    """The next nodes with weights on the way back, and what lies between."""
    found: set[int] = set()
    between: set[int] = set()
    left = list(ends)
    while left:
        position = left.pop()
        if position in between or position < 0:
            continue
        if flow.nodes[position].weights:
            found.add(position)
            continue
        between.add(position)
        left += [each for each, _ in flow.nodes[position].sources]
    return found, between


def column_order(order: Sequence[int], columns: int) -> tuple[int, ...] | None:
    """The one order of columns that an order of channels is; None where it is none.

    Args:
        order: Which channel is at each place; anchors of a cell one after another.
        columns: Of an anchor.
    """
    if columns < 2 or len(order) % columns:
        return None
    found = tuple(each % columns for each in order[:columns])
    for place, source in enumerate(order):
        if source // columns != place // columns or source % columns != found[place % columns]:
            return None
    return found


def columns_of(places: Sequence[int], columns: int) -> tuple[int, ...]:
    """The columns of which all channels are among the places, if these are all; else none."""
    if columns < 2 or not places:
        return ()
    found = sorted({each % columns for each in places})
    anchors = len(places) / len(found)
    whole = len({each // columns for each in places})
    return tuple(found) if anchors == whole else ()
