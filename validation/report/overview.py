"""The table that the first page opens with: a row a model, a column a variant."""

from __future__ import annotations

from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record import formatting
from validation.report.accuracy_table import REFERENCE
from validation.report.index import IndexModel, IndexRow
from validation.specs.variants import VARIANTS


@dataclass(frozen=True)
class OverviewCell:
    """One model in one variant; an em dash stands for what was not measured.

    Args:
        href: Of its section on the model's page.
        status: Its verdict.
        ap: Average precision.
        ap_delta: AP less the inference graph's; empty where it is not known.
        worse: True when the difference is negative.
        size: Of the .tflite file.
        latency: Median, with its unit.
    """

    href: str
    status: Status
    ap: str
    ap_delta: str
    worse: bool
    size: str
    latency: str


@dataclass(frozen=True)
class OverviewRow:
    """One model: its verdict, its inference graph's AP, and a cell for each column or None."""

    model: str
    href: str
    status: Status
    ap_reference: str
    cells: tuple[OverviewCell | None, ...]


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
        model.model,
        model.href,
        model.status,
        next(references, formatting.NOTHING),
        tuple(_cell(model.href, rows[name]) if name in rows else None for name in variants),
    )


def _cell(href: str, row: IndexRow) -> OverviewCell:
    return OverviewCell(
        href=f"{href}#{row.anchor}",
        status=row.status,
        ap=row.ap,
        ap_delta="" if row.ap_delta == formatting.NOTHING else row.ap_delta,
        worse=row.worse,
        size=row.size,
        latency=row.p50 if row.p50 == formatting.NOTHING else f"{row.p50} ms",
    )
