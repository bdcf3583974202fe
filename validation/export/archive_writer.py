"""Write an archive in the detection zoo's layout from a built graph and its values."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from validation.export.checkpoint import write_checkpoint
from validation.export.exported import GRAPH_FILE, GRAPH_TEXT_FILE, ExportOptions
from validation.export.freezing import freeze
from validation.export.from_checkpoint import body_graph, built_once, export_of_body
from validation.export.from_graph import with_options
from validation.export.inference_graph import inference_graph
from validation.export.light_graph import with_weights, without_weights
from validation.graphs.restore import AVERAGE
from validation.graphs.ssd import BuiltSsd
from validation.pipeline.config import PipelineConfig
from validation.specs.contracts import (
    DETECTION_OUTPUTS,
    IMAGE_TENSOR,
)

PREFIX = "model.ckpt"

Weights = Callable[[BuiltSsd], Mapping[str, np.ndarray]]


def write_archive(folder: Path, config: PipelineConfig, text: str, weights: Weights) -> None:
    """Fill a folder as an archive of the zoo is filled.

    That is: checkpoint, model.ckpt.{data,index,meta} and pipeline.config; with them
    frozen_inference_graph.pb and saved_model/ where the model is a float one, and
    tflite_graph.{pb,pbtxt}, ending in the post-processing op, where it is a quantised one.

    Args:
        folder: Exists and is empty.
        config: The model.
        text: The config's text, written as it is.
        weights: Gives the value of every variable of the built model, by name.
    """
    built = built_once(config)
    body = body_graph(built)
    named = weights(built)
    averages = _averages(named) if config.use_moving_averages else {}
    write_checkpoint(folder / PREFIX, {**named, **averages})
    meta = meta_graph_pb2.MetaGraphDef()
    meta.graph_def.CopyFrom(inference_graph(body, built))
    (folder / f"{PREFIX}.meta").write_bytes(meta.SerializeToString(deterministic=True))
    (folder / "pipeline.config").write_text(text, encoding="utf-8")
    frozen = freeze(body, named.get)
    # The weights are in each copy: none is kept longer than it is needed.
    del named, averages
    if config.is_quantized:
        _write_tflite_graph(folder, frozen, built)
        return
    detector = inference_graph(frozen, built)
    del frozen
    (folder / "frozen_inference_graph.pb").write_bytes(
        detector.SerializeToString(deterministic=True)
    )
    _write_saved_model(folder / "saved_model", detector)


def _averages(named: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What training with moving averages leaves beside every trained variable."""
    untrained = ("moving_mean", "moving_variance", "_quant/min", "_quant/max")
    return {name + AVERAGE: value for name, value in named.items() if not name.endswith(untrained)}


def _write_tflite_graph(folder: Path, frozen: Any, built: BuiltSsd) -> None:
    """With the suppression and the number of detections that the config evaluates with.

    The exporter's defaults, 10 detections and fast NMS, would be another detector than the one
    that was trained.
    """
    graph = with_options(export_of_body(frozen, built), ExportOptions()).graph
    (folder / GRAPH_FILE).write_bytes(graph.SerializeToString(deterministic=True))
    (folder / GRAPH_TEXT_FILE).write_text(text_format.MessageToString(graph), encoding="utf-8")


def _write_saved_model(folder: Path, frozen: Any) -> None:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(without_weights(frozen), name="")
        with tf.Session(graph=graph) as session:
            builder = tf.saved_model.builder.SavedModelBuilder(str(folder))
            signature = tf.saved_model.predict_signature_def(
                {"inputs": graph.get_tensor_by_name(f"{IMAGE_TENSOR}:0")},
                {name: graph.get_tensor_by_name(f"{name}:0") for name in DETECTION_OUTPUTS},
            )
            builder.add_meta_graph_and_variables(
                session, ["serve"], signature_def_map={"serving_default": signature}
            )
            path = Path(os.fsdecode(builder.save()))
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    with_weights(saved_model.meta_graphs[0].graph_def, frozen)
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
