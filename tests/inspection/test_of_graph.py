"""A graph is distinguished by its content, with what it converts to and why not."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import fake_quant_graph
import miniatures
import pytest
from google.protobuf import text_format
from tensorflow.core.framework import graph_pb2

from validation.errors import ArtefactError, CorruptGraph
from validation.inspection.kinds import kind_of
from validation.inspection.of_graph import GraphFacts, GraphKind, inspect_graph
from validation.inspection.text_of_graph import text_of_graph


def _facts(path: Path) -> GraphFacts:
    return inspect_graph(kind_of(path))


def test_exported_graph_with_ranges(files) -> None:
    """Convertible as it is, to uint8 and nothing else; every attribute as it stands."""
    facts = _facts(files.graph)
    assert (facts.graph, facts.not_convertible) == (GraphKind.EXPORTED, "")
    assert facts.variants == ("uint8", "uint8-raw")
    assert facts.fake_quant is not None
    assert facts.fake_quant.nodes == facts.ops["FakeQuantWithMinMaxVars"]
    assert facts.fake_quant.on_weights and facts.fake_quant.on_activations
    assert facts.fake_quant.bits == (8,)
    assert facts.postprocess is not None
    assert dataclasses.asdict(facts.postprocess) == pytest.approx(
        dataclasses.asdict(fake_quant_graph.ATTRIBUTES)
    )
    assert [end.role for end in facts.outputs] == ["boxes", "classes", "scores", "count"]
    assert facts.anchors == fake_quant_graph.NUM_ANCHORS
    assert facts.score_converter == "SIGMOID"
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == "tflite_graph.json beside the file"


def test_raw_float_graph(files) -> None:
    """Raw variants only; preprocessing by the extractor's scope, as no contract is there."""
    facts = _facts(files.raw)
    assert facts.variants == ("raw", "float16-raw", "dynamic-raw", "int8-raw")
    assert (facts.postprocess, facts.fake_quant) == (None, None)
    assert (facts.num_classes, facts.anchors) == (2, fake_quant_graph.NUM_ANCHORS)
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == "the extractor's scope in the graph"
    assert "none: a float graph" in text_of_graph(facts)


def test_inference_graph(files) -> None:
    """Not convertible as it is, and why; its own post-processing and preprocessing."""
    facts = _facts(files.frozen)
    assert facts.graph is GraphKind.INFERENCE
    assert "export it first" in facts.not_convertible
    assert facts.variants[0] == "float"
    assert facts.own_suppression is not None
    assert facts.own_suppression.max_total_detections == miniatures.DEFAULT.total
    assert facts.own_suppression.score_converter == "SIGMOID"
    assert [end.role for end in facts.outputs] == ["boxes", "scores", "classes", "count"]
    assert "from 1" in facts.outputs[2].meaning
    assert facts.num_classes == miniatures.DEFAULT.num_classes
    text = text_of_graph(facts)
    assert "no: it takes images of any size" in text
    assert "afterwards to  float, raw" in text


def test_inference_graph_for_images_of_one_size(tmp_path: Path) -> None:
    """Exported with a fixed --input_shape: the size is said where the image goes in."""
    path = tmp_path / "frozen_inference_graph.pb"
    facts = _facts(miniatures.write_frozen_graph(path, miniatures.Miniature(resizer="none")))
    assert facts.inputs[0].shape == (1, 48, 64, 3)
    assert "this size only" in facts.inputs[0].meaning
    assert facts.preprocessing is not None


def test_suffix_may_lie(files, tmp_path: Path) -> None:
    """Text under .pb and bytes under .tflite are read as what they are."""
    graph = graph_pb2.GraphDef.FromString(files.graph.read_bytes())
    (tmp_path / "m.pb").write_text(text_format.MessageToString(graph))
    shutil.copy(files.graph, tmp_path / "m.tflite")
    of_text, of_bytes = _facts(tmp_path / "m.pb"), _facts(tmp_path / "m.tflite")
    assert of_text.ops == of_bytes.ops == _facts(files.graph).ops


def test_meta_without_its_checkpoint(files, tmp_path: Path) -> None:
    """A graph with its variables."""
    path = Path(shutil.copy(f"{files.checkpoint}.meta", tmp_path / "lone.meta"))
    facts = _facts(path)
    assert facts.graph is GraphKind.INFERENCE
    assert facts.variables > 0
    assert "not frozen" in text_of_graph(facts)


def test_other_graphs_say_why(tmp_path: Path) -> None:
    """A Faster R-CNN by name; nothing it could be converted to."""
    model = miniatures.Miniature(architecture="faster_rcnn")
    facts = _facts(miniatures.write_frozen_graph(tmp_path / "rcnn.pb", model))
    assert (facts.graph, facts.variants) == (GraphKind.OTHER, ())
    assert facts.why.startswith("this is a Faster R-CNN")
    assert "no SSD" in text_of_graph(facts)


def test_old_exporters_left_attributes_out(files, tmp_path: Path) -> None:
    """The kernel's defaults are filled in, and named as such."""
    graph = graph_pb2.GraphDef.FromString(files.graph.read_bytes())
    node = next(node for node in graph.node if node.op == "TFLite_Detection_PostProcess")
    for name in ("use_regular_nms", "detections_per_class"):
        del node.attr[name]
    path = tmp_path / "old.pb"
    path.write_bytes(graph.SerializeToString())
    facts = _facts(path)
    assert facts.postprocess is not None
    assert facts.postprocess.detections_per_class == 100
    assert set(facts.defaulted) == {"use_regular_nms", "detections_per_class"}
    assert "the kernel's default" in text_of_graph(facts)


@pytest.mark.parametrize(
    "content",
    [None, b"\x00\xff" * 40, b"node { name: }", b"node { attr { " * 500],
    ids=["cut", "noise", "bad text", "deep text"],
)
def test_damage_is_one_error(files, tmp_path: Path, content: bytes | None) -> None:
    """Whatever the bytes are, they are called no graph."""
    path = tmp_path / "m.pb"
    whole = files.graph.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises((CorruptGraph, ArtefactError), match=r"m\.pb"):
        _facts(path)


def test_node_without_its_inputs(files, tmp_path: Path) -> None:
    """A graph that parses and cannot be followed is damaged, too."""
    graph = graph_pb2.GraphDef.FromString(files.frozen.read_bytes())
    for node in graph.node:
        if node.op == "Slice":
            del node.input[:]
    path = tmp_path / "m.pb"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(CorruptGraph, match="lacks an input or an attribute"):
        _facts(path)


def test_nodes_that_wait_for_each_other(files, tmp_path: Path) -> None:
    """Followed upward they would never end."""
    graph = graph_pb2.GraphDef.FromString(files.frozen.read_bytes())
    for name, source in (("a", "b"), ("b", "a")):
        graph.node.add(name=name, op="Identity").input.append(source)
    path = tmp_path / "m.pb"
    path.write_bytes(graph.SerializeToString())
    with pytest.raises(CorruptGraph, match="form a cycle"):
        _facts(path)
