"""What a block's node says: one row an operation, or how often each kind occurs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from validation.diagrams.folding import Block
from validation.diagrams.operations import Operation, OperationGraph, shape_text
from validation.specs.contracts import POSTPROCESS_NAME

# More operations than that are counted by kind; the longest block of the zoo's extractors,
# Inception's Mixed, has 12.
MOST_ROWS = 14
# How many kinds are counted by name, and which of them come first.
MOST_KINDS = 7
_FIRST_KINDS = (
    "NonMaxSuppression",
    "CombinedNonMax",
    "Resize",
    "TopK",
    "Sigmoid",
    "Softmax",
    "Conv",
)
# How TensorFlow 1 writes loops and lists; named last.
_PLUMBING = ("Enter", "Exit", "Merge", "NextIteration", "Switch", "LoopCond", "TensorArray")
# What works on each element of one tensor shares the line of the operation that makes it.
_FOLLOWERS = frozenset(
    {
        *("HARD_SWISH", "RELU", "RELU6", "RELU_N1_TO_1", "QUANTIZE", "DEQUANTIZE"),
        *("BiasAdd", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Relu", "Relu6"),
        *("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs"),
        # Of one tensor and a constant: batch norm that was taken apart, h-swish.
        *("ADD", "MUL", "Add", "AddV2", "Mul", "Sub"),
    }
)
_SHORT = {
    "FusedBatchNorm": "BatchNorm",
    "FusedBatchNormV2": "BatchNorm",
    "FusedBatchNormV3": "BatchNorm",
    "FakeQuantWithMinMaxVars": "FakeQuant",
    "FakeQuantWithMinMaxArgs": "FakeQuant",
}


@dataclass(frozen=True)
class Row:
    """One line of a node.

    Args:
        branch: Of a block with branches, where one begins; else empty.
        what: Kind of the operation, with what follows it element by element.
        facts: Kernel, stride, channels, activation.
        shape: Of the output, without the batch.
        weights: How its weights are stored, empty for float32.
    """

    branch: str
    what: str
    facts: str
    shape: str
    weights: str


def rows_of(graph: OperationGraph, block: Block) -> tuple[Row, ...]:
    """The lines of a block, its operations in order or counted by kind."""
    rows = _joined(graph, block)
    if len(rows) > MOST_ROWS:
        return _counted([graph.operations[position] for position in block.operations])
    lines: list[Row] = []
    latest = ""
    for chain in rows:
        first, last = chain[0], chain[-1]
        branch = _branch(first) or ("joined" if latest else "")
        if first.kind == POSTPROCESS_NAME:
            lines += [Row("", fact, "", "", "") for fact in first.facts]
            continue
        lines.append(
            Row(
                branch=branch if branch != latest else "",
                what=" + ".join([first.kind, *(_SHORT.get(op.kind, op.kind) for op in chain[1:])]),
                facts=", ".join(first.facts),
                shape=_shape(graph, last),
                weights=first.weights,
            )
        )
        latest = branch
    return tuple(lines)


def _joined(graph: OperationGraph, block: Block) -> list[list[Operation]]:
    """Operations with their followers, in order."""
    readers = graph.readers
    chains: list[list[Operation]] = []
    # The chain that ends in a tensor, as long as nothing else reads it.
    open_ends: dict[str, int] = {}
    for position in block.operations:
        operation = graph.operations[position]
        (source, *others) = dict.fromkeys(operation.inputs) or ("",)
        chain = open_ends.get(source)
        if operation.kind in _FOLLOWERS and not others and chain is not None:
            chains[chain].append(operation)
        else:
            chain = len(chains)
            chains.append([operation])
        for key in operation.outputs:
            if len(readers.get(key, ())) == 1:
                open_ends[key] = chain
    return chains


def _branch(operation: Operation) -> str:
    scopes = [each for each in operation.name.split("/") if each.startswith("Branch_")]
    return scopes[0].replace("_", " ") if scopes else ""


def _shape(graph: OperationGraph, operation: Operation) -> str:
    if not operation.outputs:
        return ""
    shapes = [graph.tensors[key].shape for key in operation.outputs]
    if len(set(shapes)) == 1 and len(shapes) > 1:
        return f"{len(shapes)} outputs"
    return shape_text(shapes[0], batch=False)


def _counted(operations: list[Operation]) -> tuple[Row, ...]:
    kinds = Counter(each.kind for each in operations)
    order = sorted(
        kinds,
        key=lambda kind: (
            not kind.startswith(_FIRST_KINDS),
            kind.startswith(_PLUMBING),
            -kinds[kind],
            kind,
        ),
    )
    rows = [Row("", kind, "", f"{kinds[kind]}", "") for kind in order[:MOST_KINDS]]
    left = order[MOST_KINDS:]
    if left:
        more = f"{len(left)} more kinds"
        rows.append(Row("", more, "", f"{sum(kinds[kind] for kind in left)}", ""))
    return (Row("", f"{len(operations)} operations", "", "", ""), *rows)
