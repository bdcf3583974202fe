"""The heads of convolutional_box_predictor: convolutions of its own for each feature map."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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


class Predictor(Protocol):
    """What the message BoxPredictor describes."""

    @property
    def code_size(self) -> int:
        """Numbers in a box encoding."""

    @property
    def is_shared(self) -> bool:
        """One head for all feature maps, which then need the same number of anchors in a cell."""

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


@dataclass(frozen=True)
class Dropout:
    """Dropout in front of the class head, in training only.

    Args:
        keep_probability: Share of the activations that stay.
    """

    keep_probability: float


@dataclass(frozen=True)
class ConvolutionalPredictor:
    """convolutional_box_predictor.

    Args:
        hyperparams: Of every layer but the last ones, which have neither batch norm nor
            activation.
        num_layers: 1x1 convolutions before the heads.
        min_depth: Fewest channels of these.
        max_depth: Most channels of these; min_depth goes first.
        kernel_size: Of the heads; with use_depthwise of their depthwise part.
        code_size: Numbers in a box encoding.
        use_depthwise: A depthwise convolution, then a 1x1 convolution, in each head.
        apply_sigmoid: The class head ends in a sigmoid.
        clip: Smallest and largest value of a box encoding; None: not clipped.
        dropout: None for none.
    """

    hyperparams: ConvHyperparams
    num_layers: int = 0
    min_depth: int = 0
    max_depth: int = 0
    kernel_size: int = 1
    code_size: int = 4
    use_depthwise: bool = False
    apply_sigmoid: bool = False
    clip: tuple[float, float] | None = None
    dropout: Dropout | None = None

    @property
    def is_shared(self) -> bool:
        """A head of its own for each feature map."""
        return False

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
                boxes.append(by_anchor(clipped(encodings, self.clip), anchors, self.code_size))
                logits = self._head(
                    dropped_out(net, self.dropout, is_training=is_training),
                    anchors * columns,
                    "ClassPredictor",
                )
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
        conv_hyperparams(message.conv_hyperparams, where),
        min_depth=message.min_depth,
        max_depth=message.max_depth,
        apply_sigmoid=message.apply_sigmoid_to_scores,
        **common_fields(message),
    )


def common_fields(message: Any) -> dict[str, Any]:
    """What either predictor message says, by the names of both predictors' fields."""
    limits = message.box_encodings_clip_range
    return {
        "num_layers": message.num_layers_before_predictor,
        "kernel_size": message.kernel_size,
        "code_size": message.box_code_size,
        "use_depthwise": message.use_depthwise,
        "clip": (limits.min, limits.max) if message.HasField("box_encodings_clip_range") else None,
        "dropout": Dropout(message.dropout_keep_probability) if message.use_dropout else None,
    }


def clipped(encodings: tf.Tensor, limits: tuple[float, float] | None) -> tf.Tensor:
    """Encodings within limits; the same tensor without limits."""
    return encodings if limits is None else tf.clip_by_value(encodings, *limits)


def dropped_out(net: tf.Tensor, rule: Dropout | None, *, is_training: bool) -> tf.Tensor:
    """Activations after dropout; the same tensor at inference or without a rule."""
    if rule is None or not is_training:
        return net
    return slim.dropout(net, keep_prob=rule.keep_probability, is_training=True)


def by_anchor(head: tf.Tensor, anchors: int, size: int) -> tf.Tensor:
    """[batch, H, W, anchors * size] as [batch, H * W * anchors, size]."""
    batch, height, width = (int(side) for side in head.shape[:3])
    return tf.reshape(head, [batch, height * width * anchors, size])


def concatenated(boxes: list[tf.Tensor], scores: list[tf.Tensor]) -> Predictions:
    """The heads of all feature maps in one."""
    return Predictions(tf.concat(boxes, axis=1), tf.concat(scores, axis=1))
