"""What quantisation costs: which layers are marked and shown, and how the figures are written."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record import formatting
from validation.record.quantisation_cost import (
    SQNR_CEILING_DB,
    ErrorStatistics,
    LayerError,
    QuantisationCost,
)
from validation.specs.tensors import TensorSpec

# Rows that are marked; more would mark nothing.
_MARKED = 5
# Tables up to this many rows are shown whole; of longer ones the marked rows, the whole unfolds.
_WHOLE = 16

_NO_DIFFERENCE = "no difference"


@dataclass(frozen=True)
class QuantisationView:
    """Both tables of one subject.

    Args:
        cost: As it was recorded.
        worst: Layers that lose most by themselves.
        layers: What is shown at once, in the order of execution: the worst of many, else all.
        unmatched: How many layers have no figure.
    """

    cost: QuantisationCost
    worst: tuple[LayerError, ...]
    layers: tuple[LayerError, ...]
    unmatched: int


def quantisation_view(cost: QuantisationCost) -> QuantisationView:
    """The layers that are marked, and those that are shown at once."""
    known = [layer for layer in cost.layers if layer.local is not None]
    worst = tuple(sorted(known, key=_local_sqnr)[:_MARKED])
    folds = len(cost.layers) > _WHOLE
    return QuantisationView(
        cost,
        worst,
        tuple(layer for layer in cost.layers if layer in worst) if folds else cost.layers,
        sum(layer.accumulated is None for layer in cost.layers),
    )


def _local_sqnr(layer: LayerError) -> float:
    return SQNR_CEILING_DB if layer.local is None else layer.local.sqnr_db


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


def rmse_in_steps(error: ErrorStatistics | None) -> str:
    """The root mean square of an error over the step of the stored numbers."""
    if error is None or error.rmse_in_steps is None:
        return formatting.NOTHING
    return f"{error.rmse_in_steps:.3f}"


def span(limits: tuple[float, float] | None) -> str:
    """The lowest and the highest value."""
    if limits is None:
        return formatting.NOTHING
    return f"{limits[0]:.4g} \N{HORIZONTAL ELLIPSIS} {limits[1]:.4g}"


def stored_as(tensor: TensorSpec) -> str:
    """How a tensor's numbers are kept."""
    if tensor.scale is None:
        return tensor.dtype
    return f"{tensor.dtype}, step {tensor.scale:.4g}"
