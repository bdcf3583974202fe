"""SavedModels of TensorFlow 1 and 2 give what the frozen graph inside them gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from kind_samples import LFS
from miniature_cases import RAW_TENSORS
from miniatures import DEFAULT, build_graph, draw_picture, write_checkpoint
from saved_models import write_tf1, write_tf2

from validation.errors import ArtefactMissing, CorruptGraph, FeedError, GraphError
from validation.export.saved_model import graph_of_saved_model, read_saved_model
from validation.inference.graph import GraphDetector
from validation.inference.saved_model import SavedModelDetector
from validation.runtimes.saved_model import SavedModelRuntime
from validation.runtimes.session import SessionRuntime
from validation.specs.contracts import DETECTION_OUTPUTS


@dataclass(frozen=True)
class Models:
    """One miniature as a frozen graph and as both SavedModels."""

    graph: Any
    tf1: Path
    tf2: Path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """Not to be changed; the second lies in saved_model/, as exports have it."""
    folder = tmp_path_factory.mktemp("saved")
    graph = build_graph(DEFAULT).as_graph_def()
    named = {name: name for name in DETECTION_OUTPUTS}
    raw = {"raw_detection_boxes": RAW_TENSORS[0], "raw_detection_scores": RAW_TENSORS[1]}
    return Models(
        graph,
        write_tf1(folder / "tf1", graph, outputs=named | raw),
        write_tf2(folder / "tf2" / "saved_model", graph, raw=RAW_TENSORS),
    )


@pytest.fixture(scope="module", params=["tf1", "tf2"])
def detector(request: pytest.FixtureRequest, models: Models) -> Iterator[SavedModelDetector]:
    """Of either kind; TensorFlow 2's given by the folder above."""
    path = models.tf1 / "saved_model.pb" if request.param == "tf1" else models.tf2.parent
    with SavedModelRuntime(path, threads=1) as runtime:
        yield SavedModelDetector(runtime)


