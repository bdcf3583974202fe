"""Rewritten .tflite files run, and held against what they were made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from foreign_tflite import ANCHORS
from numpy.typing import NDArray
from tiny_tflite import code_of, operator_of, tensor_of

from validation.runtimes.tflite import TfliteRuntime
from validation.tflite.facts import describe, read_tflite
from validation.tflite.model import UnpackedModel


def run_file(
    path: Path | bytes, folder: Path, feed: NDArray[Any] | None = None
) -> list[NDArray[Any]]:
    """Every output in the file's order."""
    if isinstance(path, bytes):
        content, path = path, folder / "run.tflite"
        path.write_bytes(content)
    with TfliteRuntime(path) as runtime:
        (spec,) = runtime.inputs
        image = np.zeros(spec.shape, spec.dtype) if feed is None else feed
        out = runtime.run({spec.name: image})
        return [out[each.name] for each in runtime.outputs]


def same_arrays(one: list[NDArray[Any]], other: list[NDArray[Any]]) -> bool:
    """The same outputs, bit for bit."""
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def is_unchanged(model: UnpackedModel, path: Path) -> bool:
    """The file and what was read of it are as they were."""
    return model.content == path.read_bytes() and describe(model) == read_tflite(path)


def half_anchors(model: Any) -> None:
    """Kept in half precision and widened by an operator, as float16 files have all constants."""
    graph = model.subgraphs[0]
    whole = graph.tensors[3]
    half = np.frombuffer(bytes(model.buffers[whole.buffer].data), np.float32).astype(np.float16)
    model.buffers[whole.buffer].data = np.frombuffer(half.tobytes(), np.uint8)
    graph.tensors.append(
        tensor_of("half", (ANCHORS, 4), schema.TensorType.FLOAT16, buffer=whole.buffer)
    )
    whole.buffer = 0
    model.operatorCodes.append(code_of(schema.BuiltinOperator.DEQUANTIZE))
    graph.operators.insert(
        0, operator_of(len(model.operatorCodes) - 1, [len(graph.tensors) - 1], [3])
    )
