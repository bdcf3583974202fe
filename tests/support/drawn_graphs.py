"""Operation graphs in a few lines, for what draws them."""

from __future__ import annotations

from collections.abc import Sequence

from validation.diagrams.operations import Operation, OperationGraph, Tensor

# Kind, name, names of what it reads, shape of its output.
Line = tuple[str, str, Sequence[str], tuple[int, ...] | None]


def operation_graph(
    lines: Sequence[Line], *, inputs: Sequence[str] = ("image",), outputs: Sequence[str] = ()
) -> OperationGraph:
    """A graph of operations with one output each, which has the operation's name."""
    tensors = {name: Tensor(name, "float32", (1, 8, 8, 3)) for name in inputs}
    tensors |= {
        name: Tensor(name, "int32" if kind in ("Shape", "Pack") else "float32", shape)
        for kind, name, _, shape in lines
    }
    return OperationGraph(
        title="model.tflite",
        notes=("a note",),
        operations=tuple(
            Operation(
                name=name,
                aliases=name,
                kind=kind,
                facts=(),
                weights="",
                inputs=tuple(sources),
                outputs=(name,),
            )
            for kind, name, sources, _ in lines
        ),
        tensors=tensors,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def separable_chain(
    count: int, prefix: str = "FeatureExtractor/MobilenetV1/MobilenetV1"
) -> list[Line]:
    """Depthwise-separable blocks in a row, all of one shape; the first reads the image."""
    lines: list[Line] = []
    source = "image"
    for place in range(count):
        for half, kind in (("depthwise", "DEPTHWISE_CONV_2D"), ("pointwise", "CONV_2D")):
            name = f"{prefix}/Conv2d_{place}_{half}/Relu6"
            lines.append((kind, name, [source], (1, 8, 8, 3)))
            source = name
    return lines
