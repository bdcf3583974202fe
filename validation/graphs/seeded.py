"""Weights that follow from a variable's name alone, so that anyone can make them again."""

from __future__ import annotations

import math
import re
import zlib

import numpy as np
from numpy.typing import NDArray

# The bounds of quantisation ranges: of weights; of outputs behind ReLU6; of linear outputs.
_WEIGHTS_END = 1.5
_ACTIVATION_END = 6.0
_LINEAR = re.compile(
    r"(Predictor|/project|/projection(_\d+)?)/act_quant/"
    r"|/(conv|add|post_activation_bypass|activation_\w+)_quant/"
)

# Side of a square of one colour, in pixels.
_PATCH = 16


def seeded_value(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The value of a variable, drawn from a generator seeded by its name.

    Weights keep the variance of what flows through them (He et al.,
    https://arxiv.org/abs/1502.01852), so that activations neither die nor explode over
    a hundred layers; batch norm is near the identity. Quantisation ranges are plain ones.

    Args:
        name: The variable's name; its last part says what it is.
        shape: Of the variable.
    """
    if "_quant/" in name and not shape:
        return np.array(_range_end(name), np.float32)
    draw = np.random.RandomState(zlib.crc32(name.encode()))
    match name.rpartition("/")[2]:
        case "moving_mean" | "beta":
            value = draw.normal(0, 0.1, shape)
        case "moving_variance":
            value = draw.uniform(0.5, 1.5, shape)
        case "gamma":
            value = draw.uniform(0.8, 1.2, shape)
        case "biases":
            value = draw.normal(0, 0.05, shape)
        case "depthwise_weights":
            value = draw.normal(0, np.sqrt(2 / math.prod(shape[:2])), shape)
        case _:
            value = draw.normal(0, np.sqrt(2 / math.prod(shape[:-1])), shape)
    return value.astype(np.float32)


def _range_end(name: str) -> float:
    sign = 1.0 if name.endswith("/max") else -1.0
    if "/weights_quant/" in name:
        return sign * _WEIGHTS_END
    if sign > 0 or _LINEAR.search(f"/{name}"):
        return sign * _ACTIVATION_END
    return 0.0


def seeded_image(height: int, width: int) -> NDArray[np.float32]:
    """Squares of random colours: nearer to a photograph than noise, which excites twice as much.

    Args:
        height: In pixels.
        width: In pixels.

    Returns:
        float32 [1, height, width, 3] in [-1, 1].
    """
    shape = (1, -(-height // _PATCH), -(-width // _PATCH), 3)
    colours = np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)
    return np.kron(colours, np.ones((1, _PATCH, _PATCH, 1), np.float32))[:, :height, :width]
