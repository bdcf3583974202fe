"""Run a frozen graph in a TensorFlow session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow.compat.v1 as tf

from validation.errors import GraphError, OutputMissing
from validation.export.evaluation import cause_of
from validation.export.freezing import prune
from validation.export.graph_io import read_graph
from validation.export.mapped_weights import with_mapped_weights
from validation.isolation.activity import using
from validation.runtimes.base import check_feed
from validation.specs.contracts import POSTPROCESS_NAME
from validation.specs.tensors import TensorSpec


class SessionRuntime:
    """Some outputs of a frozen graph in a TensorFlow session.

    TensorFlow has no TFLite_Detection_PostProcess: of an exported graph, ask for
    raw_outputs/*. Whatever the outputs do not need is cut away before the import, and large weights
    are read from temporary files.

    Args:
        graph: Path of a .pb, or a GraphDef.
        outputs: Node names; their first tensors are returned.
        threads: For the ops and inside them; None leaves it to TensorFlow.
        where: File name for messages, of a GraphDef; a path has its own.

    Raises:
        ArtefactMissing, CorruptGraph: The file cannot be read.
        GraphError: An output is not there, or TensorFlow cannot import the graph.
        ArtefactError: No temporary folder can be made.
    """

    def __init__(
        self,
        graph: Path | Any,
        outputs: Sequence[str],
        threads: int | None = None,
        where: str = "graph",
    ) -> None:
        self._file = graph if isinstance(graph, Path) else None
        if isinstance(graph, Path):
            graph, where = read_graph(graph), graph.name
        _require(graph, outputs, where)
        # The weights are in each copy of a graph: none is kept longer than it is needed.
        graph = prune(with_mapped_weights(graph, self), outputs)
        scope = tf.Graph()
        try:
            with scope.as_default(), using(self._file, "load"):
                tf.import_graph_def(graph, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise GraphError(
                "TensorFlow cannot import the graph",
                got=cause_of(error),
                where=where,
            ) from error
        del graph
        config = tf.ConfigProto()
        # Nothing is added to it later: TensorFlow need not keep the graph as it was given.
        config.experimental.optimize_for_static_graph = True
        if threads is not None:
            config.intra_op_parallelism_threads = threads
            config.inter_op_parallelism_threads = threads
        self._session: Any = tf.Session(graph=scope, config=config)
        self._in = {
            operation.name: operation.outputs[0]
            for operation in scope.get_operations()
            if operation.type == "Placeholder"
        }
        self._out = {name: scope.get_tensor_by_name(f"{name}:0") for name in outputs}
        # Runs of one feed skip a second or so of Python a hundred images.
        self._call = self._session.make_callable(
            list(self._out.values()), feed_list=list(self._in.values())
        )

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The placeholders that the outputs need."""
        return tuple(_spec(name, tensor) for name, tensor in self._in.items())

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """In the order asked for."""
        return tuple(_spec(name, tensor) for name, tensor in self._out.items())

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `Runtime.run`."""
        check_feed(feed, self.inputs)
        try:
            with using(self._file, "run"):
                values = self._call(*(feed[name] for name in self._in))
        except tf.errors.OpError as error:
            raise GraphError("the graph failed while it ran", got=cause_of(error)) from error
        return dict(zip(self._out, values, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()


def _require(graph: Any, outputs: Sequence[str], where: str) -> None:
    nodes = {node.name: node.op for node in graph.node}
    for name in outputs:
        if name not in nodes:
            raise OutputMissing("the graph has no such output", expected=name, where=where)
        if nodes[name] == POSTPROCESS_NAME:
            raise GraphError(
                f"TensorFlow cannot run {POSTPROCESS_NAME}",
                where=where,
                next_step="ask for raw_outputs/box_encodings and raw_outputs/class_predictions",
            )


def _spec(name: str, tensor: Any) -> TensorSpec:
    rank = tensor.shape.rank
    shape = () if rank is None else tuple(-1 if side is None else side for side in tensor.shape)
    return TensorSpec(name, tensor.dtype.base_dtype.name, shape)
