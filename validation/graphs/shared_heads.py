"""The heads of weight_shared_convolutional_box_predictor: one for all feature maps.

Convolutions are shared over the levels; batch norms are not, since the statistics of the
levels differ (https://arxiv.org/abs/1708.02002, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from validation.graphs.heads import (
    Predictions,
    Predictor,
    by_anchor,
    common_fields,
    concatenated,
)
from validation.graphs.slim_compat import slim

_SCOPE = "WeightSharedConvolutionalBoxPredictor"


@dataclass(frozen=True)
class SharedPredictor(Predictor):
    """weight_shared_convolutional_box_predictor: num_layers are those of a tower.

    Batch norm is for the towers alone, and kernel_size is theirs too; a sigmoid goes for
    inference only.

    Args:
        depth: Channels of a tower's layers.
        share_tower: One tower for boxes and classes.
    """

    depth: int
    share_tower: bool

    is_shared = True

    def predict(
        self,
        feature_maps: Sequence[tf.Tensor],
        per_location: Sequence[int],
        columns: int,
        *,
        is_training: bool,
    ) -> Predictions:
        """See `Predictor.predict`; per_location holds one number, repeated."""
        channels = [int(features.shape[3]) for features in feature_maps]
        # Over the set, because the OD API too decides by its order between equally frequent ones.
        common = max(set(channels), key=channels.count)
        boxes, scores = [], []
        for level, (features, anchors) in enumerate(zip(feature_maps, per_location, strict=True)):
            with tf.variable_scope(_SCOPE, reuse=tf.AUTO_REUSE):
                build = _Level(self, level, is_training=is_training)
                if len(set(channels)) > 1:
                    features = build.projection(features, common)
                tower = build.tower(
                    features, "PredictionTower" if self.share_tower else "BoxPredictionTower"
                )
                encodings = build.head(tower, anchors * self.code_size, "BoxPredictor")
                boxes.append(self.boxes(encodings, anchors))
                if not self.share_tower:
                    tower = build.tower(features, "ClassPredictionTower")
                tower = self.dropped_out(tower, is_training=is_training)
                logits = build.head(tower, anchors * columns, "ClassPredictor")
                if self.apply_sigmoid and not is_training:
                    logits = tf.sigmoid(logits)
                scores.append(by_anchor(logits, anchors, columns))
        return concatenated(boxes, scores)


class _Level:
    """The layers of one level."""

    def __init__(self, predictor: SharedPredictor, level: int, *, is_training: bool) -> None:
        self._predictor = predictor
        self._level = level
        self._is_training = is_training

    def projection(self, features: tf.Tensor, channels: int) -> tf.Tensor:
        """A 1x1 convolution that gives all levels the same channels."""
        scope = f"ProjectionLayer/conv2d_{self._level}"
        net = slim.conv2d(
            features,
            channels,
            [1, 1],
            activation_fn=None,
            biases_initializer=self._biases(),
            scope=scope,
        )
        return self._normalised(net, f"{scope}/BatchNorm")

    def tower(self, net: tf.Tensor, name: str) -> tf.Tensor:
        """The layers before a head."""
        for layer in range(self._predictor.num_layers):
            scope = f"{name}/conv2d_{layer}"
            net = self._convolution(net, self._predictor.depth, scope, self._biases())
            net = self._normalised(net, f"{scope}/BatchNorm/feature_{self._level}")
            # Fixed in the OD API, whatever activation conv_hyperparams names.
            net = tf.nn.relu6(net)
        return net

    def head(self, net: tf.Tensor, channels: int, scope: str) -> tf.Tensor:
        """The last layer; it always has a bias."""
        return self._convolution(net, channels, scope, tf.zeros_initializer())

    def _convolution(self, net: tf.Tensor, channels: int, scope: str, biases: Any) -> tf.Tensor:
        kernel = [self._predictor.kernel_size, self._predictor.kernel_size]
        options = {"activation_fn": None, "biases_initializer": biases, "scope": scope}
        if self._predictor.use_depthwise:
            return slim.separable_conv2d(net, channels, kernel, depth_multiplier=1, **options)
        return slim.conv2d(net, channels, kernel, **options)

    def _biases(self) -> Any:
        return tf.zeros_initializer() if self._predictor.hyperparams.batch_norm is None else None

    def _normalised(self, net: tf.Tensor, scope: str) -> tf.Tensor:
        norm = self._predictor.hyperparams.batch_norm
        if norm is None:
            return net
        return slim.batch_norm(net, scope=scope, **norm.arguments(is_training=self._is_training))


def shared_predictor(message: Any, where: str) -> SharedPredictor:
    """Read a WeightSharedConvolutionalBoxPredictor message.

    Args:
        message: WeightSharedConvolutionalBoxPredictor.
        where: Its place in the config, for messages.

    Raises:
        ConfigError: Hyper-parameters that are not supported.
    """
    return SharedPredictor(
        depth=message.depth,
        share_tower=message.share_prediction_tower,
        # Its enum has two values, IDENTITY and SIGMOID.
        apply_sigmoid=message.score_converter == message.SIGMOID,
        **common_fields(message, where),
    )
