"""From a bare checkpoint and its config, without .meta and without a frozen graph."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import small_ssd
from zoo_archives import QUANTISED_LAYOUT

from validation.errors import GraphError, NotSsdGraph
from validation.export.archive_writer import PREFIX
from validation.export.checkpoint import checkpoint_shapes, open_checkpoint, write_checkpoint
from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import freeze, prune
from validation.export.from_checkpoint import (
    body_graph,
    built_once,
    export_from_checkpoint,
    export_model,
    export_of_body,
    export_with_constants,
)
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport, read_graph
from validation.inference.graph import GraphDetector
from validation.runtimes.session import SessionRuntime
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    DETECTION_OUTPUTS,
    INPUT_NAME,
    POSTPROCESS_NAME,
)

_RAW = [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME]
_QUANTISED = small_ssd.TEXT + "graph_rewriter { quantization { delay: 100 } }\n"


@pytest.fixture(scope="module")
def archive(small_zoo: Path) -> Path:
    """A small archive of a true architecture."""
    return small_zoo / "small"


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same architecture as if it had been trained with quantisation."""
    folder = tmp_path_factory.mktemp("quantised")
    return small_ssd.write_small_archive(folder, _QUANTISED)


def _export(archive: Path, options: ExportOptions | None = None, text: str = small_ssd.TEXT):
    prefix = archive / PREFIX
    return export_from_checkpoint(
        small_ssd.config(text), prefix, open_checkpoint(prefix), options or ExportOptions()
    )


@pytest.fixture(scope="module")
def exported(archive: Path) -> GraphExport:
    """The float archive's export of checkpoint and config; not to be changed."""
    return _export(archive)


@pytest.fixture(scope="module")
def quantised_export(quantised: Path) -> GraphExport:
    """The quantised archive's export of checkpoint and config; not to be changed."""
    return _export(quantised, text=_QUANTISED)


@pytest.fixture(scope="module")
def expected(exported: GraphExport) -> list[np.ndarray]:
    """Raw outputs of the float archive."""
    return _raw_outputs(exported)


@pytest.fixture(scope="module")
def quantised_outputs(quantised_export: GraphExport) -> list[np.ndarray]:
    """Raw outputs of the quantised archive."""
    return _raw_outputs(quantised_export)


def _raw_outputs(export: GraphExport) -> list[np.ndarray]:
    image = np.random.default_rng(0).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    return evaluate(prune(export.graph, _RAW), _RAW, {INPUT_NAME: image})


def test_archive_has_the_zoos_layout(archive: Path) -> None:
    """What a float archive of the zoo holds, no more and no less."""
    assert sorted(path.name for path in archive.iterdir()) == [
        "checkpoint",
        "frozen_inference_graph.pb",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
        "model.ckpt.meta",
        "pipeline.config",
        "saved_model",
    ]


