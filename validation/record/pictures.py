"""One image as several sides see it: what a record keeps of it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validation.errors import RecordError
from validation.record.types import OfVariant

if TYPE_CHECKING:
    # Pages are made of a record without NumPy.
    from validation.record.detections import Detections

# Title of the panel that shows labels: its boxes are objects, and nothing scored them.
GROUND_TRUTH = "ground truth"


class BoxState(enum.StrEnum):
    """What the other side makes of a detection."""

    FOUND = "found"
    """It shows it too."""
    MOVED = "moved"
    """It shows it in a box that overlaps too little."""
    RENAMED = "renamed"
    """It shows the box under another class."""
    LOST = "lost"
    """The reference's: the file does not show it, not even a little below the threshold."""
    GAINED = "gained"
    """The file's: the reference does not show it."""


@dataclass(frozen=True)
class Panel:
    """One way to see a picture: a title and the boxes to draw, as numbers that JSON holds.

    Args:
        title: What ran.
        boxes: Of `Detections`, one each.
        scores: One each.
        classes: One each.
        states: One each; empty where nothing was compared.

    Raises:
        RecordError: They do not describe the same detections.
    """

    title: str
    boxes: tuple[tuple[float, float, float, float], ...]
    scores: tuple[float, ...]
    classes: tuple[int, ...]
    states: tuple[BoxState, ...] = ()

    def __post_init__(self) -> None:
        """The lists describe the same detections."""
        counts = {len(self.boxes), len(self.scores), len(self.classes)}
        if self.states:
            counts.add(len(self.states))
        if len(counts) != 1:
            raise RecordError(
                "a panel's detections are of unequal length",
                got=f"{len(self.boxes)} boxes, {len(self.scores)} scores, "
                f"{len(self.classes)} classes, {len(self.states)} states",
            )

    @classmethod
    def of(cls, title: str, detections: Detections, states: Sequence[BoxState] = ()) -> Panel:
        """The panel that shows these detections."""
        boxes = tuple(
            (top, left, low, right) for top, left, low, right in detections.boxes.tolist()
        )
        scores, classes = detections.scores.tolist(), detections.classes.tolist()
        return cls(title, boxes, tuple(scores), tuple(classes), tuple(states))


@dataclass(frozen=True)
class Picture(OfVariant):
    """The same image seen by several runtimes, side by side in the report.

    Args:
        model: See `ModelKey`.
        image: File name in the data set.
        width: Of the stored JPEG, pixels.
        height: Of the stored JPEG, pixels.
        jpeg_base64: The reduced image, so that the report needs no other file.
        panels: Reference first; `GROUND_TRUTH` last, where there are labels.
        labels: Names of the class ids that occur.
        variant: See `ModelKey`: of the file that is shown beside the reference.
        file: See `ModelKey`.
    """

    model: str
    image: str
    width: int
    height: int
    jpeg_base64: str
    panels: tuple[Panel, ...]
    labels: dict[str, str] = field(default_factory=dict)
    variant: str = ""
    file: str = ""

    def count(self, state: BoxState) -> int:
        """How many detections of either side are in that state; the first side's where both are."""
        return max((panel.states.count(state) for panel in self.panels), default=0)
