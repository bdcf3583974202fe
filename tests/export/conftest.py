"""Miniature graphs, each built once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow.compat.v1 as tf
from miniatures import Miniature, build_graph, write_checkpoint
from zoo_exports import Arrays, run_graph

from validation.export.exported import ExportOptions
from validation.export.from_graph import export_from_graph
from validation.export.graph_io import GraphExport


@functools.cache
def _definition(miniature: Miniature) -> Any:
    return build_graph(miniature).as_graph_def()


@functools.cache
def _export(miniature: Miniature) -> GraphExport:
    return export_from_graph(_definition(miniature), ExportOptions(), where="miniature.pb")


@pytest.fixture(scope="session")
def graph_of() -> Callable[..., Any]:
    """The GraphDef of a miniature, a copy that the test may change."""

    def copy(miniature: Miniature | None = None, **knobs: Any) -> Any:
        graph = tf.GraphDef()
        graph.CopyFrom(_definition(miniature or Miniature(**knobs)))
        return graph

    return copy


@pytest.fixture(scope="session")
def export_of() -> Callable[..., GraphExport]:
    """The export of a miniature; not to be changed."""

    def export(miniature: Miniature | None = None, **knobs: Any) -> GraphExport:
        return _export(miniature or Miniature(**knobs))

    return export


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prefix of the default miniature's checkpoint; not to be changed."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session", name="run_graph")
def _run_graph() -> Callable[..., Arrays]:
    """Runs a GraphDef with TensorFlow alone, none of the harness between."""
    return run_graph


@pytest.fixture
def node_of() -> Callable[[Any, str], Any]:
    """One node of a GraphDef, by name."""
    return lambda graph, name: next(node for node in graph.node if node.name == name)
