"""Small live graphs of slim layers, and what the rewriting made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.graphs.quant.options import QuantisationOptions, Sums
from validation.graphs.quant.rewrite import quantise
from validation.graphs.slim_compat import slim

Network = Callable[[tf.Tensor], tf.Tensor]


class Rewritten:
    """A network that was rewritten.

    Args:
        network: Takes [1, 8, 8, 4] and gives a tensor; slim.conv2d in it has a batch norm
            and a ReLU6 unless stated otherwise.
        options: How.
    """

    def __init__(self, network: Network, options: QuantisationOptions) -> None:
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.image = tf.placeholder(tf.float32, [1, 8, 8, 4], name="image")
            with slim.arg_scope(
                [slim.conv2d, slim.separable_conv2d],
                activation_fn=tf.nn.relu6,
                normalizer_fn=slim.batch_norm,
                normalizer_params={"is_training": False, "scale": True},
            ):
                self.output = tf.identity(network(self.image), "end")
        quantise(self.graph, options)

    @property
    def ranges(self) -> set[str]:
        """Scopes of the ranges."""
        return {
            op.name.rpartition("/")[0]
            for op in self.graph.get_operations()
            if op.type == "FakeQuantWithMinMaxVars"
        }

    def op(self, name: str) -> tf.Operation:
        """An op by its name."""
        return self.graph.get_operation_by_name(name)

    def fake_quant(self, scope: str) -> tf.Operation:
        """The FakeQuant of a range."""
        return self.op(f"{scope}/FakeQuantWithMinMaxVars")

    def run(self, *tensors: Any, seed: int = 0) -> list[np.ndarray]:
        """Values of tensors with initial variables and a random image."""
        image = np.random.default_rng(seed).uniform(-1, 1, (1, 8, 8, 4))
        with tf.Session(graph=self.graph) as session:
            with self.graph.as_default():
                session.run(tf.global_variables_initializer())
            values: list[np.ndarray] = session.run(list(tensors), {self.image: image})
        return values


@pytest.fixture
def rewritten() -> Callable[..., Rewritten]:
    """Rewrite a network."""

    def make(network: Network, sums: Sums = Sums.ADD_V2, **bits: int) -> Rewritten:
        return Rewritten(network, QuantisationOptions(**bits, sums=sums))

    return make
