"""What a pipeline.config says, its defaults, and the models that are refused."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from validation.errors import ArtefactMissing, ConfigError
from validation.pipeline.config import load_pipeline, parse_pipeline

BARE = "model { ssd {} }"


def test_values_are_those_of_the_text(config_text: str) -> None:
    """Every property reads its own field."""
    config = parse_pipeline(config_text)
    assert config.num_classes == 7
    assert config.input_size == (160, 224)
    assert config.box_coder_scales == (8.0, 9.0, 4.0, 6.0)
    assert config.score_converter == "SIGMOID"
    assert config.logit_scale == 1.0
    assert config.score_threshold == 0.25
    assert config.iou_threshold == 0.5
    assert config.max_detections_per_class == 20
    assert config.max_total_detections == 30
    assert config.feature_extractor_type == "ssd_mobilenet_v1"
    assert config.use_moving_averages is True
    assert config.is_quantized is True
    assert config.dropped == ()
    assert "train_config" in config.skipped


def test_message_carries_the_rest(config_text: str) -> None:
    """Lists in brackets and repeated fields add up, enums and nested values are typed."""
    ssd = parse_pipeline(config_text).message.model.ssd
    assert list(ssd.anchor_generator.ssd_anchor_generator.aspect_ratios) == [1.0, 2.0, 0.5, 3.0]
    hyperparams = ssd.feature_extractor.conv_hyperparams
    assert hyperparams.activation == type(hyperparams).RELU_6
    assert hyperparams.batch_norm.decay == pytest.approx(0.99)
    assert hyperparams.regularizer.l2_regularizer.weight == pytest.approx(4e-5)
    assert ssd.normalize_loss_by_num_matches is False


def test_defaults_stand_in_for_absent_fields() -> None:
    """The defaults of the OD API count where the text says nothing."""
    config = parse_pipeline(
        "model { ssd { image_resizer { fixed_shape_resizer {} }"
        " box_coder { faster_rcnn_box_coder {} } } }"
    )
    assert config.input_size == (300, 300)
    assert config.box_coder_scales == (10.0, 10.0, 5.0, 5.0)
    assert config.score_converter == "IDENTITY"
    assert config.logit_scale == 1.0
    assert config.score_threshold == 0.0
    assert config.iou_threshold == pytest.approx(0.6)
    assert config.max_detections_per_class == 100
    assert config.max_total_detections == 100
    assert config.use_moving_averages is False
    assert config.is_quantized is False


@pytest.mark.parametrize(
    ("message", "field", "default"),
    [
        ("ssd", "add_background_class", True),
        ("ssd.feature_extractor", "depth_multiplier", 1.0),
        ("ssd.feature_extractor", "min_depth", 16),
        ("ssd.feature_extractor", "num_layers", 6),
        ("ssd.feature_extractor.fpn", "additional_layer_depth", 256),
        ("ssd.feature_extractor.conv_hyperparams", "activation", 1),
        ("ssd.feature_extractor.conv_hyperparams.batch_norm", "scale", False),
        ("ssd.feature_extractor.conv_hyperparams.batch_norm", "center", True),
        ("ssd.box_predictor.convolutional_box_predictor", "kernel_size", 1),
        ("ssd.box_predictor.weight_shared_convolutional_box_predictor", "kernel_size", 3),
        ("ssd.anchor_generator.ssd_anchor_generator", "reduce_boxes_in_lowest_layer", True),
        ("ssd.anchor_generator.multiscale_anchor_generator", "scales_per_octave", 2),
        ("ssd.anchor_generator.multiscale_anchor_generator", "anchor_scale", 4.0),
        ("ssd.post_processing.batch_non_max_suppression", "max_classes_per_detection", 1),
    ],
)
def test_defaults_of_the_graph(message: str, field: str, default: object) -> None:
    """Defaults that shape a graph, as the OD API's protos set them."""
    part = parse_pipeline(BARE).message.model
    for name in message.split("."):
        part = getattr(part, name)
    assert getattr(part, field) == default
    assert not part.HasField(field)


def test_rewriter_without_quantization_is_a_float_model() -> None:
    """Only the quantization message inside graph_rewriter says that ranges were trained."""
    assert not parse_pipeline(BARE + " graph_rewriter {}").is_quantized
    assert parse_pipeline(BARE + " graph_rewriter { quantization {} }").is_quantized


def test_retired_field_is_told() -> None:
    """The field of early archives is let pass and listed."""
    config = parse_pipeline(
        "model { ssd {\n feature_extractor { batch_norm_trainable: true\n use_depthwise: true } } }"
    )
    (dropped,) = config.dropped
    assert dropped.name == "model.ssd.feature_extractor.batch_norm_trainable"
    assert dropped.line == 2
    assert dropped.reason == "in the OD API until April 2018; without effect on inference"
    assert config.message.model.ssd.feature_extractor.use_depthwise


