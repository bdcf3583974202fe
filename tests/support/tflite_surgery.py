"""Changes to a .tflite file that leave it a file which LiteRT loads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from numpy.typing import NDArray

Change = Callable[[Any], None]


def rewrite(source: Path, target: Path, change: Change) -> Path:
    """A copy of a file, its model changed in between.

    Args:
        source: The file.
        target: The copy.
        change: Works on the schema's ModelT.
    """
    model = schema.ModelT.InitFromPackedBuf(source.read_bytes(), 0)
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(bytes(builder.Output()))
    return target


def swap_outputs(first: int, second: int) -> Change:
    """Two of the file's outputs change places."""

    def change(model: Any) -> None:
        outputs = model.subgraphs[0].outputs
        outputs[first], outputs[second] = outputs[second], outputs[first]

    return change


def swap_output_names(first: int, second: int) -> Change:
    """Two of the file's outputs change names."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        one, other = (graph.tensors[graph.outputs[place]] for place in (first, second))
        one.name, other.name = other.name, one.name

    return change


def weights(model: Any, name: str) -> Iterator[tuple[NDArray[np.float32], Any]]:
    """Constants of two or more dimensions whose name holds a text, and their buffers."""
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if (
            name in tensor.name.decode()
            and data is not None
            and len(data)
            and tensor.shape.size > 1
        ):
            values = np.frombuffer(bytes(data), np.float32).reshape(tensor.shape)
            yield values.copy(), model.buffers[tensor.buffer]


def change_weights(name: str, edit: Callable[[NDArray[np.float32]], Any]) -> Change:
    """Edit every constant whose name holds a text.

    Args:
        name: Part of the tensor's name.
        edit: Changes the array in place, or returns another of its shape.
    """

    def change(model: Any) -> None:
        for values, buffer in list(weights(model, name)):
            edited = edit(values)
            result = values if edited is None else np.asarray(edited, np.float32)
            buffer.data = np.frombuffer(result.tobytes(), np.uint8)

    return change


def change_anchors(edit: Callable[[NDArray[np.float32]], Any]) -> Change:
    """Other anchors, [N, 4], of the post-processing op, kept as float32."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        buffer = model.buffers[graph.tensors[graph.operators[-1].inputs[2]].buffer]
        anchors = np.frombuffer(bytes(buffer.data), np.float32).reshape(-1, 4)
        buffer.data = np.frombuffer(edit(anchors).astype(np.float32).tobytes(), np.uint8)

    return change


def change_attributes(**attributes: Any) -> Change:
    """Set attributes of the post-processing op; None takes one out."""

    def change(model: Any) -> None:
        for op in model.subgraphs[0].operators:
            if op.customOptions is not None and len(op.customOptions):
                table = flexbuffers.Loads(bytearray(op.customOptions)) | attributes
                kept = {name: value for name, value in table.items() if value is not None}
                op.customOptions = list(flexbuffers.Dumps(kept))

    return change
