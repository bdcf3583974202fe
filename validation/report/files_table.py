"""The table of the first page: one row a file, which one to ship, and what can be left out."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from validation.policy.limits import WORST_FIRST, Status
from validation.record.types import ModelKey
from validation.report.index import IndexModel, IndexRow
from validation.signoff.shipping import Shipping

# Of more models than these not all rows are shown at first.
_MANY_MODELS = 12


class Shown(enum.StrEnum):
    """Which rows are shown at first, beside those of one verdict."""

    ALL = "all"
    LEADING = "leading"


@dataclass(frozen=True)
class FileRow:
    """One row.

    Args:
        model: Its model.
        row: The figures.
        shipping: What its model has to ship, in the row of that file; where nothing is, in the
            row of the worst file. None in all others.
        is_first: The first row of its model.
    """

    model: IndexModel
    row: IndexRow
    shipping: Shipping | None
    is_first: bool

    @property
    def severity(self) -> int:
        """0 for the worst verdict."""
        return WORST_FIRST.index(self.row.status)


@dataclass(frozen=True)
class FilesTable:
    """The whole table.

    Args:
        rows: In the order of the run.
        statuses: How many rows have which verdict, the worst first; none with 0.
        leading: How many rows say what a model has to ship.
        at_first: Which rows are shown until the reader chooses: all; of many models those that
            keep the run from being signed, or else one row a model.
    """

    rows: tuple[FileRow, ...]
    statuses: tuple[tuple[Status, int], ...]
    leading: int
    at_first: Shown | Status


def files_table(models: Sequence[IndexModel], shippings: Iterable[Shipping]) -> FilesTable:
    """The rows of all models, with the file of each that is to be shipped.

    Args:
        models: With their rows.
        shippings: Of the same models.
    """
    by_model = {each.model: each for each in shippings}
    rows = tuple(row for model in models for row in _rows(model, by_model))
    found = [each.row.status for each in rows]
    statuses = tuple((status, found.count(status)) for status in WORST_FIRST if status in found)
    leading = sum(each.shipping is not None for each in rows)
    at_first: Shown | Status = Shown.ALL
    if len(models) > _MANY_MODELS:
        worst = statuses[0][0]
        blocks = worst in (Status.FAIL, Status.UNKNOWN) and len(statuses) > 1
        at_first = worst if blocks else Shown.LEADING
    return FilesTable(rows, statuses, leading, at_first)


def _rows(model: IndexModel, shippings: Mapping[str, Shipping]) -> Iterable[FileRow]:
    shipping = shippings.get(model.model)
    leading = _leading(model, shipping)
    for number, row in enumerate(model.rows):
        yield FileRow(model, row, shipping if row.key == leading else None, not number)


def _leading(model: IndexModel, shipping: Shipping | None) -> ModelKey | None:
    if shipping is None or not model.rows:
        return None
    if shipping.choice is not None:
        return shipping.choice.file.key
    return min(model.rows, key=lambda row: WORST_FIRST.index(row.status)).key
