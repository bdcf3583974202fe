"""What the FakeQuant nodes of a graph are given on some images, beside their ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from validation.export.fake_quant_facts import ActivationRange, MeasuredRange


def measured_ranges(
    graph: Path, ranges: Iterable[ActivationRange], feeds: NDArray[np.float32]
) -> tuple[MeasuredRange, ...]:
    """Extremes of what each node rounds, and how much of it lies outside of its range.

    Args:
        graph: An exported graph that ends in raw outputs.
        ranges: Its nodes, with ends that are finite and apart.
        feeds: Images as the model is fed them, [I, 1, H, W, 3].

    Raises:
        GraphError: TensorFlow cannot run the graph.
    """
    from validation.export.graph_io import node_name, read_graph
    from validation.runtimes.session import SessionRuntime

    definition = read_graph(graph)
    inputs = {node.name: node_name(node.input[0]) for node in definition.node if node.input}
    wanted = {each: inputs[each.name] for each in ranges}
    found: dict[ActivationRange, MeasuredRange] = {}
    with SessionRuntime(definition, list(dict.fromkeys(wanted.values()))) as runtime:
        (spec,) = runtime.inputs
        for feed in feeds:
            values = runtime.run({spec.name: feed})
            for each, source in wanted.items():
                one = _measured(each, values[source])
                known = found.get(each)
                found[each] = one if known is None else _together(known, one)
    return tuple(found.values())


def _measured(node: ActivationRange, values: NDArray[np.float32]) -> MeasuredRange:
    half = (node.maximum - node.minimum) / (2**node.num_bits - 1) / 2
    outside = (values < node.minimum - half) | (values > node.maximum + half)
    return MeasuredRange(
        node.name,
        node.minimum,
        node.maximum,
        low=min(0.0, float(values.min())),
        high=max(0.0, float(values.max())),
        values=int(values.size),
        outside=int(np.count_nonzero(outside)),
    )


def _together(first: MeasuredRange, second: MeasuredRange) -> MeasuredRange:
    return dataclasses.replace(
        first,
        low=min(first.low, second.low),
        high=max(first.high, second.high),
        values=first.values + second.values,
        outside=first.outside + second.outside,
    )
