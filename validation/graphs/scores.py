"""The score converter of the post-processing: from logits to scores."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow.compat.v1 as tf

_CONVERTERS: dict[str, Callable[..., tf.Tensor]] = {
    "IDENTITY": tf.identity,
    "SIGMOID": tf.sigmoid,
    "SOFTMAX": tf.nn.softmax,
}


def convert_scores(logits: tf.Tensor, converter: str, logit_scale: float = 1.0) -> tf.Tensor:
    """Scores of every anchor.

    Args:
        logits: [batch, N, classes with background].
        converter: IDENTITY, SIGMOID or SOFTMAX (over the classes with background).
        logit_scale: Logits are divided by it first.

    Returns:
        A tensor of the shape of logits.
    """
    # A division by one would stay in the converted model.
    if logit_scale != 1.0:
        logits = tf.divide(logits, logit_scale, name="scale_logits")
    return _CONVERTERS[converter](logits, name="convert_scores")
