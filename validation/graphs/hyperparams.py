"""conv_hyperparams of a config as the slim arguments that matter at inference.

Initialisers and regularisers shape training only; a graph that is restored from a
checkpoint has neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.files.structured import register
from validation.graphs.slim_compat import slim
from validation.root_cause import FaultKind

Activation = Callable[[tf.Tensor], tf.Tensor] | None


@dataclass(frozen=True)
class BatchNorm:
    """Parameters of slim.batch_norm in inference form.

    Args:
        epsilon: Added to the variance.
        decay: Of the moving averages; only training reads it.
        scale: Whether there is a gamma.
        center: Whether there is a beta.
    """

    epsilon: float = 0.001
    decay: float = 0.999
    scale: bool = False
    center: bool = True

    def arguments(self, *, is_training: bool = False) -> dict[str, Any]:
        """Keyword arguments of slim.batch_norm."""
        return {
            "epsilon": self.epsilon,
            "decay": self.decay,
            "scale": self.scale,
            "center": self.center,
            "is_training": is_training,
        }


@dataclass(frozen=True)
class ConvHyperparams:
    """What conv_hyperparams says about a convolution.

    Args:
        activation: The function that follows, None for none.
        batch_norm: None where the config has none: then convolutions have biases.
    """

    activation: Activation
    batch_norm: BatchNorm | None

    @contextlib.contextmanager
    def scope(self, *, is_training: bool = False) -> Iterator[None]:
        """A slim.arg_scope over conv2d, separable_conv2d and conv2d_transpose."""
        layers = [slim.conv2d, slim.separable_conv2d, slim.conv2d_transpose]
        normalizer = None if self.batch_norm is None else slim.batch_norm
        arguments = (
            None if self.batch_norm is None else self.batch_norm.arguments(is_training=is_training)
        )
        with slim.arg_scope(
            layers,
            activation_fn=self.activation,
            normalizer_fn=normalizer,
            normalizer_params=arguments,
        ):
            yield


def hard_swish(tensor: tf.Tensor) -> tf.Tensor:
    """``x * relu6(x + 3) / 6`` (https://arxiv.org/abs/1905.02244, section 5.2)."""
    return tensor * tf.nn.relu6(tensor + 3.0) * (1.0 / 6.0)


# Hyperparams.Activation of the config. HARD_SWISH came with MobileNet V3: only tables name it.
_ACTIVATIONS: dict[str, Activation] = {
    "NONE": None,
    "RELU": tf.nn.relu,
    "RELU_6": tf.nn.relu6,
    "SWISH": tf.nn.swish,
}
_OF_TABLES = {**_ACTIVATIONS, "HARD_SWISH": hard_swish}


def _of_table(name: object) -> Activation:
    if name not in _OF_TABLES:
        raise ValueError
    return _OF_TABLES[name]


register(Activation, " | ".join(_OF_TABLES), _of_table)


def conv_hyperparams(message: Any, where: str) -> ConvHyperparams:
    """Read a Hyperparams message.

    Args:
        message: Hyperparams.
        where: Its place in the config, for messages.

    Raises:
        ConfigError: An activation or a normalisation that is not supported.
    """
    name = (
        message.DESCRIPTOR.fields_by_name["activation"]
        .enum_type.values_by_number[message.activation]
        .name
    )
    if name not in _ACTIVATIONS:
        raise ConfigError(
            "unknown activation",
            expected=" | ".join(_ACTIVATIONS),
            got=name,
            where=where,
            fault=FaultKind.ACTIVATION,
        )
    normalizer = message.WhichOneof("normalizer_oneof")
    if normalizer not in (None, "batch_norm"):
        raise ConfigError(
            "unsupported normalisation",
            expected="batch_norm",
            got=normalizer,
            where=where,
            fault=FaultKind.UNSUPPORTED,
        )
    if normalizer is None:
        return ConvHyperparams(_ACTIVATIONS[name], None)
    norm = message.batch_norm
    return ConvHyperparams(
        _ACTIVATIONS[name], BatchNorm(norm.epsilon, norm.decay, norm.scale, norm.center)
    )
