"""Export from a bare checkpoint and its pipeline.config, as the OD API's exporter did.

The inference graph is built from the config, the checkpoint's values are put in by
name, and the ends get the exporter's names: no .meta and no frozen graph is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework import graph_pb2, types_pb2

from validation.export.freezing import Values, checkpoint_shapes, freeze, prune, variables
from validation.export.from_graph import with_options, without_postprocessing
from validation.export.graph_io import GraphExport
from validation.export.graph_map import GraphMap
from validation.export.inference_graph import inference_graph
from validation.export.options import ExportOptions
from validation.graphs.boxes import center_size
from validation.graphs.mismatch import Described
from validation.graphs.quant.options import sums_of
from validation.graphs.restore import plan_restore
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import PipelineConfig
from validation.specs.contracts import (
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    SsdContract,
)


def export_from_checkpoint(
    config: PipelineConfig, prefix: Path, values: Values, options: ExportOptions
) -> GraphExport:
    """Make the TFLite-compatible graph out of a checkpoint.

    Args:
        config: pipeline.config that the checkpoint was trained with.
        prefix: Checkpoint prefix.
        values: See `open_checkpoint`.
        options: The exporter's flags.

    Raises:
        ConfigError: The config asks for something that is not supported.
        GraphError: Checkpoint and config describe different models.
    """
    built = _built_for(config, checkpoint_shapes(prefix))
    export = export_of_body(_restored_body(built, config, prefix, values), built)
    if not options.add_postprocessing_op:
        return without_postprocessing(export)
    return with_options(export, options)


def inference_graph_from_checkpoint(config: PipelineConfig, prefix: Path, values: Values) -> Any:
    """The inference graph of a checkpoint, from image_tensor to detections, frozen.

    Args:
        config: See `export_from_checkpoint`.
        prefix: See `export_from_checkpoint`.
        values: See `export_from_checkpoint`.

    Raises:
        ConfigError, GraphError: See `export_from_checkpoint`.
    """
    built = _built_for(config, checkpoint_shapes(prefix))
    return inference_graph(_restored_body(built, config, prefix, values), built)


def _built_for(config: PipelineConfig, names: Iterable[str]) -> BuiltSsd:
    """Build a config's graph as the release rewrote it that trained these weights.

    Args:
        config: See `build`.
        names: Of the tensors that there are.
    """
    return build(config, sums=sums_of(names))


def _restored_body(built: BuiltSsd, config: PipelineConfig, prefix: Path, values: Values) -> Any:
    """The built graph between image and raw outputs, frozen with a checkpoint's values.

    Raises:
        GraphError: Anything unmatched between graph and checkpoint, either way.
    """
    plan = plan_restore(
        model_variables(built),
        checkpoint_shapes(prefix),
        use_moving_averages=config.use_moving_averages,
        num_classes=config.num_classes,
        where=f"{prefix.name} and {config.source}",
        place=config.where,
    )
    return freeze(body_graph(built), lambda name: values(plan.sources[name]))


def export_with_constants(config: PipelineConfig, frozen: Any) -> GraphExport:
    """The graph that a config describes, with the weights of a frozen graph of that model.

    A frozen graph keeps each variable as a constant of its name: where an archive has no
    checkpoint, its weights are there all the same.

    Args:
        config: pipeline.config of the archive.
        frozen: GraphDef of its frozen_inference_graph.pb.

    Raises:
        ConfigError: See `export_from_checkpoint`.
        GraphError: Constants missing, or of another shape; all are listed.
    """
    nodes = GraphMap(frozen)
    built = _built_for(config, nodes.nodes)

    def value(name: str) -> np.ndarray | None:
        return nodes.constant(name) if name in nodes.nodes else None

    body = freeze(
        body_graph(built),
        value,
        where=f"weights of the frozen graph, graph of {config.source}",
        config=Described(config.num_classes, config.where),
    )
    return export_of_body(body, built)


def model_variables(built: BuiltSsd) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable, those included that no output depends on.

    The pooling pyramid reads its backbone before the end; a checkpoint holds all of it.
    """
    return variables(built.graph.as_graph_def())


def body_graph(built: BuiltSsd) -> Any:
    """GraphDef of a built SSD from the image to both raw outputs."""
    ends = [built.box_encodings.op.name, built.scores.op.name]
    return prune(built.graph.as_graph_def(), ends)


def export_of_body(body: Any, built: BuiltSsd) -> GraphExport:
    """Name the ends of a frozen body as the exporter does, and close it with the op.

    Args:
        body: GraphDef with constants in place of its variables.
        built: What it was built as.
    """
    graph = graph_pb2.GraphDef()
    graph.CopyFrom(body)
    _end_in(graph, BOX_ENCODINGS_NAME, built.box_encodings.op.name)
    _end_in(graph, CLASS_PREDICTIONS_NAME, built.scores.op.name)
    anchors = center_size(built.anchors)
    contract: SsdContract = built.contract
    bare = GraphExport(graph, contract, anchors, add_postprocessing_op=False)
    return with_options(bare, ExportOptions())


def _end_in(graph: Any, name: str, source: str) -> None:
    node = graph.node.add(name=name, op="Identity")
    node.input.append(source)
    node.attr["T"].type = types_pb2.DT_FLOAT
