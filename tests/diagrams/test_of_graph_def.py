"""Operations of a GraphDef: on the way to the outputs, loops and dead ends included."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest
from tensorflow.core.framework import graph_pb2

from validation.diagrams.drawing import drawn
from validation.diagrams.folding import FoldedGraph, fold
from validation.diagrams.of_graph_def import graph_def_operations
from validation.diagrams.sections import Section
from validation.errors import GraphError
from validation.export.evaluation import graph_tensors
from validation.export.graph_io import read_graph
from validation.specs.tensors import TensorSpec

_BUNDLED = Path(__file__).parents[2] / "validation" / "zoo" / "bundled"


def _graph(*nodes: tuple[str, str, list[str]]) -> Any:
    graph = graph_pb2.GraphDef()
    for op, name, inputs in nodes:
        node = graph.node.add()
        node.op, node.name = op, name
        node.input.extend(inputs)
    return graph


def _bundled(archive: str, member: str, folder: Path) -> Path:
    with tarfile.open(_BUNDLED / f"{archive}.tar.gz") as tar:
        tar.extract(f"{archive}/{member}", folder, filter="data")
    return folder / archive / member


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> FoldedGraph:
    """The bundled ssd_mobilenet_v1's inference graph, folded."""
    folder = tmp_path_factory.mktemp("frozen")
    graph = read_graph(_bundled("ssd_mobilenet_v1", "frozen_inference_graph.pb", folder))
    return fold(graph_def_operations(graph, "frozen.pb", graph_tensors(graph)))


def test_an_inference_graph_is_folded_by_scope(frozen: FoldedGraph) -> None:
    """Of hundreds of nodes a person sees some thirty, with every part of the detector."""
    assert len(frozen.blocks) < 35
    sections = {block.section for block in frozen.blocks}
    assert sections == set(Section) - {Section.HEADS, Section.ANCHORS, Section.OTHER}
    titles = [block.title for block in frozen.blocks]
    assert titles[:2] == ["Preprocessor", "Conv2d_0"]
    assert titles.count("BoxPredictor_3") == 2
    assert "layer 3 after Conv2d_13_pointwise" in titles


def test_outputs_have_their_own_names(frozen: FoldedGraph) -> None:
    """Identities are folded away, and what they were called is not."""
    ends = {node.title for node in drawn(frozen).nodes if node.is_end}
    detections = {"detection_boxes", "detection_scores", "detection_classes", "num_detections"}
    assert ends == {"image_tensor", *detections}


def test_a_graph_trained_for_quantisation(tmp_path: Path) -> None:
    """FakeQuant of weights is told with their reader, of activations beside their maker."""
    graph = read_graph(_bundled("ssd_mobilenet_v1_quantized", "tflite_graph.pb", tmp_path))
    folded = fold(graph_def_operations(graph, "graph.pb", graph_tensors(graph)))
    drawing = drawn(folded).nodes
    nodes = {node.title: node for node in drawing if not node.is_end}
    ((what, facts, weights, _),) = nodes["Conv2d_0"].rows
    assert what.startswith("Conv2D") and what.endswith("FakeQuant")
    assert "stride 2" in facts
    assert weights == "fake-quantised"
    assert "8 classes, at most 100 detections" in nodes["TFLite_Detection_PostProcess"].rows[0]
    assert sum(node.is_end for node in drawing) == 5
    assert any("FakeQuant nodes" in note for note in folded.graph.notes)


def test_constants_identities_and_dead_ends_are_left_out() -> None:
    """Only what the outputs depend on, less what does not depend on the input."""
    graph = _graph(
        ("Placeholder", "image", []),
        ("Const", "weights", []),
        ("Identity", "weights/read", ["weights"]),
        ("Mul", "weights/scaled", ["weights/read", "weights"]),
        ("Identity", "passed", ["image"]),
        ("Conv2D", "raw_outputs/box_encodings", ["passed", "weights/scaled", "^passed"]),
        ("Assert", "dead/end", ["image"]),
    )
    specs = {"image:0": TensorSpec("image:0", "float32", (1, 8, 8, 3))}
    read = graph_def_operations(graph, "graph.pb", specs)
    (convolution,) = read.operations
    assert convolution.inputs == read.inputs == ("image:0",)
    assert read.outputs == ("raw_outputs/box_encodings:0",)
    assert read.tensors["image:0"].shape == (1, 8, 8, 3)


def test_without_known_outputs_what_nothing_reads_is_one() -> None:
    """Any TensorFlow graph can be drawn, not detectors alone."""
    graph = _graph(
        ("Placeholder", "x", []),
        ("Relu", "a/b/y", ["x"]),
        ("Split", "a/c/z", ["a/b/y"]),
        ("Add", "sum", ["a/c/z:0", "a/c/z:3"]),
    )
    read = graph_def_operations(graph, "graph.pb", {})
    assert read.outputs == ("sum:0",)
    assert read.operations[1].outputs == ("a/c/z:0", "a/c/z:3")
    assert [block.title for block in fold(read).blocks] == ["a/b/y", "a/c/z", "sum"]


def test_a_loop_is_one_block() -> None:
    """Back edges go through it and do not tear it apart; the order of the file may be any."""
    scope = "Postprocessor/NMS/while"
    nodes = [
        ("Placeholder", "image", []),
        ("Enter", f"{scope}/Enter", ["image"]),
        ("Merge", f"{scope}/Merge", [f"{scope}/Enter", f"{scope}/Next"]),
        ("Switch", f"{scope}/Switch", [f"{scope}/Merge", f"{scope}/Merge"]),
        ("Abs", f"{scope}/Body", [f"{scope}/Switch:1"]),
        ("NextIteration", f"{scope}/Next", [f"{scope}/Body"]),
        ("Exit", f"{scope}/Exit", [f"{scope}/Switch"]),
        ("Identity", "detection_boxes", [f"{scope}/Exit"]),
    ]
    for order in (nodes, nodes[::-1]):
        folded = fold(graph_def_operations(_graph(*order), "graph.pb", {}))
        assert [block.title for block in folded.blocks] == ["Postprocessor/NMS"]
        assert len(folded.blocks[0].operations) == 6


def test_a_graph_of_constants_gives_an_empty_picture() -> None:
    """Nothing moves, so there is nothing to draw, and nothing fails."""
    read = graph_def_operations(_graph(("Const", "a", []), ("Neg", "b", ["a"])), "graph.pb", {})
    assert read.operations == ()
    assert drawn(fold(read)).edges == ()


def test_reading_leaves_the_graph_as_it_was() -> None:
    """The graph may be somebody else's: attributes that are asked for are not made."""
    graph = _graph(("Placeholder", "x", []), ("Conv2D", "y", ["x", "x"]))
    before = graph.SerializeToString()
    graph_def_operations(graph, "graph.pb", {})
    assert graph.SerializeToString() == before


def test_shapes_are_inferred_but_for_the_unknown_op(tmp_path: Path) -> None:
    """TensorFlow knows every tensor up to the post-processing op."""
    graph = read_graph(_bundled("ssd_mobilenet_v1_quantized", "tflite_graph.pb", tmp_path))
    specs = graph_tensors(graph)
    assert specs["normalized_input_image_tensor:0"].shape == (1, 160, 160, 3)
    assert specs["normalized_input_image_tensor:0"].dtype == "float32"
    assert not any(name.startswith("TFLite_Detection") for name in specs)


def test_a_graph_that_cannot_be_imported_is_told() -> None:
    """An op that no TensorFlow has."""
    with pytest.raises(GraphError, match="TensorFlow cannot import the graph"):
        graph_tensors(_graph(("NoSuchOp", "x", [])))