def test_config_cannot_be_changed(config_text: str) -> None:
    """The wrapper is frozen."""
    config = parse_pipeline(config_text)
    with pytest.raises(FrozenInstanceError, match="source"):
        config.source = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("faster_rcnn { num_classes: 3 }", "Faster R-CNN"),
        ("faster_rcnn { number_of_stages: 3 }", "Mask R-CNN"),
        (
            "faster_rcnn { second_stage_box_predictor"
            " { mask_rcnn_box_predictor { predict_instance_masks: true } } }",
            "Mask R-CNN",
        ),
        (
            "faster_rcnn { second_stage_box_predictor { rfcn_box_predictor { crop_width: 3 } } }",
            "R-FCN",
        ),
        ("faster_rcnn { context_config { any: 1 } }", "Context R-CNN"),
        ("center_net { object_detection_task { task_loss_weight: 1 } }", "CenterNet"),
        ("experimental_model { name: 'mine' }", "the experimental model 'mine'"),
    ],
)
def test_other_architecture_is_refused_by_name(model: str, name: str) -> None:
    """The error says what the model is, where that stands, and what to take instead."""
    complaint = (
        rf"^{name} is not an SSD \(toy, line 2, model.{model.split()[0]}\): .*SSD models only"
    )
    with pytest.raises(ConfigError, match=complaint):
        parse_pipeline(f"model {{\n {model} }} train_config {{ junk: 1 }}", "toy")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("train_config {}", r"no model \(toy, line 1\): expected model \{ ssd"),
        ("eval_config {}\nmodel {}", r"the model is empty \(toy, line 2, model\)"),
    ],
)
def test_text_without_a_model_is_refused(text: str, complaint: str) -> None:
    """A config without a model, or with an empty one, is told apart from a broken one."""
    with pytest.raises(ConfigError, match=complaint):
        parse_pipeline(text, "toy")


@pytest.mark.parametrize(
    "resizer",
    [
        "keep_aspect_ratio_resizer",
        "identity_resizer",
        "conditional_shape_resizer",
        "pad_to_multiple_resizer",
    ],
)
def test_input_size_that_is_not_fixed_is_refused(resizer: str) -> None:
    """The config is read, only its input size is not to be had; the resizer is named."""
    config = parse_pipeline(f"model {{ ssd {{\n image_resizer {{ {resizer} {{}} }} }} }}", "toy")
    complaint = rf"line 2, model.ssd.image_resizer\).*got {resizer}; use fixed_shape_resizer HxW"
    with pytest.raises(ConfigError, match=complaint):
        _ = config.input_size


@pytest.mark.parametrize(
    ("ssd", "name", "complaint"),
    [
        ("", "input_size", r"input size is not fixed \(toy, line 1, model.ssd\).*no image_resizer"),
        (
            "image_resizer { fixed_shape_resizer {\n width: 0 } }",
            "input_size",
            r"width must be positive \(toy, line 2, .*\): got 0",
        ),
        (
            "image_resizer { fixed_shape_resizer {\n height: -1 } }",
            "input_size",
            r"height must be positive \(toy, line 2, .*\): got -1",
        ),
        (
            "",
            "num_classes",
            r"num_classes must be positive \(toy, line 1, model.ssd\): got not set",
        ),
        ("\nnum_classes: -2", "num_classes", r"positive \(toy, line 2, .*\): got -2"),
        ("", "box_coder_scales", "cannot be decoded .*faster_rcnn_box_coder, got no box_coder"),
        (
            "\nbox_coder { mean_stddev_box_coder {} }",
            "box_coder_scales",
            r"cannot be decoded .*line 2, model.ssd.box_coder\).*got mean_stddev_box_coder",
        ),
        ("", "feature_extractor_type", r"extractor has no type \(toy, line 1, model.ssd\)"),
        (
            "\nfeature_extractor { type: '' }",
            "feature_extractor_type",
            r"no type \(toy, line 2, model.ssd.feature_extractor\)",
        ),
    ],
)
def test_value_that_cannot_be_used_is_refused(ssd: str, name: str, complaint: str) -> None:
    """The error comes when the value is asked for, with the nearest line."""
    config = parse_pipeline(f"model {{ ssd {{ {ssd} }} }}", "toy")
    with pytest.raises(ConfigError, match=complaint):
        getattr(config, name)


def test_file_is_read(tmp_path: Path, config_text: str) -> None:
    """The source is the archive's folder and the file, not the path of this machine."""
    path = tmp_path / "ssd_toy_2018" / "pipeline.config"
    path.parent.mkdir()
    path.write_text(config_text, encoding="utf-8-sig", newline="\r\n")
    config = load_pipeline(path)
    assert config.message == parse_pipeline(config_text).message
    assert config.where("model.ssd.box_coder.unset") == (
        "ssd_toy_2018/pipeline.config, line 17, model.ssd.box_coder"
    )
    assert config.where("graph_rewriters") == "ssd_toy_2018/pipeline.config"


def test_missing_file_is_told(tmp_path: Path) -> None:
    """A path that leads nowhere is an artefact's fault, not the text's."""
    with pytest.raises(ArtefactMissing, match=r"no such pipeline\.config"):
        load_pipeline(tmp_path / "pipeline.config")


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder is called one, and the config that lies in it is offered."""
    with pytest.raises(ConfigError, match=r"this is a folder .*expected a pipeline\.config"):
        load_pipeline(tmp_path)
    (tmp_path / "pipeline.config").touch()
    with pytest.raises(ConfigError, match=r"name the file inside: .*pipeline\.config"):
        load_pipeline(tmp_path)


def test_a_config_in_the_current_folder_has_no_folder_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``bare.config`` is not reported as ``/bare.config``."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtefactMissing, match=r"\(bare\.config\)"):
        load_pipeline(Path("bare.config"))


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", r"this is an empty file \(.*/pipeline.config\): expected a pipeline.config"),
        (b"model {\n\n \xff\xfe }", r"not a text file \(.*line 3\).*got byte 0xff; give the pipe"),
        (b"\n\x08\x01\x00\x12", r"not a text file \(.*line 2\).*got a zero byte"),
        ("# Größe".encode("latin-1"), r"not a text file \(.*line 1\).*got byte 0xf6"),
    ],
)
def test_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, complaint: str) -> None:
    """An empty file, a graph, or another encoding is named for what it is."""
    path = tmp_path / "pipeline.config"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=complaint):
        load_pipeline(path)
