"""Export from a checkpoint and its pipeline.config, as the OD API's exporter did.

The inference graph is built from the config, the checkpoint's values are put in by
name, and the outputs get the exporter's names: no .meta and no frozen graph is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.core.framework import graph_pb2

from validation.errors import GraphError, NotSsdGraph
from validation.export.checkpoint import Values, checkpoint_shapes, open_checkpoint
from validation.export.exported import ExportOptions
from validation.export.fitting_extractor import name_extractor
from validation.export.freezing import freeze, prune, variables
from validation.export.from_graph import (
    add_identity,
    export_from_graph,
    with_options,
    without_postprocessing,
)
from validation.export.graph_io import GraphExport, read_graph
from validation.export.graph_map import GraphMap
from validation.export.inference_graph import inference_graph
from validation.graphs.boxes import center_size
from validation.graphs.mismatch import Described
from validation.graphs.quant.options import Sums, sums_of
from validation.graphs.restore import plan_restore
from validation.graphs.ssd import BuiltSsd, build
from validation.pipeline.config import PipelineConfig
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, SsdContract


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


# The graphs asked for last: a model is exported with several sets of flags; a graph takes seconds.
_BUILT: dict[tuple[bytes, Sums], BuiltSsd] = {}
_KEPT = 2


def _built_for(config: PipelineConfig, names: Iterable[str]) -> BuiltSsd:
    """A config's graph as the release rewrote it that trained these weights; not to be changed.

    Args:
        config: See `build`.
        names: Of the tensors that there are.
    """
    return built_once(config, sums_of(names) if config.is_quantized else Sums.ADD_V2)


def built_once(config: PipelineConfig, sums: Sums = Sums.ADD_V2) -> BuiltSsd:
    """A config's graph, without initializers; not to be changed, for others get it too.

    Args:
        config: See `build`.
        sums: See `build`.
    """
    model = _graphs_part(config)
    if sums is Sums.NONE:
        latest = _BUILT.get((model, Sums.ADD_V2))
        # Nothing was there to be given a range: any release rewrites it to the same graph.
        if latest is not None and sums_of(model_variables(latest)) is Sums.NONE:
            return latest
    key = (model, sums)
    built = _BUILT.pop(key, None) or build(config, sums=sums, with_initializers=False)
    while len(_BUILT) >= _KEPT:
        del _BUILT[next(iter(_BUILT))]
    # Behind the others: the first is the one not asked for the longest.
    _BUILT[key] = built
    return built


def _graphs_part(config: PipelineConfig) -> bytes:
    """What of a config its graph depends on: nothing of training, evaluation and data."""
    message = type(config.message)()
    for field in ("model", "graph_rewriter"):
        if config.message.HasField(field):
            getattr(message, field).CopyFrom(getattr(config.message, field))
    return bytes(message.SerializeToString(deterministic=True))


def _restored_body(built: BuiltSsd, config: PipelineConfig, prefix: Path, values: Values) -> Any:
    """The built graph between image and raw outputs, frozen with a checkpoint's values.

    Raises:
        GraphError: Anything unmatched between graph and checkpoint, either way.
    """
    trained = checkpoint_shapes(prefix)
    try:
        sources = plan_restore(
            model_variables(built),
            trained,
            use_moving_averages=config.use_moving_averages,
            config=Described.of(config),
            where=f"{prefix.name} and {config.source}",
        )
    except GraphError as error:
        name_extractor(error, config, trained)
        raise
    return freeze(body_graph(built), lambda name: values(sources[name]))


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
        config=Described.of(config),
    )
    return export_of_body(body, built)


def model_variables(built: BuiltSsd) -> dict[str, tuple[int, ...]]:
    """Name and shape of every variable, those included that no output depends on.

    The pooling pyramid reads its backbone before the end; a checkpoint holds all of it.
    """
    return variables(built.graph.as_graph_def())


def body_graph(built: BuiltSsd) -> Any:
    """GraphDef of a built SSD from the image to both raw outputs."""
    outputs = [built.box_encodings.op.name, built.scores.op.name]
    return prune(built.graph.as_graph_def(), outputs)


def export_of_body(body: Any, built: BuiltSsd) -> GraphExport:
    """Name the outputs of a frozen body as the exporter does, and end it in the op.

    Args:
        body: GraphDef with constants in place of its variables.
        built: What it was built as.
    """
    graph = graph_pb2.GraphDef()
    graph.CopyFrom(body)
    add_identity(graph, BOX_ENCODINGS_NAME, built.box_encodings.op.name)
    add_identity(graph, CLASS_PREDICTIONS_NAME, built.scores.op.name)
    anchors = center_size(built.anchors)
    contract: SsdContract = built.contract
    bare = GraphExport(graph, contract, anchors, add_postprocessing_op=False)
    return with_options(bare, ExportOptions())


def export_model(
    graph: Path | None, prefix: Path | None, config: PipelineConfig | None, options: ExportOptions
) -> tuple[GraphExport, str]:
    """Export by the inference graph where there is one, else by the config.

    The inference graph comes first because it is what was trained. The .meta of a
    training run is none: then the graph is built from the config.

    Args:
        graph: frozen_inference_graph.pb, or the checkpoint's .meta; None: there is none.
        prefix: Checkpoint, where the weights are not in the graph.
        config: pipeline.config, where there is one.
        options: The exporter's flags.

    Returns:
        The export, and the route in words.

    Raises:
        NotSsdGraph: The graph is none of an SSD, and there is no config to go by.
        GraphError, ConfigError: See the routes.
    """
    values = None if prefix is None else open_checkpoint(prefix)
    if graph is not None:
        try:
            export = export_from_graph(
                read_graph(graph), options, config=config, values=values, where=graph.name
            )
        except NotSsdGraph:
            if prefix is None or config is None:
                raise
        else:
            return export, f"cut out of {graph.name}"
    if prefix is None or config is None or values is None:
        raise NotSsdGraph(
            "nothing to export from",
            expected="an inference graph, or a checkpoint with its pipeline.config",
        )
    return (
        export_from_checkpoint(config, prefix, values, options),
        f"built from {config.source} and {prefix.name}",
    )
