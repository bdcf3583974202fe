"""Built graphs against real archives of the zoo: their variables, and their .meta graphs.

The archives are the zoo's and not part of this repository; see tests/data/golden/README.md.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from zoo_archives import archive_variables
from zoo_exports import RAW, meta_export, meta_input

from validation.export.evaluation import evaluate
from validation.export.freezing import freeze, prune
from validation.export.from_checkpoint import body_graph, export_of_body, model_variables
from validation.graphs.seeded import seeded_value
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.specs.contracts import INPUT_NAME

_BOX_LIMIT, _SCORE_LIMIT, _ANCHOR_LIMIT = 1e-3, 1e-4, 1e-5

# Those of the zoo's quantised archives are in quant/test_quant_archives.py. Each is the name of
# the project's own config of that model too.
_MODELS = (
    "ssd_mobilenet_v1_coco_2018_01_28",
    "ssd_mobilenet_v2_coco_2018_03_29",
    "ssdlite_mobilenet_v2_coco_2018_05_09",
    "ssdlite_mobiledet_cpu_320x320_coco_2020_05_19",
)
_WITH_FLOAT_META = _MODELS[:3]


@cache
def _built(name: str) -> BuiltSsd:
    config = parse_pipeline(pipeline_text(load_synthetic()[name]), name)
    return build(config, with_initializers=False)


@pytest.mark.parametrize("name", _MODELS)
def test_variables_are_in_the_checkpoint(name: str) -> None:
    """Every variable of the built graph, under its name and in its shape."""
    checkpoint = archive_variables(name)
    found = model_variables(_built(name))
    assert {key: checkpoint.get(key) for key in found} == found


@pytest.mark.parametrize("name", _WITH_FLOAT_META)
def test_meta_graph_and_config_are_one_model(name: str, made_once: Callable[..., Path]) -> None:
    """With the same seeded weights both routes give the same raw outputs and anchors."""
    meta, expected = meta_export(name, made_once)
    built = _built(name)
    shapes = model_variables(built)
    body = freeze(body_graph(built), lambda key: seeded_value(key, shapes[key]))
    own = export_of_body(body, built)
    assert np.abs(own.anchors - meta.anchors).max() <= _ANCHOR_LIMIT
    found = evaluate(prune(own.graph, RAW), RAW, {INPUT_NAME: meta_input(meta)})
    boxes, scores = (
        np.abs(first - expected[key]).max() for key, first in zip(RAW, found, strict=True)
    )
    assert boxes <= _BOX_LIMIT
    assert scores <= _SCORE_LIMIT
