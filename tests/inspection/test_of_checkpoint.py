"""A checkpoint is described by its names: weights, ranges, averages, slots, the graph beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf
from zoo_archives import zoo_archive

from validation.errors import GraphError
from validation.inspection.of_checkpoint import inspect_checkpoint
from validation.inspection.text_of_checkpoint import text_of_checkpoint


def _write(prefix: Path, shapes: dict[str, list[int]]) -> Path:
    prefix.parent.mkdir(parents=True, exist_ok=True)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        for name, shape in shapes.items():
            kind = tf.int64 if name == "global_step" else tf.float32
            value = tf.fill(shape, tf.cast(7, kind))
            tf.get_variable(name, initializer=value)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(prefix), write_state=False, write_meta_graph=False)
    return prefix


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with one of everything that training leaves."""
    weights = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    return _write(
        tmp_path_factory.mktemp("trained") / "model.ckpt-9",
        {
            weights: [3, 3, 3, 8],
            f"{weights}/ExponentialMovingAverage": [3, 3, 3, 8],
            f"{weights}/RMSProp": [3, 3, 3, 8],
            "FeatureExtractor/MobilenetV1/Conv2d_0/act_quant/min": [],
            "FeatureExtractor/MobilenetV1/Conv2d_0/act_quant/max": [],
            "BoxPredictor_0/ClassPredictor/biases": [9],
            "global_step": [],
        },
    )


def test_everything_is_counted_once(trained: Path) -> None:
    """Weights apart from averages and slots; step and scopes."""
    facts = inspect_checkpoint(trained)
    assert (facts.weights, facts.parameters) == (4, 3 * 3 * 3 * 8 + 2 + 9)
    assert (facts.ranges, facts.averages, facts.training_only) == (1, 1, 2)
    assert (facts.step, facts.missing) == (7, ())
    assert facts.detector == "an SSD of the TensorFlow 1 OD API"
    assert [scope.scope for scope in facts.scopes] == [
        "FeatureExtractor/MobilenetV1",
        "BoxPredictor_0/ClassPredictor",
    ]
    assert (facts.meta_graph, facts.has_config) == ("", False)
    assert len(facts.variables) == 7


def test_variables_are_listed_on_request(trained: Path) -> None:
    """A few scopes by default, each name and shape with everything."""
    facts = inspect_checkpoint(trained)
    name = "Conv2d_0/weights/RMSProp"
    assert name not in text_of_checkpoint(facts)
    listed = text_of_checkpoint(facts, everything=True)
    assert sum(each.name in listed for each in facts.variables) == 7
    assert "[3, 3, 3, 8]" in listed


def test_graph_beside_it_is_told(files) -> None:
    """The .meta of an archive holds the inference graph."""
    assert inspect_checkpoint(files.checkpoint).meta_graph == "the inference graph of an SSD"


def test_shards_that_are_missing(trained: Path, tmp_path: Path) -> None:
    """Names and shapes stand in the index alone; the step does not."""
    shutil.copy(f"{trained}.index", tmp_path)
    facts = inspect_checkpoint(tmp_path / trained.name)
    assert facts.missing == ("model.ckpt-9.data-*",)
    assert (facts.weights, facts.step) == (4, None)
    (tmp_path / "model.ckpt-9.data-00001-of-00002").touch()
    facts = inspect_checkpoint(tmp_path / trained.name)
    assert facts.missing == ("model.ckpt-9.data-00000-of-00002",)
    assert "missing" in text_of_checkpoint(facts)


def test_two_stages_are_no_ssd(tmp_path: Path) -> None:
    """Told by the scopes."""
    prefix = _write(tmp_path / "model.ckpt", {"FirstStageFeatureExtractor/conv1/weights": [1]})
    assert "Faster R-CNN" in inspect_checkpoint(prefix).detector


def test_index_that_is_none(tmp_path: Path) -> None:
    """One error with the checkpoint's name."""
    (tmp_path / "model.ckpt.index").write_bytes(b"no index")
    with pytest.raises(GraphError, match=r"cannot be opened \(model\.ckpt\)"):
        inspect_checkpoint(tmp_path / "model.ckpt")


def test_zoo_checkpoint_trained_with_quantisation() -> None:
    """The index of a zoo archive: ranges of every layer, averages and slots."""
    name = "ssd_mobilenet_v2_quantized_300x300_coco_2019_01_03"
    facts = inspect_checkpoint(zoo_archive(name, "model.ckpt.index") / "model.ckpt")
    assert (facts.ranges, facts.averages, facts.weights) == (154, 204, 632)