def test_all_routes_lead_to_one_model(
    archive: Path, exported: GraphExport, expected: list[np.ndarray]
) -> None:
    """Checkpoint with config, frozen graph, frozen constants, and .meta with checkpoint."""
    frozen = read_graph(archive / "frozen_inference_graph.pb")
    prefix = archive / PREFIX
    others = [
        export_with_constants(small_ssd.config(), frozen),
        export_from_graph(frozen, ExportOptions(), config=small_ssd.config()),
        export_from_graph(
            read_graph(archive / f"{PREFIX}.meta"),
            ExportOptions(),
            values=open_checkpoint(prefix),
        ),
    ]
    for other in others:
        np.testing.assert_allclose(other.anchors, exported.anchors, atol=1e-6)
        assert other.contract.postprocess == exported.contract.postprocess
        for found, wanted in zip(_raw_outputs(other), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_both_forms_and_the_flags(archive: Path) -> None:
    """The exporter's flags mean what they mean on the graph route."""
    ten = _export(archive, ExportOptions(max_detections=10, use_regular_nms=False))
    assert ten.contract.postprocess.max_detections == 10
    assert not ten.contract.postprocess.use_regular_nms
    assert any(node.op == POSTPROCESS_NAME for node in ten.graph.node)
    raw = _export(archive, ExportOptions(add_postprocessing_op=False))
    assert not raw.add_postprocessing_op
    assert all(node.op != POSTPROCESS_NAME for node in raw.graph.node)


def test_model_keeps_its_own_numbers_of_detections(exported: GraphExport) -> None:
    """Flags that are not set take the config's values."""
    attributes = exported.contract.postprocess
    assert (attributes.max_detections, attributes.detections_per_class) == (30, 20)


def test_built_inference_graph_detects(archive: Path) -> None:
    """image_tensor of any size in; boxes inside the image, classes from 1 on, in order."""
    image = np.random.default_rng(1).integers(0, 256, (40, 70, 3), np.uint8)
    with SessionRuntime(archive / "frozen_inference_graph.pb", DETECTION_OUTPUTS) as runtime:
        found = GraphDetector(runtime).detect(image)
    assert 0 < len(found) <= 30
    assert set(found.classes) <= {1, 2, 3}
    assert list(found.scores) == sorted(found.scores, reverse=True)
    boxes = np.array(found.boxes)
    assert boxes.min() >= 0
    assert boxes.max() <= 1


def test_checkpoint_of_another_model_is_refused(archive: Path) -> None:
    """With the cause, before anything is written."""
    text = small_ssd.TEXT.replace("num_classes: 3", "num_classes: 7")
    with pytest.raises(GraphError, match=r"num_classes: 3; the config says 7"):
        _export(archive, text=text)


def test_constants_of_another_model_are_refused(archive: Path) -> None:
    """A frozen graph and a config of different width."""
    text = small_ssd.TEXT.replace("depth_multiplier: 0.125", "depth_multiplier: 0.25")
    frozen = read_graph(archive / "frozen_inference_graph.pb")
    with pytest.raises(GraphError, match="variables are not in the checkpoint"):
        export_with_constants(small_ssd.config(text), frozen)


def test_float_checkpoint_of_a_quantised_config_is_refused(archive: Path) -> None:
    """It has no ranges, and its config should not ask for any."""
    with pytest.raises(
        GraphError,
        match=r"no quantisation ranges .*remove graph_rewriter \(small/pipeline.config, line \d+, "
        r"graph_rewriter\) or take the QAT checkpoint",
    ):
        _export(archive, text=_QUANTISED)


def test_quantised_archive_has_the_zoos_layout(quantised: Path) -> None:
    """No frozen inference graph, but the graph that TFLite converts."""
    assert sorted(path.name for path in quantised.iterdir()) == list(QUANTISED_LAYOUT)
    graph = read_graph(quantised / "tflite_graph.pb")
    (node,) = [node for node in graph.node if node.op == POSTPROCESS_NAME]
    most = small_ssd.config(_QUANTISED).max_total_detections
    assert (node.attr["max_detections"].i, node.attr["use_regular_nms"].b) == (most, True)
    assert read_graph(quantised / "tflite_graph.pbtxt") == graph


def test_quantised_routes_lead_to_one_model(
    quantised: Path, quantised_export: GraphExport, quantised_outputs: list[np.ndarray]
) -> None:
    """Checkpoint with config, .meta with checkpoint, and the shipped graph: bit for bit."""
    prefix = quantised / PREFIX
    config = small_ssd.config(_QUANTISED)
    built = quantised_export
    cut = export_from_graph(
        read_graph(prefix.with_suffix(".ckpt.meta")),
        ExportOptions(),
        config=config,
        values=open_checkpoint(prefix),
    )
    shipped = dataclasses.replace(built, graph=read_graph(quantised / "tflite_graph.pb"))
    assert _fake_quants(built) == _fake_quants(cut) == _fake_quants(shipped) == 2 * 47
    for other in (cut, shipped):
        for found, expected in zip(_raw_outputs(other), quantised_outputs, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_quantised_model_is_its_float_twin_but_for_rounding(
    quantised: Path, quantised_outputs: list[np.ndarray]
) -> None:
    """Folding and rounding move the outputs a little, and they do move them."""
    values = open_checkpoint(quantised / PREFIX)
    built = built_once(small_ssd.config())
    rebuilt = export_of_body(freeze(body_graph(built), values), built)
    for found, expected in zip(quantised_outputs, _raw_outputs(rebuilt), strict=True):
        error = np.abs(found - expected)
        assert error.max() > 0
        assert error.mean() < 0.2 * expected.std()


def test_quantised_checkpoint_of_a_float_config_is_refused(quantised: Path) -> None:
    """Its ranges would be lost in silence."""
    with pytest.raises(GraphError, match=r"its 188 quantisation ranges .*would be unused"):
        _export(quantised)


def test_configs_of_one_graph_have_it_built_once() -> None:
    """What training and evaluation are told plays no part; another model has its own graph."""
    first = built_once(small_ssd.config())
    others = "train_config { batch_size: 3 } eval_config { use_moving_averages: true }\n"
    assert built_once(small_ssd.config(small_ssd.TEXT + others)) is first
    assert built_once(small_ssd.config(_QUANTISED)) is not first
    assert built_once(small_ssd.config()) is first


def _fake_quants(export: GraphExport) -> int:
    return sum(node.op == "FakeQuantWithMinMaxVars" for node in export.graph.node)


def test_averages_go_in_where_the_config_asks(
    archive: Path, expected: list[np.ndarray], tmp_path: Path
) -> None:
    """eval_config.use_moving_averages picks the averaged weights."""
    values = open_checkpoint(archive / PREFIX)
    shapes = checkpoint_shapes(archive / PREFIX)
    named = {name: values(name) for name in shapes if name != "global_step"}
    weights = [name for name in named if name.endswith("weights")]
    averages = {f"{name}/ExponentialMovingAverage": named[name] * 0 for name in weights}
    write_checkpoint(tmp_path / PREFIX, {**named, **averages})
    text = small_ssd.TEXT + "eval_config { use_moving_averages: true }\n"
    boxes, _ = _raw_outputs(_export(tmp_path, text=text))
    # Weights of zero leave the heads' biases alone: every anchor of a layer says the same.
    assert np.ptp(boxes[0, :4], axis=0).max() < np.ptp(expected[0])


def test_training_meta_falls_back_to_the_config(archive: Path, tmp_path: Path) -> None:
    """A .meta that is no inference graph does not stop an export that has a config."""
    meta = tmp_path / "model.ckpt.meta"
    meta.write_bytes(_foreign_meta())
    prefix = archive / PREFIX
    export, route = export_model(meta, prefix, small_ssd.config(), ExportOptions())
    assert route == "built from small/pipeline.config and model.ckpt"
    assert export.contract.num_classes == 3
    with pytest.raises(NotSsdGraph, match="not an inference graph of the OD API"):
        export_model(meta, prefix, None, ExportOptions())


def test_inference_graph_goes_first(archive: Path) -> None:
    """What was trained is believed before what a config says of it."""
    meta = archive / f"{PREFIX}.meta"
    _, route = export_model(meta, archive / PREFIX, small_ssd.config(), ExportOptions())
    assert route == "cut out of model.ckpt.meta"


def test_nothing_to_export_from() -> None:
    """Neither a graph nor a checkpoint with its config."""
    with pytest.raises(NotSsdGraph, match="nothing to export from"):
        export_model(None, None, None, ExportOptions())


def _foreign_meta() -> bytes:
    from tensorflow.core.protobuf import meta_graph_pb2

    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.node.add(name="train/step", op="NoOp")
    return meta.SerializeToString()
