"""Weights that follow from a variable's name alone, so that anyone can make them again."""

from __future__ import annotations

import math
import zlib

import numpy as np
from numpy.typing import NDArray


def seeded_value(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The value of a variable, drawn from a generator seeded by its name.

    Weights keep the variance of what flows through them (He et al.,
    https://arxiv.org/abs/1502.01852), so that activations neither die nor explode over
    a hundred layers; batch norm is near the identity.

    Args:
        name: The variable's name; its last part says what it is.
        shape: Of the variable.
    """
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
