"""Training losses of an SSD, as TensorFlow graphs.

Each is a sum over the anchors of a batch, divided by the number of matched ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from bundled.recipes import ClassLoss, LossOptions

# Negatives that an image without any match is asked for.
_FEWEST_NEGATIVES = 3


@dataclass(frozen=True)
class TargetTensors:
    """`bundled.targets.AnchorTargets` of a batch as tensors.

    Args:
        boxes: float32 [B, A, 4].
        classes: int32 [B, A], 0 for the background.
        asked: float32 [B, A].
    """

    boxes: tf.Tensor
    classes: tf.Tensor
    asked: tf.Tensor

    @property
    def matched(self) -> tf.Tensor:
        """float32 [B, A], 1 where an anchor answers for a box."""
        return tf.cast(self.classes > 0, tf.float32)


def box_loss(encodings: tf.Tensor, targets: TargetTensors, delta: float) -> tf.Tensor:
    """Smooth L1 loss over the matched anchors, float32 [B, A].

    ``e^2 / 2`` below delta and ``delta * (e - delta / 2)`` above (Girshick,
    https://arxiv.org/abs/1504.08083, equation 3, with delta for 1), summed over the four
    numbers.

    Args:
        encodings: float32 [B, A, 4].
        targets: Of the batch.
        delta: In the unit of the encodings.
    """
    error = tf.abs(encodings - targets.boxes)
    near = tf.minimum(error, delta)
    loss = near * (error - 0.5 * near)
    return tf.reduce_sum(loss, axis=2) * targets.matched


def focal_loss(
    logits: tf.Tensor, targets: TargetTensors, *, alpha: float, gamma: float
) -> tf.Tensor:
    """Sigmoid focal loss (https://arxiv.org/abs/1708.02002, equation 5), float32 [B, A].

    The background has no class of its own: its targets are all 0.

    Args:
        logits: float32 [B, A, C+1], the background first.
        targets: Of the batch.
        alpha: See `LossOptions`.
        gamma: See `LossOptions`.
    """
    columns = int(logits.shape[2])
    wanted = tf.one_hot(targets.classes, columns)[:, :, 1:]
    wanted = tf.concat([tf.zeros_like(wanted[:, :, :1]), wanted], axis=2)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits)
    # The probability that was given to the wrong answer.
    missed = tf.abs(wanted - tf.sigmoid(logits))
    weight = wanted * alpha + (1.0 - wanted) * (1.0 - alpha)
    return tf.reduce_sum(weight * missed**gamma * entropy, axis=2) * targets.asked


def mined_softmax_loss(logits: tf.Tensor, targets: TargetTensors, *, negatives: float) -> tf.Tensor:
    """Softmax cross entropy of matches and of the hardest negatives, float32 [B, A].

    Liu et al., https://arxiv.org/abs/1512.02325, section 2.2.

    Args:
        logits: float32 [B, A, C+1], the background first.
        targets: Of the batch.
        negatives: For each match of an image; three for an image without any.
    """
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets.classes, logits=logits)
    background = targets.asked * (1.0 - targets.matched)
    kept = tf.reduce_sum(targets.matched, axis=1, keepdims=True) * negatives
    kept = tf.maximum(kept, _FEWEST_NEGATIVES)
    order = tf.argsort(entropy * background, axis=1, direction="DESCENDING", stable=True)
    rank = tf.cast(tf.argsort(order, axis=1), tf.float32)
    hardest = tf.cast(rank < kept, tf.float32) * background
    return entropy * tf.stop_gradient(targets.matched + hardest)


def total_loss(
    encodings: tf.Tensor, logits: tf.Tensor, targets: TargetTensors, options: LossOptions
) -> tf.Tensor:
    """Class and box loss of a batch, a scalar.

    Args:
        encodings: float32 [B, A, 4].
        logits: float32 [B, A, C+1], before the score converter.
        targets: Of the batch.
        options: Which losses, and their weights.
    """
    if options.kind is ClassLoss.FOCAL:
        classes = focal_loss(logits, targets, alpha=options.alpha, gamma=options.gamma)
    else:
        classes = mined_softmax_loss(logits, targets, negatives=options.negatives)
    boxes = box_loss(encodings, targets, options.delta)
    matches = tf.maximum(tf.reduce_sum(targets.matched), 1.0)
    return (tf.reduce_sum(classes) + options.box_weight * tf.reduce_sum(boxes)) / matches
