"""Real graphs of the zoo against figures of the OD API's own builders, and of the converter.

The .meta graphs are the zoo's and not part of this repository; see tests/data/golden/README.md.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from zoo_archives import zoo_archive

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.exported import ExportOptions
from validation.export.freezing import variables
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import read_graph
from validation.export.processing_reading import NmsReading
from validation.export.ssd_reading import read_ssd
from validation.pipeline.config import load_pipeline
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME
from validation.tflite.facts import read_tflite

REPOSITORY = Path(__file__).parents[2]
_META = "model.ckpt.meta"
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
V1 = "ssd_mobilenet_v1_coco_2018_01_28"
# The float archives whose .meta graph could be had.
MODELS = (V1, "ssd_mobilenet_v2_coco_2018_03_29", "ssdlite_mobilenet_v2_coco_2018_05_09")
QUANTISED = (
    "ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18",
    "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync_2018_07_18",
)
RAW = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
# Another order of the same float32 sums; encodings reach 15, scores and anchors 1.
LIMITS = {BOX_ENCODINGS_NAME: 1e-3, CLASS_PREDICTIONS_NAME: 1e-4}
ANCHORS_LIMIT = 1e-5


def _seeded(shapes):
    """The weights of tests/data/golden/README.md."""

    def value(name):
        random = np.random.RandomState(zlib.crc32(name.encode()))
        shape = shapes[name]
        match name.rpartition("/")[2]:
            case "moving_mean" | "beta":
                values = random.normal(0, 0.1, shape)
            case "moving_variance":
                values = random.uniform(0.5, 1.5, shape)
            case "gamma":
                values = random.uniform(0.8, 1.2, shape)
            case "biases":
                values = random.normal(0, 0.05, shape)
            case "depthwise_weights":
                values = random.normal(0, np.sqrt(2 / (shape[0] * shape[1])), shape)
            case "weights":
                values = random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        return values.astype(np.float32)

    return value


@pytest.fixture(scope="module")
def golden_export():
    """Exports of the golden models with seeded weights, each made once."""
    made = {}

    def export(model):
        if model not in made:
            graph = read_graph(zoo_archive(model, _META) / _META)
            config = load_pipeline(zoo_archive(model, _META) / "pipeline.config")
            values = _seeded(variables(graph))
            made[model] = export_from_graph(graph, ExportOptions(), config=config, values=values)
        return made[model]

    return export


@pytest.fixture(scope="module")
def raw_outputs(golden_export, run_graph):
    """Raw outputs of the exports in TensorFlow, each run once."""
    made = {}

    def run(model):
        if model not in made:
            body = without_postprocessing(golden_export(model)).graph
            made[model] = run_graph(body, RAW, {INPUT_NAME: _input(model)})
        return made[model]

    return run


def _golden(model):
    return json.loads((GOLDEN / f"{model}.json").read_text())


def _input(model):
    shape = _golden(model)["input_shape"]
    return np.random.RandomState(7).uniform(-1, 1, shape).astype(np.float32)


def _assert_golden(outputs, model):
    golden = _golden(model)
    sample = golden["sample_index"]
    boxes, scores = (outputs[name][0] for name in RAW)
    assert boxes.shape == (golden["num_anchors"], 4)
    assert scores.shape == (golden["num_anchors"], golden["num_classes"] + 1)
    np.testing.assert_allclose(
        boxes[sample], golden["box_encodings"], rtol=0, atol=LIMITS[BOX_ENCODINGS_NAME]
    )
    np.testing.assert_allclose(
        scores[sample, :8], golden["scores"], rtol=0, atol=LIMITS[CLASS_PREDICTIONS_NAME]
    )


def _convert(export, variant, folder):
    graph = folder / "tflite_graph.pb"
    graph.write_bytes(export.graph.SerializeToString())
    return convert(graph, conversion_of(variant), folder / f"v1-{variant}.tflite")


@pytest.mark.parametrize("model", MODELS)
def test_raw_outputs_are_the_builders(raw_outputs, model):
    """Cut out of the .meta, the body computes what the OD API's own builder computes."""
    _assert_golden(raw_outputs(model), model)


@pytest.mark.parametrize("model", MODELS)
def test_anchors_are_the_builders(golden_export, model):
    """The constant of the export, back in corners."""
    golden = _golden(model)
    y, x, height, width = golden_export(model).anchors.astype(np.float64).T
    corners = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    assert len(corners) == golden["num_anchors"]
    np.testing.assert_allclose(
        corners[golden["sample_index"]],
        golden["anchors_ymin_xmin_ymax_xmax"],
        rtol=0,
        atol=ANCHORS_LIMIT,
    )


def test_converted_body_keeps_the_figures(golden_export, raw_outputs, tmp_path):
    """ssd_mobilenet_v1 as a raw .tflite: session and builder, at the same limits."""
    path = _convert(without_postprocessing(golden_export(V1)), "raw", tmp_path)
    with TfliteRuntime(path) as runtime:
        outputs = runtime.run({INPUT_NAME: _input(V1)})
    _assert_golden(outputs, V1)
    for name, limit in LIMITS.items():
        np.testing.assert_allclose(outputs[name], raw_outputs(V1)[name], rtol=0, atol=limit)


def test_converted_detector_keeps_the_contract(golden_export, tmp_path):
    """ssd_mobilenet_v1 as a float .tflite: 90 classes, 1917 anchors, and it runs."""
    export = golden_export(V1)
    path = _convert(export, "float", tmp_path)
    file = read_tflite(path)
    assert file.postprocess == export.contract.postprocess
    assert file.postprocess.num_classes == 90
    assert file.anchors == (1917, 4)
    with TfliteRuntime(path) as runtime:
        boxes, classes, scores, count = runtime.run({INPUT_NAME: _input(V1)}).values()
    assert (boxes.shape, classes.shape, scores.shape) == ((1, 100, 4), (1, 100), (1, 100))
    assert count == 100
    assert (np.diff(scores[0]) <= 0).all()


@pytest.mark.parametrize("model", [*MODELS, *QUANTISED])
def test_every_real_graph_is_read(model):
    """Five graphs of two releases, two of them with fake quantisation between the parts."""
    graph = read_graph(zoo_archive(model, _META) / _META)
    reading = read_ssd(graph, model)
    assert sum(node.op == "FakeQuantWithMinMaxVars" for node in graph.node) == (
        94 if model in QUANTISED else 0
    )
    assert (reading.preprocessing.height, reading.preprocessing.width) == (300, 300)
    np.testing.assert_allclose(reading.preprocessing.scale, 2 / 255, rtol=1e-6)
    assert reading.preprocessing.offset == (1, 1, 1)
    assert not reading.preprocessing.align_corners
    assert reading.score_converter == "SIGMOID"
    assert reading.box_coder_scales == (10, 10, 5, 5)
    thresholds = (float(np.float32(0.3)), float(np.float32(0.6)))
    assert reading.nms == NmsReading(*thresholds, 100, 100)
