"""What a file loses at the score from which an app shows detections: what a record keeps."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.record.types import USUAL_LEVEL, OfVariant


class ObjectSize(enum.StrEnum):
    """COCO's sizes of objects, by the area of the box in pixels of the original image."""

    SMALL = "small"
    """Less than 32 x 32."""
    MEDIUM = "medium"
    """From there, less than 96 x 96."""
    LARGE = "large"


# In square pixels: where the next size begins.
SIZE_BOUNDS = (32**2, 96**2)


@dataclass(frozen=True)
class OperatingRow:
    """What one class and size lost, gained and saw moved.

    What counts against a file is right in the reference by the labels, or wrong in the file. A
    class without labels has every one of the reference's detections for right.

    Args:
        class_id: None for all classes together.
        class_name: Empty where it is not known.
        size: None for all sizes together.
        images: With a right detection of the reference.
        reference: Detections of the reference at scores from the threshold.
        right: Of these, on an object of their class.
        lost: Of the reference's, what the file does not find, not even a little below.
        lost_right: Of the lost, the right ones whose object the file does not find otherwise.
        moved: Of the reference's, found again in a box that overlaps too little.
        moved_right: Of the moved, the right ones.
        shown: Detections of the file at scores from the threshold.
        gained: Of the file's, what the reference does not find, not even a little below.
        gained_wrong: Of the gained, those on no object of their class.
        interval: Of the share of right detections that is lost. Those of all rows but the
            first hold together with the level of the table, that of the first by itself. None
            where both sides compute the same, so that a loss is a fault and not a sample.
    """

    class_id: int | None
    class_name: str
    size: ObjectSize | None
    images: int
    reference: int
    right: int
    lost: int
    lost_right: int
    moved: int
    moved_right: int
    shown: int
    gained: int
    gained_wrong: int
    interval: tuple[float, float] | None

    @property
    def lost_share(self) -> float | None:
        """Of the reference's right detections; None where there are none."""
        return self.lost_right / self.right if self.right else None

    @property
    def lost_at_least(self) -> float:
        """The share that is certainly lost: the lower end of the interval, where there is one."""
        if not self.lost_right:
            return 0.0
        return self.lost_right / self.right if self.interval is None else self.interval[0]

    def describe(self) -> str:
        """What it is about, for example ``small objects of class star``."""
        size = f"{self.size} objects" if self.size else "objects of all sizes"
        if self.class_id is None:
            return size if self.size else "all objects"
        name = self.class_name or str(self.class_id)
        return f"{size} of class {name}" if self.size else f"class {name}"


@dataclass(frozen=True)
class OperatingPointLosses(OfVariant):
    """What a file loses, gains and moves at the score from which an app shows detections.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        min_score: The threshold: the app's own, or the model's where that is higher.
        asked: The app's own, by the policy.
        score_epsilon: How far below the threshold the other side may still find it.
        min_iou: Lowest overlap at which two boxes are the same object.
        moved_iou: Overlap below which a box has moved.
        images: How many were compared.
        unlabelled_classes: Those that no category of the labelled images stands for.
        undecided: Detections of the reference for which the file had no slot left.
        tied: Detections that rounding alone exchanged, on both sides.
        rows: All together first; then every class, every size and every class at every size
            that either side has.
        file: See `ModelKey`.
        level: Of the intervals.
    """

    model: str
    variant: str
    min_score: float
    asked: float
    score_epsilon: float
    min_iou: float
    moved_iou: float
    images: int
    unlabelled_classes: tuple[str, ...]
    undecided: int
    tied: int
    rows: tuple[OperatingRow, ...]
    file: str = ""
    level: float = USUAL_LEVEL

    @property
    def total(self) -> OperatingRow:
        """All classes and sizes together."""
        return self.rows[0]

    @property
    def worst(self) -> OperatingRow | None:
        """The row that certainly loses most; None where no class at no size loses anything.

        Of rows that lose the same, the one that says most: a class at one size.
        """

        def badness(row: OperatingRow) -> tuple[float, ...]:
            known = (row.class_id is not None) + (row.size is not None)
            return row.lost_at_least, row.lost_share or 0.0, known

        losing = [row for row in self.rows[1:] if row.lost_right]
        return max(losing, key=badness, default=None)

    @property
    def figures(self) -> dict[str, float | int | None]:
        """What follows from the table, by the names of the check's measures."""
        total, worst = self.total, self.worst
        found = {
            "right_detections": total.right,
            "lost_share": total.lost_share,
            "gained_share": total.gained_wrong / total.shown if total.shown else 0.0,
            "moved_share": total.moved_right / total.right if total.right else None,
            "worst_cell_lost_at_least": worst.lost_at_least if worst else 0.0,
            "images": self.images,
            "reference_detections": total.reference,
            "lost_detections": total.lost,
            "lost_right_detections": total.lost_right,
            "gained_detections": total.gained,
            "gained_false_alarms": total.gained_wrong,
            "moved_detections": total.moved,
            "undecided_detections": self.undecided,
            "tied_detections": self.tied,
        }
        return found if worst is None else found | {"worst_cell_lost_share": worst.lost_share}
