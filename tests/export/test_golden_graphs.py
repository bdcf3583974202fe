"""Real graphs of the zoo against figures of the OD API's own builders, and of the converter.

The .meta graphs are the zoo's and not part of this repository; see tests/data/golden/README.md.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from zoo_exports import RAW, meta_export, meta_graph, meta_input

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.from_graph import without_postprocessing
from validation.export.processing_reading import NmsReading
from validation.export.ssd_reading import read_ssd
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME
from validation.tflite.facts import read_tflite

REPOSITORY = Path(__file__).parents[2]
GOLDEN = REPOSITORY / "tests" / "data" / "golden"
V1 = "ssd_mobilenet_v1_coco_2018_01_28"
# The float archives whose .meta graph could be had.
MODELS = (V1, "ssd_mobilenet_v2_coco_2018_03_29", "ssdlite_mobilenet_v2_coco_2018_05_09")
QUANTISED = (
    "ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18",
    "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync_2018_07_18",
)
# Another order of the same float32 sums; encodings reach 15, scores and anchors 1.
LIMITS = {BOX_ENCODINGS_NAME: 1e-3, CLASS_PREDICTIONS_NAME: 1e-4}
ANCHORS_LIMIT = 1e-5


@pytest.fixture(scope="module")
def golden(made_once):
    """Exports of the golden models with seeded weights, and their raw outputs."""
    return functools.cache(lambda model: meta_export(model, made_once))


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
def test_raw_outputs_are_the_builders(golden, model):
    """Cut out of the .meta, the body computes what the OD API's own builder computes."""
    export, outputs = golden(model)
    np.testing.assert_array_equal(meta_input(export), _input(model))
    _assert_golden(outputs, model)


@pytest.mark.parametrize("model", MODELS)
def test_anchors_are_the_builders(golden, model):
    """The constant of the export, back in corners."""
    figures = _golden(model)
    export, _ = golden(model)
    y, x, height, width = export.anchors.astype(np.float64).T
    corners = np.stack([y - height / 2, x - width / 2, y + height / 2, x + width / 2], axis=1)
    assert len(corners) == figures["num_anchors"]
    np.testing.assert_allclose(
        corners[figures["sample_index"]],
        figures["anchors_ymin_xmin_ymax_xmax"],
        rtol=0,
        atol=ANCHORS_LIMIT,
    )


def test_converted_body_keeps_the_figures(golden, tmp_path):
    """ssd_mobilenet_v1 as a raw .tflite: session and builder, at the same limits."""
    export, expected = golden(V1)
    path = _convert(without_postprocessing(export), "raw", tmp_path)
    with TfliteRuntime(path) as runtime:
        outputs = runtime.run({INPUT_NAME: _input(V1)})
    _assert_golden(outputs, V1)
    for name, limit in LIMITS.items():
        np.testing.assert_allclose(outputs[name], expected[name], rtol=0, atol=limit)


def test_converted_detector_keeps_the_contract(golden, tmp_path):
    """ssd_mobilenet_v1 as a float .tflite: 90 classes, 1917 anchors, and it runs."""
    export, _ = golden(V1)
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
    graph = meta_graph(model)
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