@pytest.fixture(scope="module")
def graph_runtime(models: Models) -> Iterator[SessionRuntime]:
    """The frozen graph with what enters its NMS."""
    with SessionRuntime(models.graph, (*DETECTION_OUTPUTS, *RAW_TENSORS)) as runtime:
        yield runtime


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_detections_are_those_of_the_frozen_graph(
    detector: SavedModelDetector, graph_runtime: SessionRuntime, seed: int
) -> None:
    """Images of any size, classes from 1 in both; rounding alone may differ."""
    image = np.asarray(draw_picture(seed))
    expected, got = GraphDetector(graph_runtime).detect(image), detector.detect(image)
    assert len(got) == len(expected) > 2
    assert got.classes.tolist() == expected.classes.tolist()
    assert got.classes.min() == 1
    np.testing.assert_allclose(got.scores, expected.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(got.boxes, expected.boxes, rtol=0, atol=1e-5)


def test_what_enters_the_nms_is_that_of_the_frozen_graph(
    detector: SavedModelDetector, graph_runtime: SessionRuntime
) -> None:
    """A row an anchor; the background's column comes first."""
    image = np.asarray(draw_picture(1))
    raw = detector.raw(image)
    out = graph_runtime.run({"image_tensor": image[np.newaxis]})
    assert raw.boxes.shape == (DEFAULT.num_anchors, 4)
    assert raw.scores.shape == (DEFAULT.num_anchors, DEFAULT.num_classes + 1)
    np.testing.assert_allclose(raw.boxes, out[RAW_TENSORS[0]].reshape(-1, 4), rtol=0, atol=1e-5)
    np.testing.assert_allclose(raw.scores, out[RAW_TENSORS[1]][0], rtol=0, atol=1e-5)


def test_a_feed_of_another_type_is_refused(models: Models) -> None:
    """Before TensorFlow sees it."""
    with (
        SavedModelRuntime(models.tf1) as runtime,
        pytest.raises(FeedError, match=r"another dtype.*uint8"),
    ):
        runtime.run({"inputs": np.zeros((1, 4, 4, 3), np.float32)})


def test_the_graph_of_tensorflow_1_is_the_frozen_one(models: Models) -> None:
    """Node by node; TensorFlow 2 holds functions, and has no graph that can be cut."""
    found = graph_of_saved_model(models.tf1)
    assert {node.name for node in found.node} <= {node.name for node in models.graph.node}
    assert all(node.op not in ("VariableV2", "VarHandleOp") for node in found.node)
    assert graph_of_saved_model(models.tf2) is None


def test_variables_are_frozen(tmp_path: Path, models: Models) -> None:
    """Some exporters keep them; the values are those beside the graph."""
    checkpoint = write_checkpoint(tmp_path / "trained")
    folder = write_tf1(
        tmp_path / "saved", build_graph(DEFAULT, frozen=False), checkpoint=checkpoint
    )
    found = graph_of_saved_model(folder)
    image = np.asarray(draw_picture(1))
    frozen, own = (
        GraphDetector(SessionRuntime(graph, DETECTION_OUTPUTS)).detect(image)
        for graph in (models.graph, found)
    )
    assert own == frozen
    shutil.rmtree(folder / "variables")
    with pytest.raises(ArtefactMissing, match=r"without its variables.*variables\.index with"):
        SavedModelRuntime(folder)


def test_a_graph_of_other_names_is_run_and_not_cut(tmp_path: Path) -> None:
    """Its signature says what comes out; there is no SSD of known scopes to read."""
    with tf.Graph().as_default() as scope:
        image = tf.placeholder(tf.uint8, [None, None, None, 3], "image_tensor")
        for name, shape in zip(DETECTION_OUTPUTS, ((1, 1, 4), (1, 1), (1, 1), (1,)), strict=True):
            tf.add(tf.ones(shape), tf.reduce_min(tf.cast(image, tf.float32)), name=name)
    folder = write_tf1(tmp_path / "other", scope.as_graph_def(), signatures=("detect",))
    assert read_saved_model(folder).signature == "detect"
    assert graph_of_saved_model(folder) is None
    with SavedModelRuntime(folder) as runtime:
        found = SavedModelDetector(runtime).detect(np.zeros((2, 3, 3), np.uint8))
    assert (found.scores.tolist(), found.classes.tolist()) == ([1], [1])


def test_several_signatures_are_not_chosen_from(tmp_path: Path, models: Models) -> None:
    """Without the usual one among them."""
    folder = write_tf1(tmp_path / "two", models.graph, signatures=("train", "detect"))
    with pytest.raises(GraphError, match=r"several signatures.*serving_default, got detect, train"):
        SavedModelRuntime(folder)


def test_what_is_no_saved_model_is_refused(tmp_path: Path, models: Models) -> None:
    """Missing, or cut off."""
    with pytest.raises(ArtefactMissing, match=r"no SavedModel.*saved_model\.pb"):
        SavedModelRuntime(tmp_path)
    data = (models.tf1 / "saved_model.pb").read_bytes()
    (tmp_path / "saved_model.pb").write_bytes(data[: len(data) // 2])
    with pytest.raises(CorruptGraph, match=r"only part of one.*do not parse"):
        read_saved_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(LFS)
    with pytest.raises(CorruptGraph, match=r"Git LFS pointer.*git lfs pull"):
        read_saved_model(tmp_path)


def test_variables_that_are_cut_off_are_said(tmp_path: Path, models: Models) -> None:
    """By what TensorFlow says of them, in one line."""
    folder = tmp_path / "saved_model"
    shutil.copytree(models.tf2, folder)
    next((folder / "variables").glob("*.data-*")).write_bytes(b"")
    with pytest.raises(GraphError, match=r"does not load.*got Read less bytes.*folder whole"):
        SavedModelRuntime(folder)
