"""uint8 from a float model and images alone: what it costs on real weights.

The ranges are found on images of the set that is scored, for there is no other here; which
ones stands in calibration.json.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from validation.calibration.fakequant_archive import (
    CalibrationFacts,
    weights_of_frozen_graph,
    write_fakequant,
)
from validation.calibration.images import draw
from validation.calibration.ranges import RangeMethod
from validation.coco.dataset import load_dataset
from validation.coco.evaluate import evaluate
from validation.comparison.fake_quant_ranges import check_fake_quant
from validation.export.archive_writer import PREFIX
from validation.export.checkpoint import open_checkpoint
from validation.export.exported import ExportOptions
from validation.export.fake_quant_reading import fake_quant_facts
from validation.export.from_checkpoint import export_from_checkpoint
from validation.export.graph_io import read_graph
from validation.pipeline.config import load_pipeline, parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.postprocess.detections import to_detections
from validation.postprocess.op import detection_postprocess
from validation.preprocess.image import load_rgb
from validation.preprocess.prepare import prepare
from validation.record.types import ModelKey
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import INPUT_NAME, RAW_OUTPUTS, Preprocessing
from validation.workspace.model_build import ModelBuild
from validation.workspace.products import ProductCache
from validation.zoo.cache import default_cache_dir
from validation.zoo.catalogue import load_catalogue

_ROOT = Path(__file__).parents[2]
_IMAGES = Path(os.environ.get("VALIDATION_COCO_TINY", _ROOT.parent / "shared" / "coco-tiny"))
_FLOAT_AP = 0.1948
_MOST_LOST = 0.02
_STATS = (127.5, 127.5)

pytestmark = pytest.mark.skipif(
    not _IMAGES.is_dir(),
    reason=f"no labelled images at {_IMAGES.name}: set VALIDATION_COCO_TINY to their folder",
)


def _config_text() -> str:
    """The archive has no config: the zoo's for this network, with one class."""
    text = pipeline_text(load_synthetic()["ssdlite_mobilenet_v2_coco"])
    return re.sub(r"num_classes: \d+", "num_classes: 1", text)


def _frozen_graph() -> Path:
    (entry,) = load_catalogue().select("person")
    cache = default_cache_dir()
    work = ProductCache(cache / "work", lambda _: None)
    build = ModelBuild(entry, work, cache_dir=cache, offline=False, on_step=lambda _: None)
    return build.reference_graph


def _uint8(graph: Path) -> bytes:
    converter = tf.lite.TFLiteConverter.from_frozen_graph(
        str(graph), [INPUT_NAME], list(RAW_OUTPUTS)
    )
    converter.inference_type = tf.uint8
    converter.quantized_input_stats = {INPUT_NAME: _STATS}
    content: bytes = converter.convert()
    return content


def test_uint8_keeps_the_accuracy(tmp_path: Path) -> None:
    """Within 0.02 AP of the float file, with one range for all channels of a tensor."""
    dataset = load_dataset(_IMAGES / "annotations" / "instances_val2017.json", _IMAGES / "val2017")
    files = dataset.files
    drawn = draw(files, 60, 4)

    @functools.cache
    def prepared(path: Path, preprocessing: Preprocessing) -> np.ndarray:
        return prepare(load_rgb(path), preprocessing)

    def images(preprocessing: Preprocessing) -> Iterator[np.ndarray]:
        return (prepared(image.path, preprocessing) for image in drawn)

    archive = tmp_path / "archive"
    archive.mkdir()
    text = _config_text()
    write_fakequant(
        archive,
        # Named as it will be read again: the two are then one graph, built once.
        parse_pipeline(text, "archive/pipeline.config"),
        text,
        weights_of_frozen_graph(read_graph(_frozen_graph())),
        images,
        CalibrationFacts(
            "coco-tiny", tuple(image.key for image in drawn), 4, RangeMethod.LEAST_ERROR
        ),
    )

    prefix = archive / PREFIX
    export = export_from_checkpoint(
        load_pipeline(archive / "pipeline.config"),
        prefix,
        open_checkpoint(prefix),
        ExportOptions(add_postprocessing_op=False),
    )
    lint = check_fake_quant(
        fake_quant_facts(export.graph), load_policy(), ModelKey("person", "uint8")
    )
    assert lint.status is not Status.FAIL, lint.message

    graph, file = tmp_path / "raw.pb", tmp_path / "uint8-raw.tflite"
    graph.write_bytes(export.graph.SerializeToString())
    file.write_bytes(_uint8(graph))
    found = {}
    with TfliteRuntime(file, threads=2) as runtime:
        specs = {spec.name: spec for spec in runtime.outputs}
        assert {spec.dtype for spec in (*runtime.inputs, *specs.values())} == {"uint8"}
        for image in dataset.images:
            feed = prepared(image.path, export.contract.preprocessing)
            levels = np.clip(np.round(feed * _STATS[1] + _STATS[0]), 0, 255).astype(np.uint8)
            answers = runtime.run({INPUT_NAME: levels})
            boxes, scores = (
                (answers[name].astype(np.float32) - np.float32(specs[name].zero_point))
                * np.float32(specs[name].scale)
                for name in RAW_OUTPUTS
            )
            found[image.id] = to_detections(
                detection_postprocess(boxes, scores, export.anchors, export.contract.postprocess),
                1,
            )
    figures = evaluate(dataset, found, category_ids={1: 1}).figures
    assert figures.ap == pytest.approx(_FLOAT_AP, abs=_MOST_LOST)
