"""Differences in average precision with their intervals: what is shown beside them, and folded."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

from validation.record import formatting
from validation.record.ap_difference import ApDifference, Difference, Figure
from validation.record.coco_figures import CocoFigures
from validation.record.types import ModelKey

_FIGURE_OF = {
    "ap": Figure.AP,
    "ap50": Figure.AP50,
    "ap_small": Figure.SMALL,
    "ap_medium": Figure.MEDIUM,
    "ap_large": Figure.LARGE,
}


@dataclass(frozen=True)
class DifferenceView:
    """The table of one subject.

    Args:
        entry: As it was recorded.
        overall: AP, AP50 and the sizes.
        categories: The worst first: by how much is lost at the least.
        certain: Categories whose whole interval lies below 0.
    """

    entry: ApDifference
    overall: tuple[Difference, ...]
    categories: tuple[Difference, ...]
    certain: int


def difference_view(entry: ApDifference) -> DifferenceView:
    """The rows of one subject."""
    categories = sorted(entry.of(Figure.CATEGORY), key=_badness)
    return DifferenceView(
        entry,
        tuple(each for each in entry.differences if each.figure is not Figure.CATEGORY),
        tuple(categories),
        sum(each.is_certain_loss for each in categories),
    )


def _badness(difference: Difference) -> tuple[bool, float, float]:
    """What certainly loses most comes first; where nothing is certain, what seems to lose most."""
    least = difference.high
    return math.isnan(least), min(least, 0.0), difference.value


def difference_of(entries: Iterable[ApDifference], key: ModelKey) -> ApDifference | None:
    """The differences of one subject."""
    return next((each for each in entries if each.key == key), None)


def figure_intervals(entry: ApDifference | None) -> tuple[str, ...]:
    """In the order of COCO's twelve figures; empty where there is none."""
    found = {each.figure: each for each in entry.differences} if entry else {}
    figures = (
        found.get(_FIGURE_OF.get(each.name, Figure.CATEGORY)) for each in fields(CocoFigures)
    )
    return tuple(
        "" if each is None or each.category_id is not None else interval_text(each)
        for each in figures
    )


def interval_text(difference: Difference) -> str:
    """For example ``-0.0102 to +0.0031``."""
    ends = (difference.low, difference.high)
    return " to ".join(formatting.coco_delta(round(end, 4)) for end in ends)


def ap_interval(entry: ApDifference | None) -> str:
    """Of AP; empty where none was found or needed."""
    return "" if entry is None or entry.ap is None else interval_text(entry.ap)


def difference_name(difference: Difference, entry: ApDifference) -> str:
    """What a row is about: the figure, or the category's name and number."""
    if difference.category_id is None:
        return str(difference.figure)
    name = entry.names.get(difference.category_id, "")
    return f"{name} ({difference.category_id})" if name else f"category {difference.category_id}"
