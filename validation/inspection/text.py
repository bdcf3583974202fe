"""Facts as text: titled sections of aligned rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from validation.files.terminal import printable
from validation.inspection.preprocessing import PreprocessingFacts
from validation.inspection.tensors import TensorFacts
from validation.specs.formula import format_formula
from validation.specs.input_stats import format_range

_GAP = "  "
# A longer cell would push every other row to the right; it makes its own row longer instead.
_WIDEST = 64


@dataclass(frozen=True)
class Section:
    """A title and rows of cells below it; the last cell of a row may be long.

    Args:
        title: Empty: the rows stand at the top.
        rows: Each of one cell or more.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]


def laid_out(heading: str, sections: Iterable[Section]) -> str:
    """The text of a whole answer; sections without rows are left out."""
    parts = [printable(heading)]
    for section in sections:
        if section.rows:
            lines = [_GAP + line for line in aligned(section.rows)]
            parts.append("\n".join([section.title, *lines] if section.title else lines))
    return "\n\n".join(parts)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells with their columns under each other."""
    shown = [[printable(cell) for cell in row] for row in rows]
    widths: list[int] = []
    for row in shown:
        for column, cell in enumerate(row[:-1]):
            if column == len(widths):
                widths.append(0)
            widths[column] = max(widths[column], len(cell) if len(cell) <= _WIDEST else 0)
    return [
        _GAP.join(
            [*(cell.ljust(widths[column]) for column, cell in enumerate(row[:-1])), row[-1]]
        ).rstrip()
        for row in shown
    ]


def tensor_rows(tensors: Sequence[TensorFacts]) -> tuple[tuple[str, ...], ...]:
    """Two rows for each input or output: name, dtype and shape, and what it means."""
    rows: list[tuple[str, ...]] = []
    for tensor in tensors:
        rows.append((str(tensor.position), tensor.name, f"{tensor.dtype} {shape(tensor.shape)}"))
        lines = [tensor.meaning] if tensor.meaning else []
        if tensor.scale is not None and tensor.real_range is not None:
            stored = f"scale {tensor.scale:.7g}, zero point {tensor.zero_point}"
            lines.append(f"{stored}, stands for {format_range(tensor.real_range)}")
        rows += [("", line) for line in lines]
    return tuple(rows)


def preprocessing_section(facts: PreprocessingFacts | None, *, inside: bool = False) -> Section:
    """What to do to an image, or what a graph does to it by itself."""
    title, feed = ("Preprocessing, inside", "extractor") if inside else ("Preprocessing", "feed")
    if facts is None:
        return Section(title, ())
    size = "any size" if facts.height is None else f"{facts.height}x{facts.width}"
    rows = [("resize", f"to {size} (height x width), {facts.resize}"), (feed, facts.feed)]
    if facts.scale is not None and facts.offset is not None and facts.wanted is not None:
        formula = f"{format_formula(facts.scale, facts.offset)}, in " if facts.stored else ""
        rows.append(("stands for", f"{formula}{format_range(facts.wanted)}"))
    rows.append(("known from", facts.source or "nothing but the input itself"))
    return Section(title, tuple(rows))


def field_rows(facts: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass under their own names."""
    return tuple((item.name, value(getattr(facts, item.name))) for item in fields(facts))


def value(given: object) -> str:
    """A value as configs write it."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, tuple):
        return ", ".join(value(each) for each in given)
    return f"{given:.7g}" if isinstance(given, float) else str(given)


def shape(sides: Sequence[int] | None) -> str:
    """``[1, 300, 300, 3]``, ``?`` for what is not fixed."""
    if sides is None:
        return "of no stated shape"
    return f"[{', '.join('?' if side < 0 else str(side) for side in sides)}]"


def counts(table: Mapping[str, int], suffixes: Mapping[str, str] | None = None) -> str:
    """``CONV_2D 35, RESHAPE 13``, most frequent first."""
    ordered = sorted(table.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {count}{(suffixes or {}).get(name, '')}" for name, count in ordered)


def size(number: int) -> str:
    """``4,612,340 bytes``."""
    return f"{number:,} bytes"
