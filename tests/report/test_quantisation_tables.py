"""What quantisation costs is shown an output a row and a layer a row, the worst marked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from run_pages import render_run

from validation.policy.load import Policy
from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
)
from validation.report.quantisation_tables import decibels, percent, quantisation_view
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


def _cells(text: str, kind: str) -> list[list[str]]:
    """The cells of each row of the page's tables of one class."""
    tables = re.findall(f'<table class="{kind}">.*?</table>', text, re.DOTALL)
    rows = [row for table in tables for row in table.split("<tbody>")[1].split("<tr")[1:]]
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall("<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


@pytest.fixture
def page(write_run: Callable[..., Path], policy: Policy) -> Callable[[QuantisationCost], str]:
    """The text of the model's page."""

    def render(cost: QuantisationCost) -> str:
        run = write_run([cost])
        return render_run(run, policy).with_name("model-person.html").read_text()

    return render


def test_output_row(page: Callable[[QuantisationCost], str]) -> None:
    """Figures as a person reads them; a small share is not rounded to none."""
    text = page(_cost((), constant=True))
    assert _cells(text, "outputs") == [
        [
            "a/Relu6;a/Conv2Dconstant over images, the reference is not",
            "uint8, step 0.05",
            "-1.5 \u2026 4.25",
            "31.3",
            "0.0123",
            "0.291",
            "0.9995",
            "0 %",
            "0.013 %",
        ]
    ]
    assert '<tr class="worst"><th scope="row"><code>a/Relu6' in text
    assert "Against a session, 8 images." in text
    assert "No layers were compared." in text


def test_layer_row(page: Callable[[QuantisationCost], str]) -> None:
    """Named by the first node, the others at hand; local and accumulated beside each other."""
    text = page(_cost((_layer(4, 12.04),)))
    (row,) = _cells(text, "layers")
    assert row == [
        "4",
        "CONV_2Da/Relu6",
        "uint8, step 0.05",
        "-6.4 \u2026 6.35",
        "-1.5 \u2026 4.25",
        "24",
        "12.0",
        "0.291",
        "0 %",
        "31.3",
        "0.291",
        "0.9995",
    ]
    assert 'title="a/Relu6\na/Conv2D"' in text
    assert '<tr class="worst"><td class="n">4</td>' in text
    assert "Against a session, 8 images; layers against the float file, 2 images." in text


def test_short_table_is_whole() -> None:
    """In the order of execution, the five that lose most marked."""
    cost = _cost(tuple(_layer(n, 60 - n) for n in range(12)))
    view = quantisation_view(cost)
    assert view.layers == cost.layers
    assert {row.index for row in view.worst} == {7, 8, 9, 10, 11}


def test_long_table_folds(page: Callable[[QuantisationCost], str]) -> None:
    """The marked rows stand at once, in the order of execution; all of them unfold."""
    cost = _cost(tuple(_layer(n, 20 if n in (3, 40) else 50) for n in range(60)))
    assert [row.index for row in quantisation_view(cost).layers] == [0, 1, 2, 3, 40]
    text = page(cost)
    shown = ["0", "1", "2", "3", "40", *map(str, range(60))]
    assert [row[0] for row in _cells(text, "layers")] == shown
    assert "All 60 layers" in text


def test_layers_without_figures_are_counted(page: Callable[[QuantisationCost], str]) -> None:
    """A hole in the table is said to be one, and is never the worst."""
    hole = LayerError(2, "RESHAPE", TensorSpec("b", "float32", (1, 5)))
    cost = _cost((_layer(1, 30), hole))
    assert quantisation_view(cost).worst == cost.layers[:1]
    text = page(cost)
    assert "1 layer without" in text
    assert _cells(text, "layers")[1] == [
        "2",
        "RESHAPEb",
        "float32",
        *["\u2014"] * 2,
        "5",
        *["\u2014"] * 6,
    ]


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
