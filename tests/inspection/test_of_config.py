"""A pipeline.config is described as an architecture, with what matters apart from what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_ssd

from validation.errors import ArtefactMissing, ConfigError
from validation.inspection.of_config import config_facts, inspect_config
from validation.inspection.text_of_config import text_of_config
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text


def test_architecture_of_a_small_ssd() -> None:
    """Every fact of the text, and no problem."""
    facts = config_facts(small_ssd.config())
    assert (facts.extractor, facts.depth_multiplier) == ("ssd_mobilenet_v1", 0.125)
    assert facts.preprocessing is not None
    assert (facts.preprocessing.height, facts.preprocessing.width) == (64, 96)
    assert facts.preprocessing.wanted == pytest.approx((-1, 1))
    assert facts.anchors is not None
    assert facts.anchors.per_cell == (3, 6, 6, 6, 6, 6)
    assert facts.anchors.count is None
    assert facts.box_coder_scales == (10, 10, 5, 5)
    assert (facts.max_detections_per_class, facts.max_total_detections) == (20, 30)
    assert (facts.quantised, facts.problems) == (None, ())


def test_anchors_of_a_pyramid_are_counted() -> None:
    """128 pixels, levels 3 to 7: 16, 8, 4, 2 and 1 cells a side."""
    facts = config_facts(small_ssd.config(small_ssd.PYRAMID_TEXT))
    assert facts.anchors is not None
    assert facts.anchors.per_cell == (6,) * 5
    assert facts.anchors.count == 6 * (256 + 64 + 16 + 4 + 1)


def test_count_is_that_of_the_generator() -> None:
    """The formula for pyramids agrees with the anchors of the generator."""
    from validation.graphs.anchors import anchor_generator

    config = small_ssd.config(small_ssd.PYRAMID_TEXT)
    generator = anchor_generator(config.message.model.ssd.anchor_generator, "here")
    corners = generator.corners([(side, side) for side in (16, 8, 4, 2, 1)], (128, 128))
    facts = config_facts(config)
    assert facts.anchors is not None
    assert facts.anchors.count == len(corners)


def test_matters_and_ignored_are_apart() -> None:
    """Training's parts are named with their line; the fields of the graph with their value."""
    text = small_ssd.TEXT.replace(
        "box_coder {", "loss { hard_example_miner { } }\n    box_coder {", 1
    )
    text += "train_config { batch_size: 24 }\neval_config { use_moving_averages: true }\n"
    facts = config_facts(parse_pipeline(text))
    matters = {field.name: field for field in facts.matters}
    assert matters["model.ssd.num_classes"].value == "3"
    assert matters["model.ssd.num_classes"].line == 3
    assert matters["eval_config.use_moving_averages"].value == "true"
    assert not any("loss" in name or "train_config" in name for name in matters)
    assert set(facts.ignored) == {"model.ssd.loss", "train_config"}
    assert facts.use_moving_averages
    text = text_of_config(facts)
    assert text.index("Fields that the graph depends on") < text.index("model.ssd.num_classes")
    assert text.index("Read by training only") < text.index("model.ssd.loss")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "fixed_shape_resizer { height: 64 width: 96 }",
            "keep_aspect_ratio_resizer { }",
            "the input size is not fixed",
        ),
        ('"ssd_mobilenet_v1"', '"ssd_mobilenet_v2_keras"', "belongs to the TensorFlow 2 OD API"),
        ("num_classes: 3", "num_classes: 3 add_background_class: false", "add_background_class"),
        ("num_classes: 3", "", "num_classes must be positive"),
        ("faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 }",
         "square_box_coder { }", "cannot be decoded"),
    ],
)  # fmt: skip
def test_problems_do_not_hide_the_rest(old: str, new: str, said: str) -> None:
    """What cannot be built is said, and everything else is still described."""
    assert old in small_ssd.TEXT
    facts = config_facts(parse_pipeline(small_ssd.TEXT.replace(old, new)))
    (problem,) = facts.problems
    assert said in problem
    assert facts.max_total_detections == 30
    assert problem in text_of_config(facts)


@pytest.mark.parametrize("name", sorted(load_synthetic()))
def test_every_family_is_told(name: str) -> None:
    """Each config of the project's own table has an architecture and no problem."""
    model = load_synthetic()[name]
    facts = config_facts(parse_pipeline(pipeline_text(model), name))
    assert facts.problems == ()
    assert facts.preprocessing is not None
    assert (facts.quantised is not None) is ("graph_rewriter" in model.values)


def test_errors_are_those_of_the_reader(tmp_path: Path) -> None:
    """Missing, binary, and another architecture."""
    path = tmp_path / "pipeline.config"
    with pytest.raises(ArtefactMissing):
        inspect_config(path)
    path.write_text("model { faster_rcnn { } }")
    with pytest.raises(ConfigError, match="Faster R-CNN is not an SSD"):
        inspect_config(path)
