"""The project's own table of SSD configurations, and the pipeline.config texts made of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import CatalogueError, ConfigError
from validation.pipeline.config import PipelineConfig, parse_pipeline
from validation.pipeline.synthetic import SyntheticModel, load_synthetic, pipeline_text

_MODELS = load_synthetic()

# Side of the input, classes, extractor, factor of channels, kernel of the heads (dw: depthwise),
# batch norm decay of extractor and heads (-: none), bias of the class heads, NMS score
# threshold, delay of the quantisation (-: none). "shared" marks one head for all levels. The
# large pyramids have the threshold of the archives of their time, not the samples' 1e-8.
_FACTS = """
ssd_mobilenet_v1_coco 300 90 ssd_mobilenet_v1 1 k1 0.9997 0.9997 0 1e-8 -
ssd_mobilenet_v1_coco_2018_01_28 300 90 ssd_mobilenet_v1 1 k1 0.9997 0.9997 0 0.3 -
ssdlite_mobilenet_v1_coco 300 90 ssd_mobilenet_v1 1 k3dw 0.9997 0.9997 0 1e-8 -
embedded_ssd_mobilenet_v1_coco 256 90 embedded_ssd_mobilenet_v1 0.125 k1 0.9997 0.9997 0 1e-8 -
ssd_mobilenet_v1_300x300_coco14_sync 300 90 ssd_mobilenet_v1 1 k1 0.97 0.97 -4.6 1e-8 -
ssd_mobilenet_v1_0.75_depth_300x300_coco14_sync 300 90 ssd_mobilenet_v1 0.75 k1 0.97 0.97 -4.6 1e-8 -
ssd_mobilenet_v1_quantized_300x300_coco14_sync 300 90 ssd_mobilenet_v1 1 k1 0.97 0.97 -4.6 1e-8 48000
ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18 300 90 ssd_mobilenet_v1 1 k1 0.97 0.97 -4.6 0.3 48000
ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync 300 90 ssd_mobilenet_v1 0.75 k1 0.97 0.97 -4.6 1e-8 48000
ssd_mobilenet_v1_ppn_shared_box_predictor_300x300_coco14_sync 300 90 ssd_mobilenet_v1_ppn 1 k1shared 0.97 0.97 -4.6 1e-8 -
ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync 640 90 ssd_mobilenet_v1_fpn 1 k3shared 0.997 0.997 -4.6 0.3 -
ssd_mobilenet_v2_fpnlite_quantized_shared_box_predictor_256x256_depthmultiplier_75_coco14_sync 256 90 ssd_mobilenet_v2_fpn 0.75 k3dwshared 0.997 0.997 -4.6 1e-8 30000
ssd_resnet50_v1_fpn_shared_box_predictor_640x640_coco14_sync 640 90 ssd_resnet50_v1_fpn 1 k3shared 0.997 0.997 -4.6 0.3 -
ssd_resnet101_v1_fpn_shared_box_predictor_oid_512x512_sync 512 601 ssd_resnet101_v1_fpn 1 k3shared 0.997 0.997 -4.6 0.3 -
ssd_mobilenet_v2_coco 300 90 ssd_mobilenet_v2 1 k1 0.9997 0.9997 0 1e-8 -
ssd_mobilenet_v2_coco_2018_03_29 300 90 ssd_mobilenet_v2 1 k3 0.9997 0.9997 0 0.3 -
ssd_mobilenet_v2_quantized_300x300_coco 300 90 ssd_mobilenet_v2 1 k1 0.9997 0.9997 0 1e-8 48000
ssd_mobilenet_v2_oid_v4 300 601 ssd_mobilenet_v2 1 k1 0.9997 0.9997 0 1e-8 -
ssdlite_mobilenet_v2_coco 300 90 ssd_mobilenet_v2 1 k3dw 0.9997 0.9997 0 1e-8 -
ssdlite_mobilenet_v2_coco_2018_05_09 300 90 ssd_mobilenet_v2 1 k3dw 0.9997 0.9997 0 0.3 -
facessd_mobilenet_v2_quantized_320x320_open_image_v4 320 1 ssd_mobilenet_v2 1 k3 0.9997 0.9997 0 1e-8 500000
ssd_mobilenet_v2_mnasfpn_shared_box_predictor_320x320_coco_sync 320 90 ssd_mobilenet_v2_mnasfpn 1 k3dwshared 0.97 0.997 -4.6 1e-8 -
ssd_inception_v2_coco 300 90 ssd_inception_v2 1 k3 0.9997 - 0 1e-8 -
ssd_inception_v3_pets 300 37 ssd_inception_v3 1 k3 0.9997 - 0 1e-8 -
ssdlite_mobiledet_cpu_320x320_coco_sync_4x4 320 90 ssd_mobiledet_cpu 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobiledet_cpu_320x320_coco_2020_05_19 320 90 ssd_mobiledet_cpu 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobiledet_dsp_320x320_coco_sync_4x4 320 90 ssd_mobiledet_dsp 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobiledet_edgetpu_320x320_coco_sync_4x4 320 90 ssd_mobiledet_edgetpu 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobiledet_gpu_320x320_coco_sync_4x4 320 90 ssd_mobiledet_gpu 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobilenet_edgetpu_320x320_coco 320 90 ssd_mobilenet_edgetpu 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobilenet_edgetpu_320x320_coco_quant 320 90 ssd_mobilenet_edgetpu 1 k3dw 0.97 0.97 -4.6 1e-8 30000
ssdlite_mobilenet_v3_large_320x320_coco 320 90 ssd_mobilenet_v3_large 1 k3dw 0.97 0.97 -4.6 1e-8 -
ssdlite_mobilenet_v3_small_320x320_coco 320 90 ssd_mobilenet_v3_small 1 k3dw 0.97 0.97 -4.6 1e-8 -
spaghettinet_edgetpu_s 320 90 ssd_spaghettinet 1 k3dw - 0.97 -4.6 1e-8 40000
spaghettinet_edgetpu_m 320 90 ssd_spaghettinet 1 k3dw - 0.97 -4.6 1e-8 40000
spaghettinet_edgetpu_l 320 90 ssd_spaghettinet 1 k3dw - 0.97 -4.6 1e-8 40000
"""  # noqa: E501 - one line a model
_ROWS = {name: facts for name, *facts in (line.split() for line in _FACTS.strip().splitlines())}


def _config(name: str) -> PipelineConfig:
    return parse_pipeline(pipeline_text(_MODELS[name]))


def _shown(number: float) -> str:
    return f"{number:.5g}".replace("e-08", "e-8")


def _leaves(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _read(message: Any, path: tuple[str, ...]) -> Any:
    """A field that the text set, as a TOML file would say it."""
    for name in path[:-1]:
        assert message.HasField(name)
        message = getattr(message, name)
    value = getattr(message, path[-1])
    enum = message.DESCRIPTOR.fields_by_name[path[-1]].enum_type
    if enum is not None:
        return enum.values_by_number[value].name
    return value if isinstance(value, str | int | float) else list(value)


def _as_float32(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_float32(each) for each in value]
    return struct.unpack("f", struct.pack("f", value))[0] if isinstance(value, float) else value


@pytest.mark.parametrize("name", _MODELS)
def test_text_carries_every_value_of_the_table(name: str) -> None:
    """Parsed, the text gives each value back where the table has it, and nothing is dropped."""
    model = _MODELS[name]
    config = _config(name)
    assert (config.dropped, config.skipped) == ((), ())
    leaves = dict(_leaves(model.values))
    assert len(leaves) > 20
    for path, value in leaves.items():
        message = config.message.model if path[0] == "ssd" else config.message
        assert _read(message, path) == _as_float32(value)
    assert text_format.MessageToString(config.message) == pipeline_text(model)


def test_facts_cover_the_table() -> None:
    """No model of the table is without a line of facts."""
    assert list(_ROWS) == list(_MODELS)


@pytest.mark.parametrize("name", _ROWS)
def test_model_is_configured_as_published(name: str) -> None:
    """What shapes a model and its post-processing is what its own config says."""
    config = _config(name)
    ssd = config.message.model.ssd
    kind = ssd.box_predictor.WhichOneof("box_predictor_oneof")
    heads = getattr(ssd.box_predictor, kind)
    lite = "dw" if heads.use_depthwise else ""
    shared = "shared" if kind.startswith("weight_shared") else ""
    decays = [
        _shown(part.conv_hyperparams.batch_norm.decay)
        if part.conv_hyperparams.HasField("batch_norm")
        else "-"
        for part in (ssd.feature_extractor, heads)
    ]
    delay = config.message.graph_rewriter.quantization.delay
    height, width = config.input_size
    assert height == width
    assert [
        str(height),
        str(config.num_classes),
        config.feature_extractor_type,
        _shown(ssd.feature_extractor.depth_multiplier),
        f"k{heads.kernel_size}{lite}{shared}",
        *decays,
        _shown(heads.class_prediction_bias_init),
        _shown(config.score_threshold),
        str(delay) if config.is_quantized else "-",
    ] == _ROWS[name]
    assert config.score_converter == "SIGMOID"
    assert config.box_coder_scales == (10, 10, 5, 5)


def test_pyramids_say_their_levels() -> None:
    """Exactly the extractors with a pyramid have an fpn block, on the levels of the anchors."""
    levels = {}
    for name in _MODELS:
        ssd = _config(name).message.model.ssd
        if ssd.feature_extractor.HasField("fpn"):
            fpn = ssd.feature_extractor.fpn
            anchors = ssd.anchor_generator.multiscale_anchor_generator
            assert (fpn.min_level, fpn.max_level) == (anchors.min_level, anchors.max_level)
            kind = ssd.feature_extractor.type
            levels[kind] = (fpn.min_level, fpn.max_level, fpn.additional_layer_depth)
        else:
            assert ssd.anchor_generator.HasField("ssd_anchor_generator")
    assert levels == {
        "ssd_mobilenet_v1_fpn": (3, 7, 256),
        "ssd_mobilenet_v2_fpn": (3, 7, 128),
        "ssd_mobilenet_v2_mnasfpn": (3, 6, 48),
        "ssd_resnet50_v1_fpn": (3, 7, 256),
        "ssd_resnet101_v1_fpn": (2, 7, 256),
    }


def test_averaged_weights_are_asked_for() -> None:
    """Only these two models are exported from their moving averages."""
    assert [name for name in _MODELS if _config(name).use_moving_averages] == [
        "embedded_ssd_mobilenet_v1_coco",
        "facessd_mobilenet_v2_quantized_320x320_open_image_v4",
    ]


_TABLE = """
version = 1
[common.ssd]
num_classes = 90
feature_extractor = { type = "a", min_depth = 8 }
[part.wide.ssd.feature_extractor]
depth_multiplier = 2
min_depth = 32
[part.steps.ssd.anchor_generator.ssd_anchor_generator]
aspect_ratios = [1, 2, 3]
[model.plain]
[model.first]
parts = ["wide", "steps"]
ssd.feature_extractor.min_depth = 4
[model.second]
parts = ["first"]
ssd.anchor_generator.ssd_anchor_generator.aspect_ratios = [5]
eval_config.use_moving_averages = true
"""


def _load(tmp_path: Path, text: str) -> dict[str, SyntheticModel]:
    path = tmp_path / "synthetic.toml"
    path.write_text(text)
    return load_synthetic(path)


def test_parts_add_up_in_their_order(tmp_path: Path) -> None:
    """Tables are merged, everything else is replaced: common, parts, the model's own."""
    models = _load(tmp_path, _TABLE)
    assert list(models) == ["plain", "first", "second"]
    assert models["plain"].values == {
        "ssd": {"num_classes": 90, "feature_extractor": {"type": "a", "min_depth": 8}}
    }
    assert models["first"].values["ssd"]["feature_extractor"] == {
        "type": "a",
        "depth_multiplier": 2,
        "min_depth": 4,
    }
    second = models["second"].values
    assert second["ssd"]["feature_extractor"]["min_depth"] == 4
    assert second["ssd"]["anchor_generator"] == {"ssd_anchor_generator": {"aspect_ratios": [5]}}
    assert second["eval_config"] == {"use_moving_averages": True}
    assert hash(models["first"]) == hash(_load(tmp_path, _TABLE)["first"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "version = ", "file cannot be read"),
        ("version = 1", "version = 2", "another layout .*expected version = 1, got 2"),
        ("version = 1", "version = 1\nmore = 3", "unknown key 'more'"),
        (
            _TABLE,
            "version = 1\ncommon = 1\npart = 2\nmodel = 3",
            "common is wrong .*got 1",
        ),
        ('"wide"', '"wild"', r"the part 'wild' does not exist \(synthetic.toml, first\)"),
        ('"wide"', '"second"', r"'first' needs itself \(synthetic.toml, first > second\)"),
        (
            '["wide", "steps"]',
            '"wide"',
            "parts is wrong .*model first.*a list",
        ),
        ("eval_config", "evil_config", "unknown key 'evil_config' .*mean 'eval_config'"),
        ("[model.plain]", "[model]\nplain = 3\n", "model plain is wrong .*a table, got 3"),
    ],
)
def test_wrong_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """The table is checked before any text is made of it."""
    with pytest.raises(CatalogueError, match=message):
        _load(tmp_path, _TABLE.replace(old, new))


