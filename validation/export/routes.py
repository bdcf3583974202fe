"""Which way leads from what a user has to an exported graph."""

from __future__ import annotations

from pathlib import Path

from validation.errors import NotSsdGraph
from validation.export.freezing import open_checkpoint
from validation.export.from_checkpoint import export_from_checkpoint
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport, read_graph
from validation.export.options import ExportOptions
from validation.pipeline.config import PipelineConfig


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
