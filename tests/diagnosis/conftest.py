"""A small network with a residual, a concatenation and two heads, in every scheme."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

INPUT = "normalized_input_image_tensor"
OUTPUTS = ("raw_outputs/box_encodings", "raw_outputs/class_predictions")
SHAPE = (1, 24, 32, 3)
# Far too wide for weights of a spread below one.
TOO_WIDE = 24.0


@dataclass(frozen=True)
class Files:
    """One network in every scheme.

    Args:
        floats: The float file.
        int8: After training, ranges from representative images; float ends.
        float16: Weights in half precision.
        dynamic: Weights in 8 bits.
        simulated: The float file of the graph with FakeQuant nodes: ranges and all.
        uint8: The integer file of that graph.
        uint8_wide: Alike, but the weights of ``net/second`` in far too wide a range.
    """

    floats: Path
    int8: Path
    float16: Path
    dynamic: Path
    simulated: Path
    uint8: Path
    uint8_wide: Path


@pytest.fixture(scope="session")
def feeds() -> NDArray[np.float32]:
    """Three images."""
    generator = np.random.default_rng(3)
    return generator.uniform(-1, 1, (3, *SHAPE)).astype(np.float32)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """All files, converted once."""
    import tensorflow as tf

    folder = tmp_path_factory.mktemp("schemes")
    plain = _write_graph(folder / "plain.pb")
    ranges = _write_graph(folder / "ranges.pb", weight_range=1.0)
    wide = _write_graph(folder / "wide.pb", weight_range=1.0, second_range=TOO_WIDE)

    def optimised(converter: Any) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]

    def half(converter: Any) -> None:
        optimised(converter)
        converter.target_spec.supported_types = [tf.float16]

    def integer(converter: Any) -> None:
        optimised(converter)
        converter.representative_dataset = _representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]

    def with_ranges(converter: Any) -> None:
        converter.inference_type = tf.uint8
        converter.quantized_input_stats = {INPUT: (127.5, 127.5)}

    return Files(
        floats=_convert(plain, folder / "float.tflite", lambda _: None),
        int8=_convert(plain, folder / "int8.tflite", integer),
        float16=_convert(plain, folder / "float16.tflite", half),
        dynamic=_convert(plain, folder / "dynamic.tflite", optimised),
        simulated=_convert(ranges, folder / "simulated.tflite", lambda _: None),
        uint8=_convert(ranges, folder / "uint8.tflite", with_ranges),
        uint8_wide=_convert(wide, folder / "wide.tflite", with_ranges),
    )


def _representative() -> Iterator[list[NDArray[np.float32]]]:
    generator = np.random.default_rng(8)
    for _ in range(8):
        yield [generator.uniform(-1, 1, SHAPE).astype(np.float32)]


def _convert(graph: Path, target: Path, choose: Callable[[Any], None]) -> Path:
    import tensorflow as tf

    converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
        str(graph), [INPUT], list(OUTPUTS), {INPUT: list(SHAPE)}
    )
    choose(converter)
    target.write_bytes(converter.convert())
    return target


def _write_graph(
    path: Path, weight_range: float | None = None, second_range: float | None = None
) -> Path:
    """Write a frozen graph; with a weight range it has FakeQuant nodes throughout."""
    import tensorflow.compat.v1 as tf

    generator = np.random.default_rng(1)

    def ranged(tensor: Any, low: float, high: float, name: str, narrow: bool = False) -> Any:
        if weight_range is None:
            return tensor
        return tf.quantization.fake_quant_with_min_max_vars(
            tensor, low, high, narrow_range=narrow, name=name
        )

    def layer(
        net: Any, scope: str, depth: int, size: int, stride: int = 1, ends: Any = None
    ) -> Any:
        fan_in = size * size * int(net.shape[-1])
        shape = (size, size, int(net.shape[-1]), depth)
        values = generator.normal(0, math.sqrt(2 / fan_in), shape).clip(-1, 1)
        limit = second_range if second_range and scope == "net/second" else weight_range
        weights = tf.constant(values.astype(np.float32), name=f"{scope}/weights")
        weights = ranged(weights, -(limit or 0), limit or 0, f"{scope}/weights_quant", narrow=True)
        net = tf.nn.conv2d(net, weights, strides=stride, padding="SAME", name=f"{scope}/Conv2D")
        bias = generator.normal(0.2, 0.2, depth).astype(np.float32)
        net = tf.nn.bias_add(net, bias, name=f"{scope}/BiasAdd")
        if ends is None:
            net, ends = tf.nn.relu6(net, name=f"{scope}/Relu6"), (0.0, 6.0)
        return ranged(net, *ends, f"{scope}/act_quant")

    graph = tf.Graph()
    with graph.as_default():
        image = tf.placeholder(tf.float32, SHAPE, INPUT)
        first = layer(image, "net/first", 16, 3, 2)
        second = layer(first, "net/second", 16, 3)
        third = layer(second, "net/third", 16, 3, ends=(-8.0, 8.0))
        joined = ranged(tf.add(third, first, name="net/add"), -8.0, 8.0, "net/add_quant")
        last = layer(joined, "net/last", 16, 3, 2)
        heads = [
            (
                layer(net, f"head_{place}/box", 4, 1, ends=(-8.0, 8.0)),
                layer(net, f"head_{place}/class", 2, 1, ends=(-8.0, 8.0)),
            )
            for place, net in enumerate((joined, last))
        ]
        boxes = [tf.reshape(box, (1, -1, 4)) for box, _ in heads]
        logits = [tf.reshape(logit, (1, -1, 2)) for _, logit in heads]
        tf.concat(boxes, axis=1, name=OUTPUTS[0])
        tf.sigmoid(tf.concat(logits, axis=1, name="concat_1"), name=OUTPUTS[1])
    path.write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
    return path
