"""Built graphs against real archives of the zoo: their variables, and their .meta graphs.

The archives are the zoo's and not part of this repository; see tests/data/golden/README.md.
"""

import json
from functools import cache

import numpy as np
import pytest
from zoo_archives import zoo_archive

from validation.export.evaluation import evaluate
from validation.export.exported import ExportOptions
from validation.export.freezing import freeze, prune
from validation.export.from_checkpoint import body_graph, export_of_body, model_variables
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport, read_graph
from validation.graphs.seeded import seeded_value
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME

_META = "model.ckpt.meta"
_RAW = [BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME]
_BOX_LIMIT, _SCORE_LIMIT, _ANCHOR_LIMIT = 1e-3, 1e-4, 1e-5

# Archive -> the project's own config of that model. Quantised archives hold the float
# model's variables and those of their FakeQuant nodes.
_MODELS = {
    "ssd_mobilenet_v1_coco_2018_01_28": "ssd_mobilenet_v1_coco_2018_01_28",
    "ssd_mobilenet_v2_coco_2018_03_29": "ssd_mobilenet_v2_coco_2018_03_29",
    "ssdlite_mobilenet_v2_coco_2018_05_09": "ssdlite_mobilenet_v2_coco_2018_05_09",
    "ssdlite_mobiledet_cpu_320x320_coco_2020_05_19": (
        "ssdlite_mobiledet_cpu_320x320_coco_2020_05_19"
    ),
    "ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18": (
        "ssd_mobilenet_v1_quantized_300x300_coco14_sync_2018_07_18"
    ),
    "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync_2018_07_18": (
        "ssd_mobilenet_v1_0.75_depth_quantized_300x300_coco14_sync"
    ),
    "ssd_mobilenet_v2_quantized_300x300_coco_2019_01_03": (
        "ssd_mobilenet_v2_quantized_300x300_coco"
    ),
}
_WITH_FLOAT_META = list(_MODELS)[:3]


@cache
def _built(name: str) -> BuiltSsd:
    config = parse_pipeline(pipeline_text(load_synthetic()[_MODELS[name]]), name)
    return build(config, with_initializers=False)


@pytest.mark.parametrize("name", _MODELS)
def test_variables_are_in_the_checkpoint(name: str) -> None:
    """Every variable of the built graph, under its name and in its shape."""
    lines = (zoo_archive(name) / "vars.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    checkpoint = {row[0]: tuple(json.loads(row[1])) for row in rows}
    found = model_variables(_built(name))
    assert {key: checkpoint.get(key) for key in found} == found


@pytest.mark.parametrize("name", _WITH_FLOAT_META)
def test_meta_graph_and_config_are_one_model(name: str) -> None:
    """With the same seeded weights both routes give the same raw outputs and anchors."""
    graph = read_graph(zoo_archive(name, _META) / _META)
    built = _built(name)
    shapes = model_variables(built)
    body = freeze(body_graph(built), lambda key: seeded_value(key, shapes[key]))
    own = export_of_body(body, built)
    meta = export_from_graph(
        graph, ExportOptions(), values=lambda key: seeded_value(key, shapes[key])
    )
    assert np.abs(own.anchors - meta.anchors).max() <= _ANCHOR_LIMIT
    boxes, scores = (
        np.abs(first - second).max()
        for first, second in zip(_raw_outputs(own), _raw_outputs(meta), strict=True)
    )
    assert boxes <= _BOX_LIMIT
    assert scores <= _SCORE_LIMIT


def _raw_outputs(export: GraphExport) -> list[np.ndarray]:
    size = export.contract.preprocessing
    image = np.random.RandomState(7).uniform(-1, 1, (1, size.height, size.width, 3))
    return evaluate(prune(export.graph, _RAW), _RAW, {INPUT_NAME: image.astype(np.float32)})
