"""Graph and pipeline.config must agree; where they do not, both values are named."""

import dataclasses

import pytest
from miniatures import Miniature, write_config

from validation.errors import ConfigError, GraphConfigMismatch
from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph, require_agreement
from validation.export.ssd_reading import read_ssd
from validation.pipeline.config import load_pipeline

DIFFERENCES = {
    "num_classes": ({"num_classes": 3}, "num_classes: graph 2, config 3"),
    "height": ({"height": 56}, r"image_resizer: graph \(48, 64\), config \(56, 64\)"),
    "swapped": ({"height": 64, "width": 48}, r"image_resizer: .*\(48, 64\), config \(64, 48\)"),
    "scales": (
        {"box_coder_scales": (10.0, 10.0, 5.0, 5.5)},
        r"box_coder scales.*graph \(10.0, 10.0, 5.0, 5.0\), config \(10.0, 10.0, 5.0, 5.5\)",
    ),
    "converter": ({"score_converter": "SOFTMAX"}, "score_converter: graph SIGMOID, config SOFTMAX"),
    "score": ({"score_threshold": 0.3}, "score_threshold: graph 9.99.*e-09, config 0.30"),
    "iou": ({"iou_threshold": 0.5}, "iou_threshold: graph 0.600.*, config 0.5"),
    "per class": ({"per_class": 100}, "max_detections_per_class: graph 12, config 100"),
    "total": ({"total": 100}, "max_total_detections: graph 20, config 100"),
}


@pytest.fixture
def compare(graph_of, tmp_path):
    """Compare the default miniature's graph with a config that says otherwise."""

    def compare_with(**overrides):
        config = load_pipeline(write_config(tmp_path / "pipeline.config", **overrides))
        require_agreement(read_ssd(graph_of()), 2, config, "frozen.pb")

    return compare_with


@pytest.mark.parametrize(("overrides", "message"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_difference_names_both_values(compare, overrides, message):
    """One field, one complaint, and no other field in it."""
    with pytest.raises(
        GraphConfigMismatch, match=rf"disagree \(frozen.pb\): got {message}"
    ) as error:
        compare(**overrides)
    assert str(error.value.got).count("graph ") == 1
    assert error.value.next_step == "use the pipeline.config that the graph was exported with"


def test_all_differences_are_told_at_once(compare):
    """Nobody should have to run it eight times."""
    everything = {
        key: value for overrides, _ in DIFFERENCES.values() for key, value in overrides.items()
    }
    with pytest.raises(GraphConfigMismatch) as error:
        compare(**everything)
    assert str(error.value.got).count("graph ") == 8
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "miniature",
    [
        Miniature(),
        Miniature(score_threshold=0.3, iou_threshold=0.45, nms_op="V2"),
        Miniature(box_coder_scales=None, score_converter="SOFTMAX", num_classes=1),
        Miniature(box_coder_scales=(0.1, 0.2, 0.3, 0.7), height=56),
    ],
    ids=["default", "thresholds", "no scales", "odd scales"],
)
def test_config_of_the_graph_agrees(graph_of, tmp_path, miniature):
    """Numbers that float32 cannot hold exactly are equal when they round to the same."""
    config = load_pipeline(write_config(tmp_path / "pipeline.config", miniature))
    export = export_from_graph(graph_of(miniature), ExportOptions(), config=config)
    assert export.contract.num_classes == miniature.num_classes


def test_export_compares_where_a_config_is_given(graph_of, tmp_path):
    """The exporter itself refuses; the file's name is in the message."""
    config = load_pipeline(write_config(tmp_path / "pipeline.config", num_classes=90))
    with pytest.raises(GraphConfigMismatch, match=r"\(g.pb\): got num_classes: graph 2, config 90"):
        export_from_graph(graph_of(), ExportOptions(), config=config, where="g.pb")


def test_config_with_another_resizer_is_refused(compare):
    """keep_aspect_ratio_resizer has no size to compare."""
    with pytest.raises(ConfigError, match=r"not fixed.*keep_aspect_ratio_resizer"):
        compare(resizer="keep_aspect")


def test_every_field_of_the_reading_is_compared(compare):
    """The table above covers all that graph and config both say."""
    fields = {"num_classes", "height", "width", "box_coder_scales", "score_converter"}
    fields |= {"score_threshold", "iou_threshold", "per_class", "total"}
    tried = {key for overrides, _ in DIFFERENCES.values() for key in overrides}
    assert tried == fields
    rest = {field.name for field in dataclasses.fields(Miniature)} - fields
    wiring = {"nms_op", "normalisation", "squeeze_outside", "resizer", "architecture"}
    assert rest == wiring | {"cut_first", "logit_scale"}
    compare()
