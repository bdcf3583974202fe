"""How far a file's average precision is from its reference's, and how sure that is."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import NormalDist

from validation.record.types import USUAL_LEVEL, OfVariant


class Figure(enum.StrEnum):
    """Which average precision."""

    AP = "AP"
    AP50 = "AP50"
    SMALL = "AP small"
    MEDIUM = "AP medium"
    LARGE = "AP large"
    CATEGORY = "AP of a category"


@dataclass(frozen=True)
class Difference:
    """One figure of both sides, and the interval of its difference.

    Args:
        figure: Which.
        reference: Of the reference.
        subject: Of the file.
        objects: That it is about, on all images.
        low: Lower end of the interval of subject less reference.
        high: Its upper end.
        standard_error: Of the difference.
        replicates: In which the figure exists; with few objects it is missing from some.
        category_id: Of `Figure.CATEGORY`.
    """

    figure: Figure
    reference: float
    subject: float
    objects: int
    low: float
    high: float
    standard_error: float
    replicates: int
    category_id: int | None = None

    @property
    def value(self) -> float:
        """Subject less reference: negative is a loss."""
        return self.subject - self.reference

    @property
    def is_certain_loss(self) -> bool:
        """The whole interval lies below 0."""
        return self.high < 0


@dataclass(frozen=True)
class ApDifference(OfVariant):
    """The differences of one file to its reference, by a paired bootstrap over images.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        subject: What ran, as `Accuracy` has it.
        images: Of the data set.
        replicates: How often the images were weighted anew.
        seed: Of the weights.
        ranked_alike: Both sides have the same true positives in the same order, with the same
            false ones before each: every difference is exactly 0 on any images like these, and
            no interval is needed.
        differences: AP first; empty where they are ranked alike.
        images_needed: About so many would decide whether AP keeps its limits; None where these
            decide it, or where no number of images would.
        names: Of the categories, by id.
        file: See `ModelKey`.
        level: Of the intervals.
    """

    model: str
    variant: str
    subject: str
    images: int
    replicates: int
    seed: int
    ranked_alike: bool
    differences: tuple[Difference, ...] = ()
    images_needed: int | None = None
    names: dict[int, str] = field(default_factory=dict)
    file: str = ""
    level: float = USUAL_LEVEL

    @property
    def ap(self) -> Difference | None:
        """Of AP over all categories; None where both sides are ranked alike."""
        return next(self.of(Figure.AP), None)

    def of(self, figure: Figure) -> Iterator[Difference]:
        """Those of one figure: several for categories."""
        return (each for each in self.differences if each.figure is figure)


def images_needed(
    images: int, standard_error: float, distance: float, level: float = USUAL_LEVEL
) -> int | None:
    """About how many images shorten an interval until it is clear of a limit.

    Args:
        images: That it was found on.
        standard_error: On them.
        distance: From the point estimate to the limit.
        level: Of the interval.

    Returns:
        None where no number of images would do: the estimate is at the limit itself.
    """
    if not (math.isfinite(standard_error) and math.isfinite(distance)) or not distance:
        return None
    errors = NormalDist().inv_cdf((1 + level) / 2)
    return max(images + 1, math.ceil(images * (errors * standard_error / distance) ** 2))
