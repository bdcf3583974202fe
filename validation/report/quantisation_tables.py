"""What quantisation costs as rows of text: an output a row, and a layer a row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from validation.record import formatting
from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    LayerError,
    OutputError,
    QuantisationCost,
    representable,
)
from validation.specs.tensors import TensorSpec

# Rows that are marked; more would mark nothing.
_MARKED = 5
# Tables up to this many rows are shown whole; of longer ones the marked rows, the whole unfolds.
_WHOLE = 16

_NO_DIFFERENCE = "no difference"


@dataclass(frozen=True)
class OutputRow:
    """One output of the model.

    Args:
        output: Name of the tensor.
        stored: How its numbers are kept.
        span: What the reference spans.
        rmse: In real units.
        steps: RMSE over the step.
        sqnr: In dB.
        cosine: See `Fidelity`.
        saturated: Share in percent.
        beyond: Share off by more than a step, in percent.
        constant: It does not move though the reference does.
    """

    output: str
    stored: str
    span: str
    rmse: str
    steps: str
    sqnr: str
    cosine: str
    saturated: str
    beyond: str
    constant: bool


@dataclass(frozen=True)
class LayerRow:
    """One operator.

    Args:
        index: In the order of execution.
        op: TFLite's name of it.
        tensor: First of the nodes that its result stands for.
        nodes: All of them.
        stored: How its numbers are kept.
        range: What they can hold.
        span: What the float counterpart spans.
        elements: Of one image.
        local: SQNR in dB when it is fed the float counterpart's values.
        local_steps: RMSE over the step, alike.
        accumulated: SQNR in dB in the file's own run.
        accumulated_steps: RMSE over the step, alike.
        cosine: In the file's own run.
        saturated: Share in percent when it is fed the float counterpart's values.
        worst: One of those that lose most by themselves.
    """

    index: str
    op: str
    tensor: str
    nodes: str
    stored: str
    range: str
    span: str
    elements: str
    local: str
    local_steps: str
    accumulated: str
    accumulated_steps: str
    cosine: str
    saturated: str
    worst: bool


@dataclass(frozen=True)
class QuantisationView:
    """Both tables of one variant.

    Args:
        variant: See `ModelKey`.
        circumstances: One sentence: against what, on how many images.
        outputs: In the file's order.
        layers: What is shown at once, in the order of execution.
        all_layers: Every layer, where not all are shown at once; else empty.
        layer_count: How many layers there are, in words.
        unmatched: How many of them have no figure, in words; empty for none.
    """

    variant: str
    circumstances: str
    outputs: tuple[OutputRow, ...]
    layers: tuple[LayerRow, ...]
    all_layers: tuple[LayerRow, ...]
    layer_count: str
    unmatched: str


def quantisation_views(entries: Iterable[QuantisationCost]) -> tuple[QuantisationView, ...]:
    """A view a variant, in the order of the record."""
    return tuple(_view(entry) for entry in entries)


def _view(entry: QuantisationCost) -> QuantisationView:
    known = [layer for layer in entry.layers if layer.local is not None]
    worst = sorted(known, key=_local_sqnr)[:_MARKED]
    rows = tuple(_layer_row(layer, layer in worst) for layer in entry.layers)
    folds = len(rows) > _WHOLE
    unmatched = sum(layer.accumulated is None for layer in entry.layers)
    text = f"Against {entry.reference}, {formatting.plural(entry.images, 'image')}"
    if entry.layers:
        text += f"; layers against the float file, {formatting.plural(entry.layer_images, 'image')}"
    return QuantisationView(
        variant=entry.variant,
        circumstances=f"{text}.",
        outputs=tuple(_output_row(row) for row in entry.outputs),
        layers=tuple(row for row in rows if row.worst) if folds else rows,
        all_layers=rows if folds else (),
        layer_count=formatting.plural(len(rows), "layer"),
        unmatched=formatting.plural(unmatched, "layer") if unmatched else "",
    )


def _local_sqnr(layer: LayerError) -> float:
    return SQNR_CEILING_DB if layer.local is None else layer.local.sqnr_db


def _output_row(row: OutputError) -> OutputRow:
    error = row.error
    return OutputRow(
        output=row.tensor.name,
        stored=_stored(row.tensor),
        span=_span((error.low, error.high)),
        rmse=formatting.number(error.rmse),
        steps=_steps(error),
        sqnr=decibels(error),
        cosine=formatting.number(error.cosine),
        saturated=percent(error.saturated),
        beyond=percent(error.beyond_one_step),
        constant=row.constant,
    )


def _layer_row(layer: LayerError, worst: bool) -> LayerRow:
    own, local = layer.accumulated, layer.local
    elements = 1
    for side in layer.tensor.shape:
        elements *= side
    return LayerRow(
        index=str(layer.index),
        op=layer.op,
        # TFLite's converter joins the names of the nodes that it fused.
        tensor=layer.tensor.name.partition(";")[0],
        nodes=layer.tensor.name.replace(";", "\n"),
        stored=_stored(layer.tensor),
        range=_span(representable(layer.tensor)),
        span=_span(None if own is None else (own.low, own.high)),
        elements=formatting.number(elements),
        local=decibels(local),
        local_steps=_steps(local),
        accumulated=decibels(own),
        accumulated_steps=_steps(own),
        cosine=formatting.number(None if own is None else own.cosine),
        saturated=percent(None if local is None else local.saturated),
        worst=worst,
    )


def decibels(error: ErrorStatistics | None) -> str:
    """A signal over an error in dB; words where there is no error."""
    if error is None:
        return formatting.NOTHING
    return _NO_DIFFERENCE if error.sqnr_db >= SQNR_CEILING_DB else f"{error.sqnr_db:.1f}"


def percent(share: float | None) -> str:
    """A share in percent; a small one is not rounded to none."""
    if share is None:
        return formatting.NOTHING
    return f"{100 * share:.3g} %"


def _steps(error: ErrorStatistics | None) -> str:
    if error is None or error.rmse_in_steps is None:
        return formatting.NOTHING
    return f"{error.rmse_in_steps:.3f}"


def _span(limits: tuple[float, float] | None) -> str:
    if limits is None:
        return formatting.NOTHING
    return f"{limits[0]:.4g} \N{HORIZONTAL ELLIPSIS} {limits[1]:.4g}"


def _stored(tensor: TensorSpec) -> str:
    if tensor.scale is None:
        return tensor.dtype
    return f"{tensor.dtype}, step {tensor.scale:.4g}"
