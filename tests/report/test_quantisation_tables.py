"""What quantisation costs is shown an output a row and a layer a row, the worst marked."""

from __future__ import annotations

import dataclasses

import pytest

from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
)
from validation.report.quantisation_tables import decibels, percent, quantisation_views
from validation.specs.tensors import TensorSpec

_ERROR = ErrorStatistics(100, -1.5, 4.25, 0.0123, 31.26, 0.99951, 0.2911, 0.0, 0.00013)
_SPEC = TensorSpec("a/Relu6;a/Conv2D", "uint8", (1, 2, 3, 4), 0.05, 128)


def _layer(index: int, local_db: float | None) -> LayerError:
    local = None if local_db is None else dataclasses.replace(_ERROR, sqnr_db=local_db)
    return LayerError(index, "CONV_2D", _SPEC, "a/Relu6", 35.0, _ERROR, local)


def _cost(layers: tuple[LayerError, ...], constant: bool = False) -> QuantisationCost:
    outputs = (OutputError(_SPEC, _ERROR, constant),)
    images = 2 if layers else 0
    return QuantisationCost("person", "uint8", "a session", 8, images, outputs, layers)


def test_output_row() -> None:
    """Figures as a person reads them; a small share is not rounded to none."""
    (view,) = quantisation_views([_cost((), constant=True)])
    (row,) = view.outputs
    assert dataclasses.astuple(row) == (
        "a/Relu6;a/Conv2D",
        "uint8, step 0.05",
        "-1.5 \u2026 4.25",
        "0.0123",
        "0.291",
        "31.3",
        "0.9995",
        "0 %",
        "0.013 %",
        True,
    )
    assert (view.layers, view.circumstances) == ((), "Against a session, 8 images.")


def test_layer_row() -> None:
    """Named by the first node, the others at hand; local and accumulated beside each other."""
    (view,) = quantisation_views([_cost((_layer(4, 12.04),))])
    (row,) = view.layers
    assert (row.index, row.op, row.tensor, row.nodes) == (
        "4",
        "CONV_2D",
        "a/Relu6",
        "a/Relu6\na/Conv2D",
    )
    assert (row.range, row.span, row.elements) == ("-6.4 \u2026 6.35", "-1.5 \u2026 4.25", "24")
    assert (row.local, row.accumulated, row.worst) == ("12.0", "31.3", True)
    assert view.circumstances == (
        "Against a session, 8 images; layers against the float file, 2 images."
    )


def test_short_table_is_whole() -> None:
    """In the order of execution, the five that lose most marked."""
    (view,) = quantisation_views([_cost(tuple(_layer(n, 60 - n) for n in range(12)))])
    assert [row.index for row in view.layers] == [str(n) for n in range(12)]
    assert [row.index for row in view.layers if row.worst] == ["7", "8", "9", "10", "11"]
    assert view.all_layers == ()


def test_long_table_folds() -> None:
    """The marked rows stand at once, in the order of execution; all of them unfold."""
    rows = tuple(_layer(n, 20 if n in (3, 40) else 50) for n in range(60))
    (view,) = quantisation_views([_cost(rows)])
    assert [row.index for row in view.layers] == ["0", "1", "2", "3", "40"]
    assert [row.index for row in view.all_layers] == [str(n) for n in range(60)]
    assert view.layer_count == "60 layers"


def test_layers_without_figures_are_counted() -> None:
    """A hole in the table is said to be one, and is never the worst."""
    hole = LayerError(2, "RESHAPE", TensorSpec("b", "float32", (1, 5)))
    (view,) = quantisation_views([_cost((_layer(1, 30), hole))])
    assert view.unmatched == "1 layer"
    assert [row.worst for row in view.layers] == [True, False]
    odd = view.layers[1]
    assert {odd.local, odd.accumulated, odd.range, odd.span, odd.cosine} == {"\u2014"}


@pytest.mark.parametrize(
    ("value", "text"), [(SQNR_CEILING_DB, "no difference"), (149.0, "149.0"), (-3.21, "-3.2")]
)
def test_decibels(value: float, text: str) -> None:
    """The ceiling stands for equality."""
    assert decibels(dataclasses.replace(_ERROR, sqnr_db=value)) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "\u2014"), (0.0, "0 %"), (1e-6, "0.0001 %"), (0.5, "50 %")]
)
def test_percent(share: float | None, text: str) -> None:
    """Of a float tensor nothing is known."""
    assert percent(share) == text
