"""What every feature extractor is given and returns, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.hyperparams import ConvHyperparams
from validation.specs.contracts import UNIT_RANGE, Triple


@dataclass(frozen=True)
class Pyramid:
    """The fpn message of a feature extractor.

    Args:
        min_level: Finest level; its stride is 2**min_level.
        max_level: Coarsest level.
        depth: Channels of every level.
    """

    min_level: int = 3
    max_level: int = 7
    depth: int = 256


@dataclass(frozen=True)
class ExtractorOptions:
    """The fields of SsdFeatureExtractor that shape a graph.

    Args:
        kind: ``type`` of the config, for example ssd_mobilenet_v1.
        depth_multiplier: Factor of every layer's channels.
        min_depth: Fewest channels that the factor may leave.
        pad_to_multiple: The input is zero-padded below and at the right to a multiple.
        use_explicit_padding: Pad by the kernel instead of SAME.
        use_depthwise: Separable convolutions in the layers that SSD adds.
        override_base_hyperparams: conv_hyperparams go for the backbone too.
        hyperparams: conv_hyperparams.
        pyramid: fpn, with its defaults where the config has none.
        num_layers: Feature maps of the SSD extractors.
        is_training: Batch norm by the batch; False everywhere but in training.
    """

    kind: str
    depth_multiplier: float
    min_depth: int
    pad_to_multiple: int
    use_explicit_padding: bool
    use_depthwise: bool
    override_base_hyperparams: bool
    hyperparams: ConvHyperparams
    pyramid: Pyramid
    num_layers: int
    is_training: bool = False

    def depth(self, channels: int) -> int:
        """Channels after the multiplier, no fewer than min_depth."""
        return max(int(channels * self.depth_multiplier), self.min_depth)


# From a normalised image [batch, H, W, 3] to the feature maps that heads are placed on,
# finest first. Called inside the variable scope FeatureExtractor.
Extractor = Callable[[tf.Tensor, ExtractorOptions], Sequence[tf.Tensor]]


@dataclass(frozen=True)
class ExtractorEntry:
    """One feature extractor type.

    Args:
        build: Makes the feature maps.
        scale: Normalisation ``pixel * scale - offset`` for each RGB channel.
        offset: See scale.
    """

    build: Extractor
    scale: Triple = UNIT_RANGE[0]
    offset: Triple = UNIT_RANGE[1]


def refused_field(
    what: str, options: ExtractorOptions, expected: object, got: object
) -> ConfigError:
    """The error for a field that no release of the OD API takes for this extractor."""
    return ConfigError(
        what,
        expected=expected,
        got=got,
        where=f"feature_extractor of {options.kind}",
        next_step="remove the field: the OD API refuses it too",
    )


def pad_to_multiple(image: tf.Tensor, multiple: int) -> tf.Tensor:
    """Zero-pad below and at the right until both sides are multiples.

    Args:
        image: [batch, H, W, channels], H and W known.
        multiple: 1 leaves the image as it is.
    """
    height, width = int(image.shape[1]), int(image.shape[2])
    below, right = -height % multiple, -width % multiple
    if below == right == 0:
        return image
    return tf.pad(image, [[0, 0], [0, below], [0, right], [0, 0]])
