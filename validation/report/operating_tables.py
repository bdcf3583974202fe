"""What is lost at the operating point: in which order, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record import formatting
from validation.record.operating_point import OperatingPointLosses, OperatingRow

# Each of fewer detections is more than a tenth of its row.
_FEW = 10


@dataclass(frozen=True)
class OperatingView:
    """The table of one subject.

    Args:
        losses: As they were recorded.
        rows: All together, then every other row, the worst first.
    """

    losses: OperatingPointLosses
    rows: tuple[OperatingRow, ...]


def operating_view(losses: OperatingPointLosses) -> OperatingView:
    """All classes and sizes together, then the rows that certainly lose most."""
    rows = (*losses.rows[:1], *sorted(losses.rows[1:], key=_badness, reverse=True))
    return OperatingView(losses, rows)


def _badness(row: OperatingRow) -> tuple[float, ...]:
    known = (row.class_id is not None) + (row.size is not None)
    rest = (row.moved_right, row.gained_wrong, row.lost, known, row.right)
    return row.lost_at_least, row.lost_share or 0.0, *rest


def lost_text(row: OperatingRow) -> str:
    """For example ``9 of 11``."""
    return f"{formatting.number(row.lost_right)} of {formatting.number(row.right)}"


def lost_interval(row: OperatingRow) -> str:
    """Of the share that is lost, in percent; where there are few detections it says so."""
    if not row.right or row.interval is None:
        return formatting.NOTHING
    low, high = (f"{100 * end:.3g}" for end in row.interval)
    text = f"{low} to {high} %"
    return f"{text}, few" if row.right < _FEW else text
