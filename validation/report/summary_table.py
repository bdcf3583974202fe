"""The rows of a run as lines of text: aligned, the worst first, no wider than the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from validation.files.terminal import printable
from validation.policy.limits import WORST_FIRST, Status
from validation.record import formatting
from validation.report.summary_rows import SummaryRow

# Every locale has it.
_NOTHING = "-"
_GAP = "  "
_CUT = ".."
# A name that is cut to less says nothing.
_SHORTEST_NAME = 16


@dataclass(frozen=True)
class TableLine:
    """One line.

    Args:
        text: Without the verdict that it begins with.
        status: That verdict; None for the head and for what was left out.
    """

    text: str
    status: Status | None = None


@dataclass(frozen=True)
class _Column:
    """Title and cells, all of one width."""

    cells: tuple[str, ...]
    is_text: bool = False

    @property
    def width(self) -> int:
        return max(map(columns_of, self.cells))

    def padded(self, number: int, width: int) -> str:
        cell = self.cells[number]
        blank = " " * (width - columns_of(cell))
        return cell + blank if self.is_text else blank + cell


def summary_table(rows: Sequence[SummaryRow], width: int, most: int) -> tuple[TableLine, ...]:
    """The head, a line for each file, and where there are more than fit a line that counts them.

    Args:
        rows: Of the run, see `summary_rows`.
        width: Columns of the terminal. Where it is too narrow the intervals are left out, then
            names are cut in their middle, then sizes, differences and latencies are left out in
            this order, then lines are cut at their end.
        most: Lines.
    """
    if not rows:
        return ()
    shown = rows if len(rows) < most else rows[: most - 2]
    verdicts = _Column(("verdict", *(each.status.upper() for each in shown)), is_text=True)
    names = _Column(("file", *(printable(str(each.key)) for each in shown)), is_text=True)
    intervals = _Column((f"{formatting.per_cent(rows[0].level)} interval", *map(_interval, shown)))
    sizes = _Column(("size", *(_size(each.size_bytes) for each in shown)))
    differences = _Column(("difference", *map(_difference, shown)))
    latencies = _latencies(shown)
    figures = [_Column(("AP", *map(_ap, shown))), differences, intervals, sizes, latencies]
    if _room(width, verdicts, figures) < names.width or not any(intervals.cells[1:]):
        figures.remove(intervals)
    # Half a figure is another figure: whole columns go.
    for column in (sizes, differences, latencies):
        if _room(width, verdicts, figures) < min(names.width, _SHORTEST_NAME):
            figures.remove(column)
    longest = max(min(names.width, _room(width, verdicts, figures)), _SHORTEST_NAME)
    names = _Column(tuple(_shortened(each, longest) for each in names.cells), is_text=True)
    lines = []
    for number in range(len(shown) + 1):
        rest = [each.padded(number, each.width) for each in (names, *figures)]
        verdict = verdicts.cells[number]
        text = _GAP.join([" " * (verdicts.width - len(verdict)), *rest])
        lines.append(
            TableLine(
                _cut(text, width - len(verdict)).rstrip(),
                shown[number - 1].status if number else None,
            )
        )
    head = TableLine(f"verdict{lines[0].text}")
    left = rows[len(shown) :]
    return (head, *lines[1:], *([TableLine(_cut(_counted(left), width))] if left else ()))


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of_one, text))


def _columns_of_one(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "FW" else 1


def _room(width: int, verdicts: _Column, figures: Sequence[_Column]) -> int:
    """What the other columns leave to the names."""
    return width - verdicts.width - sum(len(_GAP) + each.width for each in figures) - len(_GAP)


def _shortened(name: str, longest: int) -> str:
    """The name without its middle, if it is too long: its end tells one file from the next."""
    if columns_of(name) <= longest:
        return name
    head = (longest - len(_CUT)) // 2
    tail = longest - len(_CUT) - head
    return _cut(name, head) + _CUT + _cut(name[::-1], tail)[::-1]


def _cut(text: str, width: int) -> str:
    if text.isascii():
        return text[: max(width, 0)]
    while text and columns_of(text) > width:
        text = text[:-1]
    return text


def _ap(row: SummaryRow) -> str:
    return _NOTHING if row.ap is None else formatting.coco_figure(row.ap)


def _difference(row: SummaryRow) -> str:
    return formatting.coco_delta(row.ap_difference) or _NOTHING


def _interval(row: SummaryRow) -> str:
    if row.ap_interval is None:
        return ""
    return " to ".join(formatting.coco_delta(round(end, 4)) for end in row.ap_interval)


def _size(count: int | None) -> str:
    return _NOTHING if count is None else formatting.size(count)


def _latencies(rows: Sequence[SummaryRow]) -> _Column:
    """The head says with how many threads, where it is the same for all."""
    threads = {each.threads for each in rows if each.p50_ms is not None}
    same = formatting.plural(next(iter(threads)), "thread") if len(threads) == 1 else ""
    cells = [
        _NOTHING
        if each.p50_ms is None
        else f"{formatting.milliseconds(each.p50_ms)} ms"
        + ("" if same else f" ({formatting.plural(each.threads, 'thread')})")
        for each in rows
    ]
    return _Column((same or "latency", *cells))


def _counted(left: Sequence[SummaryRow]) -> str:
    statuses = [each.status for each in left]
    counts = [f"{statuses.count(each)} {each.upper()}" for each in WORST_FIRST if each in statuses]
    return (
        f"and {formatting.plural(len(left), 'more file')}: {', '.join(counts)}; all are on the page"
    )
