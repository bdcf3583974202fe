"""The numbers that a .tflite file stores: what they mean, and how fine their steps are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.operators import Operator, OperatorGraph
from validation.specs.tensors import TensorSpec
from validation.tflite.model import tensor_spec

_Reals = NDArray[np.float64]


@dataclass(frozen=True)
class StoredConstant:
    """Numbers of one constant.

    Args:
        spec: Of the tensor as the file stores it.
        raw: As they stand there.
        real: What they mean.
        step: Distance of two neighbours, for each value; 0 for float32.
        low: The lowest that the file's numbers can hold, for each value.
        high: See low.
        words: How they are stored.
    """

    spec: TensorSpec
    raw: NDArray[Any]
    real: _Reals
    step: _Reals
    low: _Reals
    high: _Reals
    words: str

    @property
    def size(self) -> int:
        """Number of values."""
        return int(self.real.size)


class Constants:
    """The constants of a file by tensor."""

    def __init__(self, graph: OperatorGraph) -> None:
        self._graph = graph
        self._sources = graph.model.constants()

    def weights(self, operator: Operator) -> tuple[int, ...]:
        """Places of an operator's inputs that are numbers of the model, not shapes or axes."""
        return tuple(place for place, index in enumerate(operator.inputs) if self._is_weight(index))

    def _is_weight(self, index: int) -> bool:
        source = self._sources.get(index)
        if source is None:
            return False
        tensor = self._graph.model.graph.tensors[source]
        return (
            tensor_spec(tensor).dtype.startswith(("float", "bfloat")) or _scales_of(tensor).size > 0
        )

    def whole_numbers(self, index: int) -> NDArray[Any] | None:
        """A constant that is a shape, an axis or a size; None where it is no such thing."""
        tensor = self._graph.model.graph.tensors[self._sources[index]]
        if self._is_weight(index):
            return None
        try:
            raw = np.frombuffer(
                self._graph.model.stored(tensor).tobytes(), np.dtype(tensor_spec(tensor).dtype)
            )
        except (TypeError, ValueError):
            return None
        return raw if raw.dtype.kind in "iu" else None

    def read(self, index: int) -> StoredConstant | None:
        """The numbers of a constant; None where they are of no type that NumPy has."""
        model = self._graph.model
        tensor = model.graph.tensors[self._sources[index]]
        spec = tensor_spec(tensor)
        shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
        try:
            raw = np.frombuffer(model.stored(tensor).tobytes(), np.dtype(spec.dtype)).reshape(shape)
        except (TypeError, ValueError):
            return None
        with np.errstate(invalid="ignore", over="ignore"):  # weights may be NaN, scales absurd
            if raw.dtype.kind == "f":
                return _as_float(spec, raw)
            return _as_integer(tensor, spec, raw) if raw.dtype.kind in "iu" else None


def _as_float(spec: TensorSpec, raw: NDArray[Any]) -> StoredConstant:
    real = raw.astype(np.float64)
    coarse = (
        np.spacing(np.abs(raw)).astype(np.float64)
        if raw.dtype == np.float16
        else np.zeros_like(real)
    )
    ends = np.full_like(real, np.inf)
    return StoredConstant(spec, raw, real, coarse, -ends, ends, spec.dtype)


def _as_integer(tensor: Any, spec: TensorSpec, raw: NDArray[Any]) -> StoredConstant | None:
    scales = _scales_of(tensor)
    zeros = np.asarray(tensor.quantization.zero_point, np.float64)
    if scales.size > 1:
        axis = int(tensor.quantization.quantized_dimension)
        if not 0 <= axis < raw.ndim or raw.shape[axis] != scales.size or zeros.size != scales.size:
            return None
        along = [1] * raw.ndim
        along[axis] = scales.size
        scales, zeros = scales.reshape(along), zeros.reshape(along)
    limits = np.iinfo(raw.dtype)
    everywhere = np.zeros(raw.shape)
    words = f"{spec.dtype}, " + (
        f"{scales.size} scales from {scales.min():.6g} to {scales.max():.6g}"
        if scales.size > 1
        else f"scale {scales.item():.6g}, zero point {zeros.item():g}"
    )
    return StoredConstant(
        spec,
        raw,
        (raw - zeros) * scales,
        everywhere + scales,
        everywhere + (limits.min - zeros) * scales,
        everywhere + (limits.max - zeros) * scales,
        words,
    )


def _scales_of(tensor: Any) -> _Reals:
    quantisation = tensor.quantization
    scale = None if quantisation is None else quantisation.scale
    return np.zeros(0) if scale is None else np.asarray(scale, np.float64)
