"""Every tensor of a .tflite file's run, in real units."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from validation.errors import ConversionError
from validation.files.guard import guarded
from validation.isolation.activity import doing
from validation.isolation.board import Activity
from validation.preprocess.quantise import dequantise, quantise
from validation.runtimes.tflite import default_threads
from validation.specs.tensors import TensorSpec
from validation.tflite.model import read_model
from validation.tflite.runnable import check_runnable

_Floats = NDArray[np.float32]
_REFUSED = "LiteRT does not run the file without delegates"
_WHERE = "layer table"


class TensorValues:
    """A file run so that what lies between its inputs and outputs can be read.

    It runs without delegates: one that takes several operators at once leaves nothing in
    the tensors between them. Figures from here find a layer and judge no file.

    Args:
        content: The file's bytes.
        keep_all: False keeps the outputs only, and memory low.
        threads: Of the interpreter; None: all cores.

    Raises:
        ConversionError: LiteRT does not take the file.
    """

    def __init__(
        self, content: bytes, *, keep_all: bool = True, threads: int | None = None
    ) -> None:
        # The bytes may be a part of a file, and have no name of their own.
        self._key = f"layers {hashlib.sha256(content).hexdigest()}"
        check_runnable(read_model(content, _WHERE))
        with (
            guarded(ConversionError, _REFUSED, where=_WHERE),
            doing(Activity("load for its layers", self._key, is_short=True)),
        ):
            self._interpreter: Any = Interpreter(
                model_content=content,
                num_threads=threads or default_threads(),
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
                experimental_preserve_all_tensors=keep_all,
            )
            self._interpreter.allocate_tensors()
        self._inputs = [int(each["index"]) for each in self._interpreter.get_input_details()]
        self.outputs = [int(each["index"]) for each in self._interpreter.get_output_details()]
        self.specs: Mapping[int, TensorSpec] = {
            int(each["index"]): _spec(each) for each in self._interpreter.get_tensor_details()
        }

    @property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the inputs."""
        return tuple(self._inputs)

    def run(self, *feeds: _Floats) -> None:
        """Run once, each feed quantised by its input's own parameters.

        Args:
            feeds: Real values for each input, in the order of `inputs`; of its shape but for
                dimensions of one.

        Raises:
            ConversionError: An operator fails.
        """
        for index, feed in zip(self._inputs, feeds, strict=True):
            spec = self.specs[index]
            self._interpreter.set_tensor(
                index, quantise(feed, spec).astype(spec.dtype).reshape(spec.shape)
            )
        with (
            guarded(ConversionError, _REFUSED, where=_WHERE),
            doing(Activity("run for its layers", self._key, is_short=True)),
        ):
            self._interpreter.invoke()

    def value(self, index: int) -> _Floats:
        """A tensor of the last run in real units."""
        return dequantise(self._interpreter.get_tensor(index), self.specs[index]).astype(np.float32)


def _spec(detail: Mapping[str, Any]) -> TensorSpec:
    scales = detail["quantization_parameters"]["scales"]
    zero_points = detail["quantization_parameters"]["zero_points"]
    # Activations have one scale; weights with one a channel are never read in real units.
    quantised = len(scales) == 1 and np.issubdtype(detail["dtype"], np.integer)
    return TensorSpec(
        name=str(detail["name"]),
        dtype=np.dtype(detail["dtype"]).name,
        shape=tuple(int(side) for side in detail["shape"]),
        scale=float(scales[0]) if quantised else None,
        zero_point=int(zero_points[0]) if quantised else None,
    )
