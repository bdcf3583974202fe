"""Exports of the zoo's .meta graphs with the weights of tests/data/golden/README.md."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from zoo_archives import zoo_archive

from validation.export.exported import ExportOptions, load_export
from validation.export.freezing import variables
from validation.export.from_graph import export_from_graph, without_postprocessing
from validation.export.graph_io import GraphExport, read_export, read_graph, write_export
from validation.pipeline.config import load_pipeline
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME

Arrays = dict[str, np.ndarray]

META = "model.ckpt.meta"
RAW = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
_OUTPUTS = "raw.npz"


@functools.cache
def meta_graph(name: str) -> Any:
    """The .meta graph of an archive; not to be changed."""
    return read_graph(zoo_archive(name, META) / META)


def meta_export(name: str, made_once: Callable[..., Path]) -> tuple[GraphExport, Arrays]:
    """The export of an archive's .meta graph, and its raw outputs in TensorFlow alone.

    Args:
        name: Of the archive; the test is skipped where it is not.
        made_once: The fixture: several modules want the same models.
    """
    zoo_archive(name, META)
    folder = made_once(f"meta-export-{name}", lambda folder: _fill(folder, name))
    return read_export(load_export(folder)), dict(np.load(folder / _OUTPUTS))


def meta_input(export: GraphExport) -> np.ndarray:
    """What the raw outputs were computed from, [1, H, W, 3]."""
    size = export.contract.preprocessing
    image = np.random.RandomState(7).uniform(-1, 1, (1, size.height, size.width, 3))
    return image.astype(np.float32)


def _fill(folder: Path, name: str) -> None:
    graph = meta_graph(name)
    config = load_pipeline(zoo_archive(name, META) / "pipeline.config")
    values = _weights(variables(graph))
    export = export_from_graph(graph, ExportOptions(), config=config, values=values)
    body = without_postprocessing(export).graph
    np.savez(folder / _OUTPUTS, **run_graph(body, RAW, {INPUT_NAME: meta_input(export)}))
    write_export(folder, export, text=False)


def _weights(shapes: Mapping[str, tuple[int, ...]]) -> Callable[[str], np.ndarray]:
    def value(name: str) -> np.ndarray:
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


def run_graph(graph: Any, tensors: Sequence[str], feed: Mapping[str, np.ndarray]) -> Arrays:
    """Run a GraphDef with TensorFlow alone, none of the harness between."""
    with tf.Graph().as_default() as scope:
        tf.import_graph_def(graph, name="")
        # One run does not earn back what optimising the graph for it would cost.
        config = tf.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with tf.Session(graph=scope, config=config) as session:
            values = session.run(
                [f"{name}:0" for name in tensors],
                {f"{name}:0": array for name, array in feed.items()},
            )
    return dict(zip(tensors, values, strict=True))
