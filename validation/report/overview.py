"""The table that the first page opens with: a row a model, a column a variant."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record import formatting
from validation.report.accuracy_table import REFERENCE
from validation.report.index import IndexModel, IndexRow
from validation.specs.variants import VARIANTS


@dataclass(frozen=True)
class OverviewRow:
    """One model.

    Args:
        model: Its rows of the index.
        ap_reference: AP of its inference graph.
        cells: Its row of the index for each column, or None.
    """

    model: IndexModel
    ap_reference: str
    cells: tuple[IndexRow | None, ...]


@dataclass(frozen=True)
class Overview:
    """The whole table.

    Args:
        variants: Its columns, in the order of `VARIANTS`; only those that some model has.
        rows: One a model, in the order of the run's selection.
    """

    variants: tuple[str, ...]
    rows: tuple[OverviewRow, ...]


def overview(models: tuple[IndexModel, ...]) -> Overview:
    """The rows of the index, one a variant, laid side by side."""
    known = dict.fromkeys(
        row.variant for model in models for row in model.rows if row.variant != REFERENCE
    )
    # A record may name variants that this harness does not know: last, not lost.
    variants = tuple(name for name in VARIANTS if name in known)
    variants += tuple(name for name in known if name not in VARIANTS)
    return Overview(variants, tuple(_row(model, variants) for model in models))


def _row(model: IndexModel, variants: tuple[str, ...]) -> OverviewRow:
    rows = {row.variant: row for row in model.rows}
    references = (row.ap_reference for row in model.rows if row.ap_reference != formatting.NOTHING)
    return OverviewRow(
        model, next(references, formatting.NOTHING), tuple(rows.get(name) for name in variants)
    )
