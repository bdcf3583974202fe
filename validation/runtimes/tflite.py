"""Run a .tflite file with LiteRT; starts in well under a second, without TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from validation.errors import ConversionError
from validation.files.guard import guarded
from validation.isolation.activity import using
from validation.runtimes.base import check_feed
from validation.specs.tensors import TensorSpec
from validation.tflite.custom_ops import refusal
from validation.tflite.model import read_model
from validation.tflite.runnable import check_runnable


def default_threads() -> int:
    """All cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class TfliteRuntime:
    """A .tflite file in a LiteRT interpreter.

    Args:
        path: The file.
        threads: Threads of the interpreter.

    Raises:
        ArtefactMissing: No such file.
        ConversionError: Not a TFLite file, one that cannot be run, or LiteRT does not take it.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        model = read_model(path)
        refused = refusal(model.custom_ops, path.name)
        if refused is not None:
            raise refused
        check_runnable(model)
        self.path = path
        self.threads = threads
        with (
            guarded(
                ConversionError,
                "LiteRT does not load the file",
                where=path.name,
                next_step="is it whole, and is LiteRT new enough for its ops?",
            ),
            using(path, "load"),
        ):
            self._interpreter: Any = Interpreter(str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            self._in = {each["name"]: each for each in self._interpreter.get_input_details()}
            self._out = {each["name"]: each for each in self._interpreter.get_output_details()}
        self._inputs = tuple(_spec(detail) for detail in self._in.values())
        self._outputs = tuple(_spec(detail) for detail in self._out.values())

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """In the file's order."""
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """In the file's order; a consumer that binds by position sees this one."""
        return self._outputs

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """See `Runtime.run`.

        Raises:
            FeedError: Another feed than the inputs take.
            ConversionError: An operator of the file fails.
        """
        check_feed(feed, self.inputs)
        with using(self.path, "run"):
            return self._ran(feed)

    def _ran(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        for name, array in feed.items():
            self._interpreter.set_tensor(self._in[name]["index"], array)
        with guarded(
            ConversionError, "LiteRT loads the file and cannot run it", where=self.path.name
        ):
            self._interpreter.invoke()
            # get_tensor copies; the view that `tensor()` gives would change with the next run.
            return {
                name: self._interpreter.get_tensor(detail["index"])
                for name, detail in self._out.items()
            }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._interpreter = None


def _spec(detail: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = detail["quantization"]
    quantised = scale != 0
    return TensorSpec(
        name=detail["name"],
        dtype=np.dtype(detail["dtype"]).name,
        shape=tuple(int(side) for side in detail["shape_signature"]),
        scale=float(scale) if quantised else None,
        zero_point=int(zero_point) if quantised else None,
    )
