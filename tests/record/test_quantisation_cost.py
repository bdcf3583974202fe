"""What a record keeps of closeness, and what follows from it without any array."""

from __future__ import annotations

import pytest

from validation.record.quantisation_cost import (
    ErrorStatistics,
    LayerError,
    representable,
    worst_layer,
)
from validation.specs.tensors import TensorSpec


def _spec(scale: float | None, zero_point: int | None = 0, dtype: str = "int8") -> TensorSpec:
    return TensorSpec("x", dtype, (1,), scale, zero_point)


@pytest.mark.parametrize(
    ("dtype", "zero_point", "ends"),
    [("uint8", 128, (-64, 63.5)), ("int8", 0, (-64, 63.5)), ("int16", 0, (-16384, 16383.5))],
)
def test_range_of_a_dtype(dtype: str, zero_point: int, ends: tuple[float, float]) -> None:
    """From the first to the last code."""
    assert representable(_spec(0.5, zero_point, dtype)) == ends


def test_float_tensors_have_no_range() -> None:
    """They hold what float32 holds."""
    assert representable(_spec(None, None, "float32")) is None


def _layer(index: int, local_db: float | None) -> LayerError:
    local = None if local_db is None else ErrorStatistics(1, 0, 1, 0.1, local_db, 1.0)
    return LayerError(index, "CONV_2D", _spec(0.1), local=local)


def test_worst_layer_loses_most_by_itself() -> None:
    """The first of several about alike; none where no local error is known."""
    rows = (_layer(1, 40), _layer(2, None), _layer(3, 12), _layer(4, 12))
    assert worst_layer(rows) is rows[2]
    assert worst_layer((_layer(1, 14), _layer(2, 12))) == _layer(1, 14)
    assert worst_layer((_layer(1, 16), _layer(2, 12))) == _layer(2, 12)
    assert worst_layer((_layer(1, None),)) is None
    assert worst_layer(()) is None
