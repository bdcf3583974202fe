"""tf-slim's layers for inference, made without Keras: the same ops under the same names.

tf-slim makes a Keras layer for each convolution and batch norm, and a layer costs more than the
ops that come of it.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow.compat.v1 as tf
from tf_slim.layers import layers

# Where none is named, TensorFlow makes one for each variable.
_UNUSED = tf.zeros_initializer()


class _Convolution:
    """Variables and ops of a two-dimensional convolution over channels that come last."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self.use_bias = bool(options["use_bias"])

    def apply(self, inputs: tf.Tensor) -> tf.Tensor:
        """The ops, in the variable scope that tf-slim opened for the layer."""
        options = self._options
        kernel = (*_two(options["kernel_size"]), inputs.shape[-1], options["filters"])
        with tf.name_scope(options["_scope"].original_name_scope):
            self.kernel = tf.get_variable("kernel", kernel, inputs.dtype, _UNUSED)
            if self.use_bias:
                self.bias = tf.get_variable("bias", kernel[-1:], inputs.dtype, _UNUSED)
            outputs = tf.nn.convolution(
                inputs,
                self.kernel,
                padding=options["padding"].upper(),
                strides=_two(options["strides"]),
                dilation_rate=_two(options["dilation_rate"]),
                name="Conv2D",
            )
            return tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs


def _two(sides: int | Sequence[int]) -> Sequence[int]:
    return (sides, sides) if isinstance(sides, int) else sides


class _BatchNorm:
    """Variables and ops of a batch norm over channels that come last; Keras's for training."""

    def __init__(self, keras: type[Any], **options: Any) -> None:
        self._keras, self._options = keras, options

    def apply(self, inputs: tf.Tensor, *, training: bool) -> tf.Tensor:
        """The ops, in the variable scope that tf-slim opened for the layer."""
        options = self._options
        if training:
            layer = self._keras(**options)
            outputs = layer.apply(inputs, training=training)
            self.gamma, self.beta = layer.gamma, layer.beta
            self.moving_mean, self.moving_variance = layer.moving_mean, layer.moving_variance
            return outputs
        shape = [inputs.shape[-1]]
        with tf.name_scope(options["_scope"].original_name_scope):

            def variable(name: str) -> Any:
                return tf.get_variable(name, shape, tf.float32, _UNUSED)

            self.gamma = variable("gamma") if options["scale"] else None
            self.beta = variable("beta") if options["center"] else None
            self.moving_mean = variable("moving_mean")
            self.moving_variance = variable("moving_variance")
            offset = tf.constant(0.0, shape=shape) if self.beta is None else self.beta
            scale = tf.constant(1.0, shape=shape) if self.gamma is None else self.gamma
            outputs, _, _ = tf.nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                mean=self.moving_mean,
                variance=self.moving_variance,
                epsilon=options["epsilon"],
                is_training=False,
            )
        return outputs


@contextlib.contextmanager
def light_layers() -> Iterator[None]:
    """Convolutions and batch norms of tf-slim inside the block are made without Keras.

    What the raw outputs need is the same to the byte, and building it takes two thirds of the
    time. Regularisers and initial values are left out: for graphs whose values are loaded.
    """
    with contextlib.ExitStack() as restored:
        keras = layers.normalization_layers.BatchNormalization
        for module, name, layer in (
            (layers.convolutional_layers, "Convolution2D", _Convolution),
            (
                layers.normalization_layers,
                "BatchNormalization",
                functools.partial(_BatchNorm, keras),
            ),
        ):
            restored.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, layer)
        yield
