"""The feature_extractor message as options."""

import pytest
import tensorflow.compat.v1 as tf

from validation.errors import ConfigError
from validation.graphs.extractor import ExtractorOptions, Pyramid
from validation.graphs.hyperparams import BatchNorm, ConvHyperparams
from validation.graphs.options import extractor_options
from validation.pipeline.config import parse_pipeline


def options(text: str, *, is_training: bool = False) -> ExtractorOptions:
    """Options of a config with this feature_extractor."""
    config = parse_pipeline(f"model {{ ssd {{\n feature_extractor {{\n {text} }} }} }}")
    return extractor_options(config, is_training=is_training)


def test_every_field() -> None:
    """Each field of the message arrives."""
    text = """
        type: "ssd_mobilenet_v1_fpn" depth_multiplier: 0.75 min_depth: 8 pad_to_multiple: 32
        use_explicit_padding: true use_depthwise: true num_layers: 5
        override_base_feature_extractor_hyperparams: true
        fpn { min_level: 2 max_level: 6 additional_layer_depth: 128 }
        conv_hyperparams { activation: RELU batch_norm { epsilon: 0.25 decay: 0.5 scale: true } }
    """
    assert options(text, is_training=True) == ExtractorOptions(
        kind="ssd_mobilenet_v1_fpn",
        depth_multiplier=0.75,
        min_depth=8,
        pad_to_multiple=32,
        use_explicit_padding=True,
        use_depthwise=True,
        override_base_hyperparams=True,
        hyperparams=ConvHyperparams(tf.nn.relu, BatchNorm(0.25, 0.5, True, True)),
        pyramid=Pyramid(2, 6, 128),
        num_layers=5,
        is_training=True,
    )


def test_defaults() -> None:
    """An absent field has the OD API's default."""
    assert options('type: "ssd_mobilenet_v1"') == ExtractorOptions(
        kind="ssd_mobilenet_v1",
        depth_multiplier=1.0,
        min_depth=16,
        pad_to_multiple=1,
        use_explicit_padding=False,
        use_depthwise=False,
        override_base_hyperparams=False,
        hyperparams=ConvHyperparams(tf.nn.relu, None),
        pyramid=Pyramid(3, 7, 256),
        num_layers=6,
    )


def test_mnasfpn_has_a_pyramid_of_its_own() -> None:
    """Without fpn; with fpn the config's counts."""
    kind = 'type: "ssd_mobilenet_v2_mnasfpn"'
    assert options(kind).pyramid == Pyramid(3, 6, 48)
    assert options(f"{kind} fpn {{}}").pyramid == Pyramid(3, 7, 256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the feature extractor has no type"),
        (
            'type: "x" bifpn {}',
            r"unsupported feature pyramid \(.*line 3.*bifpn\): expected fpn, got bifpn.*Flow 2",
        ),
        (
            'type: "x" conv_hyperparams { sync_batch_norm {} }',
            r"unsupported normalisation \(.*line 3.*conv_hyperparams\)",
        ),
    ],
)
def test_refusals(text: str, message: str) -> None:
    """What has no graph here is refused with its line."""
    with pytest.raises(ConfigError, match=message):
        options(text)
