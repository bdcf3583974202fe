"""From which score an app shows the detections of a model: the [[operating_point]] of a policy."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from validation.errors import CatalogueError
from validation.policy.tables import OperatingPointTable


@dataclass(frozen=True)
class OperatingPoint:
    """From which score an app shows a model's detections: one [[operating_point]] of a policy.

    Args:
        min_score: The lowest score that is shown.
        reason: Why this one.
        models: Shell patterns of model names.
    """

    min_score: float
    reason: str
    models: tuple[str, ...] = ("*",)

    def covers(self, model: str) -> bool:
        """True when this is the model's."""
        return any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)


def operating_points_of(
    tables: Iterable[OperatingPointTable], where: str
) -> tuple[OperatingPoint, ...]:
    """The operating points of one file, in its order.

    Raises:
        CatalogueError: A score that is none, or two points for the same models.
    """
    points: list[OperatingPoint] = []
    for number, table in enumerate(tables, 1):
        place = f"{where}, operating_point {number}"
        if not 0 <= table.min_score <= 1:
            raise CatalogueError(
                "min_score is wrong",
                expected="a number from 0 to 1",
                got=repr(table.min_score),
                where=place,
            )
        if table.models in [point.models for point in points]:
            raise CatalogueError(
                "two operating points for the same models", got=f"{table.models}", where=place
            )
        points.append(OperatingPoint(table.min_score, table.reason, table.models))
    return tuple(points)


def replaced_points(
    own: OperatingPoint, built_in: Iterable[OperatingPoint]
) -> tuple[OperatingPoint, ...]:
    """Those that a user's own one replaces, for some models or all.

    Patterns of models can only be compared with each other: others are taken to overlap.
    """
    points = tuple(built_in)
    return tuple(point for point in points if point.models == own.models) or points


def points_with(
    built_in: Iterable[OperatingPoint], own: Sequence[OperatingPoint]
) -> tuple[OperatingPoint, ...]:
    """A user's own come last, so that they hold, and take the place of those of the same models."""
    models = {point.models for point in own}
    return (*(point for point in built_in if point.models not in models), *own)


def point_for(model: str, points: Sequence[OperatingPoint]) -> OperatingPoint:
    """The last that covers a model.

    Raises:
        CatalogueError: None does.
    """
    for point in reversed(points):
        if point.covers(model):
            return point
    raise CatalogueError(
        "no operating point for this model",
        expected="an [[operating_point]] whose models cover it",
        got=model,
        where="policy",
        next_step="add it to policy.toml",
    )
