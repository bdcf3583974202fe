"""The heads of convolutional_box_predictor: convolutions of its own for each feature map."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import tensorflow.compat.v1 as tf

from validation.graphs.hyperparams import ConvHyperparams, conv_hyperparams
from validation.graphs.slim_compat import slim


@dataclass(frozen=True)
class Predictions:
    """What the heads say of every anchor, in the order of the anchors.

    Args:
        box_encodings: [batch, N, code size].
        class_predictions: [batch, N, classes with background], before the score converter.
    """

    box_encodings: tf.Tensor
    class_predictions: tf.Tensor


@dataclass(frozen=True)
class Predictor(abc.ABC):
    """What either message of BoxPredictor describes.

    Args:
        hyperparams: Of every layer but the last ones, which have neither batch norm nor
            activation.
        num_layers: Convolutions before the heads.
        kernel_size: Of the heads; with use_depthwise of their depthwise part.
        code_size: Numbers in a box encoding.
        use_depthwise: Separable convolutions.
        apply_sigmoid: The class head ends in a sigmoid.
        clip: Smallest and largest value of a box encoding; None: not clipped.
        keep_probability: Of the dropout in front of the class head, in training only; None
            for none.
    """

    hyperparams: ConvHyperparams
    num_layers: int
    kernel_size: int
    code_size: int
    use_depthwise: bool
    apply_sigmoid: bool
    clip: tuple[float, float] | None
    keep_probability: float | None

    is_shared: ClassVar[bool]
    """One head for all feature maps, which then need the same number of anchors in a cell."""

    @abc.abstractmethod
    def predict(
        self,
        feature_maps: Sequence[tf.Tensor],
        per_location: Sequence[int],
        columns: int,
        *,
        is_training: bool,
    ) -> Predictions:
        """Place heads on feature maps.

        Args:
            feature_maps: [batch, H, W, channels] each, all sides known.
            per_location: Anchors in a cell of each feature map.
            columns: Classes with the background.
            is_training: Batch norm by the batch, dropout, and logits in any case.
        """

    def boxes(self, head: tf.Tensor, anchors: int) -> tf.Tensor:
        """Encodings within the limits, by anchor."""
        if self.clip is not None:
            head = tf.clip_by_value(head, *self.clip)
        return by_anchor(head, anchors, self.code_size)

    def dropped_out(self, net: tf.Tensor, *, is_training: bool) -> tf.Tensor:
        """Activations after dropout; the same tensor at inference or without dropout."""
        if self.keep_probability is None or not is_training:
            return net
        return slim.dropout(net, keep_prob=self.keep_probability, is_training=True)


@dataclass(frozen=True)
class ConvolutionalPredictor(Predictor):
    """convolutional_box_predictor: num_layers are 1x1 convolutions.

    Args:
        min_depth: Fewest channels of these.
        max_depth: Most channels of these; min_depth goes first.
    """

    min_depth: int
    max_depth: int

    is_shared = False

    def predict(
        self,
        feature_maps: Sequence[tf.Tensor],
        per_location: Sequence[int],
        columns: int,
        *,
        is_training: bool,
    ) -> Predictions:
        """See `Predictor.predict`."""
        boxes, scores = [], []
        for index, (features, anchors) in enumerate(zip(feature_maps, per_location, strict=True)):
            # A single head has no scope of its own in the OD API's checkpoints.
            scope = (
                tf.variable_scope(f"BoxPredictor_{index}")
                if len(feature_maps) > 1
                else contextlib.nullcontext()
            )
            with scope, self.hyperparams.scope(is_training=is_training):
                net = self._layers(features)
                encodings = self._head(net, anchors * self.code_size, "BoxEncodingPredictor")
                boxes.append(self.boxes(encodings, anchors))
                net = self.dropped_out(net, is_training=is_training)
                logits = self._head(net, anchors * columns, "ClassPredictor")
                if self.apply_sigmoid:
                    logits = tf.sigmoid(logits)
                scores.append(by_anchor(logits, anchors, columns))
        return concatenated(boxes, scores)

    def _layers(self, net: tf.Tensor) -> tf.Tensor:
        depth = max(min(int(net.shape[3]), self.max_depth), self.min_depth)
        if depth > 0:
            for layer in range(self.num_layers):
                net = slim.conv2d(net, depth, [1, 1], scope=f"Conv2d_{layer}_1x1_{depth}")
        return net

    def _head(self, net: tf.Tensor, channels: int, scope: str) -> tf.Tensor:
        kernel = [self.kernel_size, self.kernel_size]
        if self.use_depthwise:
            net = slim.separable_conv2d(
                net, None, kernel, depth_multiplier=1, scope=f"{scope}_depthwise"
            )
            kernel = [1, 1]
        return slim.conv2d(
            net,
            channels,
            kernel,
            activation_fn=None,
            normalizer_fn=None,
            normalizer_params=None,
            scope=scope,
        )


def convolutional_predictor(message: Any, where: str) -> ConvolutionalPredictor:
    """Read a ConvolutionalBoxPredictor message.

    Args:
        message: ConvolutionalBoxPredictor.
        where: Its place in the config, for messages.

    Raises:
        ConfigError: Hyper-parameters that are not supported.
    """
    return ConvolutionalPredictor(
        min_depth=message.min_depth,
        max_depth=message.max_depth,
        apply_sigmoid=message.apply_sigmoid_to_scores,
        **common_fields(message, where),
    )


def common_fields(message: Any, where: str) -> dict[str, Any]:
    """What either predictor message says, by the names of `Predictor`'s fields."""
    limits = message.box_encodings_clip_range
    return {
        "hyperparams": conv_hyperparams(message.conv_hyperparams, where),
        "num_layers": message.num_layers_before_predictor,
        "kernel_size": message.kernel_size,
        "code_size": message.box_code_size,
        "use_depthwise": message.use_depthwise,
        "clip": (limits.min, limits.max) if message.HasField("box_encodings_clip_range") else None,
        "keep_probability": message.dropout_keep_probability if message.use_dropout else None,
    }


def by_anchor(head: tf.Tensor, anchors: int, size: int) -> tf.Tensor:
    """[batch, H, W, anchors * size] as [batch, H * W * anchors, size]."""
    batch, height, width = (int(side) for side in head.shape[:3])
    return tf.reshape(head, [batch, height * width * anchors, size])


def concatenated(boxes: list[tf.Tensor], scores: list[tf.Tensor]) -> Predictions:
    """The heads of all feature maps in one."""
    return Predictions(tf.concat(boxes, axis=1), tf.concat(scores, axis=1))