def test_missing_table_is_refused(tmp_path: Path) -> None:
    """A table that is not there is an error of the harness's own."""
    with pytest.raises(CatalogueError, match=r"cannot be read \(none.toml\)"):
        load_synthetic(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("ssd", "message"),
    [
        ({"num_clases": 3}, "num_clases"),
        ({"num_classes": "many"}, "num_classes"),
        ({"post_processing": {"score_converter": "SOFTPLUS"}}, "SOFTPLUS"),
        ({"feature_extractor": 3}, "feature_extractor"),
        (
            {"box_coder": {"faster_rcnn_box_coder": {}, "square_box_coder": {}}},
            "box_coder_oneof",
        ),
    ],
)
def test_values_that_fit_no_message_are_refused(ssd: dict[str, Any], message: str) -> None:
    """A slip in a field's name, a wrong type, or two that exclude each other."""
    with pytest.raises(CatalogueError, match=rf"make no pipeline\.config \(model 'x'\).*{message}"):
        pipeline_text(SyntheticModel("x", {"ssd": ssd}))


_NAMES = st.sampled_from(["num_classes", "box_coder", "feature_extractor", "type", "min_depth"])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers(-5, 2**40) | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_NAMES, _VALUES, max_size=3))
def test_any_values_make_a_text_or_one_clear_error(ssd: dict[str, Any]) -> None:
    """Whatever a table holds, the text parses again or the values are refused."""
    try:
        text = pipeline_text(SyntheticModel("x", {"ssd": ssd}))
    except CatalogueError as error:
        assert "model 'x'" in str(error)
        return
    try:
        config = parse_pipeline(text)
    except ConfigError as error:
        pytest.fail(f"{text}\n{error}")
    assert text_format.MessageToString(config.message) == text
