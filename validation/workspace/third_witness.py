"""Which of two files of an archive that disagree is the wrong one, where a third one tells."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from validation.errors import GraphConfigMismatch, GraphError, ValidationError
from validation.export.exported import ExportedGraph
from validation.root_cause import Place, RootCause
from validation.zoo.archives import Archive

if TYPE_CHECKING:
    from validation.pipeline.config import PipelineConfig


@contextlib.contextmanager
def between_graph_and_config(
    archive: Archive,
    graph: Path,
    config: PipelineConfig | None,
    of_meta: Callable[[], ExportedGraph],
) -> Iterator[None]:
    """Let an error about a graph and its config blame one of them, by the graph of the .meta.

    Args:
        archive: What there is.
        graph: That is compared.
        config: What it is compared with.
        of_meta: Gives the export of the .meta; asked where there is one and something differs.
    """
    try:
        yield
    except GraphConfigMismatch as error:
        if config is not None and graph != archive.meta_graph:
            differing = _differences_of_meta(archive, config, of_meta)
            error.causes = _blamed(error, differing, place_of(graph, archive))
        raise


@contextlib.contextmanager
def between_checkpoint_and_config(archive: Archive) -> Iterator[None]:
    """Let an error about a checkpoint and a config blame one of them, by a graph's shapes."""
    try:
        yield
    except GraphError as error:
        if error.place is Place.ARCHIVE:
            error.place = _by_shapes(archive) or error.place
        raise


def place_of(graph: Path, archive: Archive) -> Place:
    """What a graph is to its archive: the exported one, or the one that was trained."""
    return Place.SHIPPED_GRAPH if graph == archive.tflite_graph else Place.GRAPH


def _differences_of_meta(
    archive: Archive, config: PipelineConfig, of_meta: Callable[[], ExportedGraph]
) -> tuple[RootCause, ...] | None:
    """What the graph beside the checkpoint says otherwise than the config; None without one."""
    from validation.export.from_graph import require_contract

    if archive.meta_graph is None or archive.checkpoint_prefix is None:
        return None
    try:
        require_contract(of_meta().contract, config, archive.meta_graph.name)
    except GraphConfigMismatch as error:
        return error.causes
    except ValidationError:
        return None
    return ()


def _blamed(
    error: GraphConfigMismatch, of_meta: tuple[RootCause, ...] | None, graph: Place
) -> tuple[RootCause, ...]:
    """Each difference, in the file that two others contradict."""
    if of_meta is None:
        return error.causes
    others = {(each.fault, each.where): each for each in of_meta}
    blamed = []
    for each in error.causes:
        other = others.get((each.fault, each.where))
        if other is None:
            each = dataclasses.replace(
                each, place=graph, where="", expected=each.got, got=each.expected, next_step=""
            )
        elif other.expected == each.expected:
            each = dataclasses.replace(each, place=Place.CONFIG)
        blamed.append(each)
    return tuple(blamed)


def _by_shapes(archive: Archive) -> Place | None:
    """The config where a graph has the checkpoint's variables, else the checkpoint."""
    from validation.export.checkpoint import checkpoint_shapes
    from validation.export.graph_io import read_graph
    from validation.export.graph_map import GraphMap

    graph, prefix = archive.frozen_graph or archive.tflite_graph, archive.checkpoint_prefix
    if prefix is None:
        return None
    if graph is None:
        # What is built from a .meta has its variables: it is the checkpoint's own.
        return None if archive.meta_graph is None else Place.CONFIG
    try:
        nodes = GraphMap(read_graph(graph))
        trained = checkpoint_shapes(prefix)
        stored = {
            name: value.shape
            for name in trained
            if name in nodes.nodes and (value := nodes.constant(name)) is not None
        }
    except ValidationError:
        return None
    if not stored:
        return None
    fits = all(shape == trained[name] for name, shape in stored.items())
    return Place.CONFIG if fits else Place.CHECKPOINT
