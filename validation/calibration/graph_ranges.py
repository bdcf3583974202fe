"""Find the ranges of a rewritten graph's FakeQuant nodes on representative images.

What quantisation-aware training would have learnt is measured instead: weights get their
own extremes, activations what they take on images while nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

from validation.calibration.ranges import (
    Histogram,
    Range,
    RangeMethod,
    extremes,
    find_range,
    spanning,
)
from validation.errors import FeedError, GraphError
from validation.export.evaluation import cause_of, evaluate
from validation.export.fake_quant_reading import computed_nodes, levels
from validation.export.freezing import freeze, without_fake_quantisation
from validation.export.from_checkpoint import body_graph
from validation.export.graph_io import node_name
from validation.export.graph_map import FAKE_QUANT_VARS, GraphMap
from validation.graphs.ssd import BuiltSsd
from validation.specs.contracts import INPUT_NAME

Array = NDArray[np.float32]
Named = Mapping[str, Array]
# Gives the images as the model is fed them, float32 [1, H, W, 3], from the first on.
InputCache = Callable[[], Iterable[Array]]


@dataclass(frozen=True)
class _Quant:
    """One FakeQuant node: the variables of its bounds, the tensor that it rounds, its steps."""

    low: str
    high: str
    tensor: str
    steps: int


def calibrated_ranges(
    built: BuiltSsd,
    values: Named,
    feeds: InputCache,
    method: RangeMethod,
    *,
    percent: float | None = None,
) -> dict[str, Array]:
    """Both bounds of every range of a rewritten graph.

    Weights keep their extremes whatever the method: they are few, and on the person
    detector cutting them gained nothing.

    Args:
        built: Of a config with graph_rewriter.
        values: Of its variables but the ranges, by name.
        feeds: Called twice where the method needs more than extremes.
        method: How the bounds of activations are chosen.
        percent: See `find_range`.

    Returns:
        Scalars by the names of the variables.

    Raises:
        FeedError: No image, or one that does not fit the input.
        GraphError: Variables without values; values that are not finite.
    """
    body = body_graph(built)
    on_weights, on_activations = _quants(body)
    nothing = dict.fromkeys(_bounds([*on_weights, *on_activations]), np.array(0, np.float32))
    bare = without_fake_quantisation(freeze(body, {**values, **nothing}.get))
    extents = _extremes_of_weights(bare, on_weights)
    ranges = _merged(on_weights, [spanning(*bounds) for bounds in extents])
    with _running(bare, [quant.tensor for quant in on_activations]) as runs:
        seen = _extremes_on_images(runs(feeds), on_activations)
        if method is not RangeMethod.MINMAX:
            seen = [
                find_range(histogram, method, steps=quant.steps, percent=percent)
                for quant, histogram in zip(
                    on_activations, _histograms(runs(feeds), seen), strict=True
                )
            ]
    ranges |= _merged(on_activations, [spanning(*bounds) for bounds in seen])
    return ranges


def range_variables(graph: Any) -> tuple[str, ...]:
    """Names of the variables that are bounds of a FakeQuant node's range.

    Args:
        graph: GraphDef of a rewritten body.
    """
    on_weights, on_activations = _quants(graph)
    return _bounds([*on_weights, *on_activations])


def _bounds(quants: Sequence[_Quant]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for quant in quants for name in (quant.low, quant.high)))


def _quants(graph: Any) -> tuple[list[_Quant], list[_Quant]]:
    """FakeQuant nodes on weights, and on what is computed from the image."""
    nodes = GraphMap(graph)
    computed = computed_nodes(nodes)
    on_weights: list[_Quant] = []
    on_activations: list[_Quant] = []
    for node in nodes.of_op(FAKE_QUANT_VARS):
        tensor, *bounds = node.input
        low, high = map(nodes.variable, bounds)
        steps = levels(int(node.attr["num_bits"].i), bool(node.attr["narrow_range"].b))
        quants = on_activations if node_name(tensor) in computed else on_weights
        quants.append(_Quant(low, high, tensor, steps))
    return on_weights, on_activations


def _extremes_of_weights(bare: Any, quants: Sequence[_Quant]) -> list[Range]:
    if not quants:
        return []
    weights = evaluate(bare, [quant.tensor for quant in quants], {})
    return [extremes(each, quant.low) for each, quant in zip(weights, quants, strict=True)]


def _extremes_on_images(runs: Iterable[list[Array]], quants: Sequence[_Quant]) -> list[Range]:
    seen: list[Range] | None = None
    for tensors in runs:
        bounds = [extremes(each, quant.low) for each, quant in zip(tensors, quants, strict=True)]
        if seen is not None:
            pairs = zip(seen, bounds, strict=True)
            bounds = [(min(old[0], new[0]), max(old[1], new[1])) for old, new in pairs]
        seen = bounds
    if seen is None:
        raise FeedError("no image to calibrate with", expected="one or more", got="none")
    return seen


def _histograms(runs: Iterable[list[Array]], seen: Sequence[Range]) -> list[Histogram]:
    histograms: list[Histogram] | None = None
    for tensors in runs:
        one = [Histogram.of(each, *bounds) for each, bounds in zip(tensors, seen, strict=True)]
        histograms = (
            one if histograms is None else [a + b for a, b in zip(histograms, one, strict=True)]
        )
    return histograms or []


def _merged(quants: Sequence[_Quant], ranges: Sequence[Range]) -> dict[str, Array]:
    """The value of each end; a range that several tensors share holds all of them."""
    merged: dict[str, Array] = {}
    for quant, (low, high) in zip(quants, ranges, strict=True):
        merged[quant.low] = np.minimum(np.float32(low), merged.get(quant.low, np.float32(low)))
        merged[quant.high] = np.maximum(np.float32(high), merged.get(quant.high, np.float32(high)))
    return {name: np.array(value, np.float32) for name, value in merged.items()}


@contextmanager
def _running(
    graph: Any, tensors: Sequence[str]
) -> Iterator[Callable[[InputCache], Iterator[list[Array]]]]:
    """What gives some tensors of a frozen body, image by image, as often as it is called."""
    with tf.Graph().as_default() as scope:
        tf.import_graph_def(graph, name="")
        image = scope.get_tensor_by_name(f"{INPUT_NAME}:0")
        names = [tensor if ":" in tensor else f"{tensor}:0" for tensor in tensors]
        with tf.Session(graph=scope) as session:

            def runs(feeds: InputCache) -> Iterator[list[Array]]:
                for feed in feeds():
                    if feed.dtype != np.float32 or feed.shape != tuple(image.shape):
                        raise FeedError(
                            "a calibration image does not fit the input",
                            expected=f"float32 {list(image.shape)}",
                            got=f"{feed.dtype} {list(feed.shape)}",
                            where=INPUT_NAME,
                        )
                    try:
                        yield session.run(names, {image: feed})
                    except tf.errors.OpError as error:
                        raise GraphError(
                            "TensorFlow cannot run the graph", got=cause_of(error)
                        ) from error

            yield runs
