"""Run a SavedModel of TensorFlow 1 or 2 by its signature, in a TensorFlow session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import tensorflow.compat.v1 as tf

from validation.errors import GraphError
from validation.export.evaluation import cause_of
from validation.export.saved_model import read_saved_model
from validation.isolation.activity import using
from validation.runtimes.base import check_feed
from validation.specs.tensors import TensorSpec


class SavedModelRuntime:
    """A SavedModel's signature: serving_default, or the only one.

    A session loads both kinds: of TensorFlow 2 the graph calls the signature's function.

    Args:
        path: Its folder, saved_model.pb in it, or a folder that has it as saved_model/.
        threads: For the ops and inside them; None leaves it to TensorFlow.

    Raises:
        ArtefactMissing, CorruptGraph, GraphError: See `read_saved_model`; or TensorFlow does not
            load it.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        file = read_saved_model(path)
        self.folder = file.folder
        self._in = {each.spec.name: each for each in file.inputs}
        self._out = {each.spec.name: each for each in file.outputs}
        config = tf.ConfigProto()
        if threads is not None:
            config.intra_op_parallelism_threads = threads
            config.inter_op_parallelism_threads = threads
        scope = tf.Graph()
        self._session: Any = tf.Session(graph=scope, config=config)
        try:
            with scope.as_default(), using(self.folder, "load"):
                tf.saved_model.load(self._session, list(file.tags), str(file.folder))
            self._call = self._session.make_callable(
                [scope.get_tensor_by_name(each.tensor) for each in file.outputs],
                feed_list=[scope.get_tensor_by_name(each.tensor) for each in file.inputs],
            )
        except (ValueError, KeyError, TypeError, OSError, RuntimeError, tf.errors.OpError) as error:
            self._session.close()
            raise GraphError(
                "TensorFlow does not load the SavedModel",
                got=cause_of(error),
                where=file.folder,
                next_step="is the folder whole? TensorFlow's saved_model_cli show --all describes "
                "it",
            ) from error

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Of the signature, by their names in it."""
        return tuple(each.spec for each in self._in.values())

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Of the signature, by their names in it; shapes that are not stated are ()."""
        return tuple(each.spec for each in self._out.values())

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `Runtime.run`."""
        stated = [
            each.spec
            if each.rank_known
            else TensorSpec(each.spec.name, each.spec.dtype, (-1,) * feed[name].ndim)
            for name, each in self._in.items()
            if name in feed
        ]
        check_feed(feed, stated if len(stated) == len(self._in) else self.inputs)
        try:
            with using(self.folder, "run"):
                values = self._call(*(feed[name] for name in self._in))
        except tf.errors.OpError as error:
            raise GraphError(
                "the SavedModel failed while it ran", got=cause_of(error), where=self.folder
            ) from error
        return dict(zip(self._out, values, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()
