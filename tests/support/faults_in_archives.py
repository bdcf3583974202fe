"""One fault planted into one file of an unpacked archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Change = Callable[[Path], None]
Array = NDArray[Any]
FROZEN, SHIPPED, CHECKPOINT = "frozen_inference_graph.pb", "tflite_graph.pb", "model.ckpt"


def config(old: str, new: str) -> Change:
    """Another text in pipeline.config, everywhere."""

    def change(folder: Path) -> None:
        path = folder / "pipeline.config"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


def graph(edit: Callable[[Any], None], name: str = FROZEN) -> Change:
    """A GraphDef that was changed in place."""

    def change(folder: Path) -> None:
        from validation.export.graph_io import read_graph

        read = read_graph(folder / name)
        edit(read)
        (folder / name).write_bytes(read.SerializeToString(deterministic=True))

    return change


def attribute(op: str, set_value: Callable[[Any], None], name: str = FROZEN) -> Change:
    """An attribute of the first node of an op."""
    return graph(lambda read: set_value(next(n for n in read.node if n.op == op)), name)


def constant(node: str, new: Callable[[Array], Array], name: str = FROZEN) -> Change:
    """Another value of the constant whose name ends so."""

    def edit(read: Any) -> None:
        from tensorflow.python.framework import tensor_util

        (found,) = [n for n in read.node if n.op == "Const" and n.name.endswith(node)]
        value = tensor_util.MakeNdarray(found.attr["value"].tensor)
        changed = new(value).astype(value.dtype)
        found.attr["value"].tensor.CopyFrom(tensor_util.make_tensor_proto(changed))

    return graph(edit, name)


def first_inputs_swapped(op: str, name: str = FROZEN) -> Change:
    """The first two inputs of the first node of an op, exchanged."""

    def set_value(node: Any) -> None:
        node.input[0], node.input[1] = node.input[1], node.input[0]

    return attribute(op, set_value, name)


def checkpoint(variable: str, new: Callable[[Array], Array]) -> Change:
    """Another value of the variable whose name ends so."""
    return in_checkpoint(
        lambda named: {
            name: new(value).astype(np.float32) if name.endswith(variable) else value
            for name, value in named.items()
        }
    )


def in_checkpoint(new: Callable[[dict[str, Array]], dict[str, Array]]) -> Change:
    """Other tensors in a checkpoint."""

    def change(folder: Path) -> None:
        from validation.export.checkpoint import (
            checkpoint_shapes,
            open_checkpoint,
            write_checkpoint,
        )

        values = open_checkpoint(folder / CHECKPOINT)
        names = [each for each in checkpoint_shapes(folder / CHECKPOINT) if each != "global_step"]
        read = {name: value for name in names if (value := values(name)) is not None}
        changed = new(read)
        assert any(
            name not in read or not np.array_equal(value, read[name])
            for name, value in changed.items()
        )
        write_checkpoint(folder / CHECKPOINT, changed)

    return change


def noise(value: Array) -> Array:
    """Values that another step of the training might have."""
    return value + np.random.default_rng(1).normal(0, 0.01, value.shape)
