"""The numbers that a .tflite file stores: what they mean, and how fine their steps are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.arrays.stored_numbers import StoredNumbers, stored_floats
from validation.diagnosis.operators import Operator, OperatorGraph
from validation.specs.tensors import TensorSpec
from validation.tflite.model import tensor_spec

_Reals = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StoredConstant(StoredNumbers):
    """Numbers of one constant of a .tflite.

    Args:
        raw: See `StoredNumbers`.
        real: See `StoredNumbers`.
        step: See `StoredNumbers`.
        low: See `StoredNumbers`.
        high: See `StoredNumbers`.
        spec: Of what the file has.
        words: How they are stored.
    """

    spec: TensorSpec
    words: str


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
    return StoredConstant(**vars(stored_floats(raw)), spec=spec, words=spec.dtype)


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
        raw=raw,
        real=(raw - zeros) * scales,
        step=everywhere + scales,
        low=everywhere + (limits.min - zeros) * scales,
        high=everywhere + (limits.max - zeros) * scales,
        spec=spec,
        words=words,
    )


def _scales_of(tensor: Any) -> _Reals:
    quantisation = tensor.quantization
    scale = None if quantisation is None else quantisation.scale
    return np.zeros(0) if scale is None else np.asarray(scale, np.float64)
