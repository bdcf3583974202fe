"""COCO accuracy as rows: the reference first, every other row with its distance to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from validation.record import formatting
from validation.record.types import Accuracy, CocoFigures

# The variant under which a model's own frozen graph is recorded.
REFERENCE = "reference"

# Short names of the twelve figures and what sets each apart, in the order of `CocoFigures`.
FIGURE_TITLES = (
    ("AP", "IoU 0.50:0.95"),
    ("AP50", "IoU 0.50"),
    ("AP75", "IoU 0.75"),
    ("AP S", "area < 32\u00b2"),
    ("AP M", "32\u00b2 to 96\u00b2"),
    ("AP L", "area > 96\u00b2"),
    ("AR 1", "at most 1"),
    ("AR 10", "at most 10"),
    ("AR 100", "at most 100"),
    ("AR S", "area < 32\u00b2"),
    ("AR M", "32\u00b2 to 96\u00b2"),
    ("AR L", "area > 96\u00b2"),
)


@dataclass(frozen=True)
class FigureCell:
    """One COCO figure and its distance to the reference; ``absent`` without ground truth."""

    value: str
    delta: str
    worse: bool
    absent: bool


@dataclass(frozen=True)
class AccuracyRow:
    """The twelve figures of one model file and what they were measured on."""

    variant: str
    subject: str
    is_reference: bool
    cells: tuple[FigureCell, ...]
    images: str
    categories: str
    detections: str
    score_threshold: str
    seconds: str
    compared: str


def accuracy_rows(accuracies: list[Accuracy]) -> tuple[AccuracyRow, ...]:
    """The reference first, then the variants, each with its other subjects below it."""
    reference = reference_of(accuracies)
    variants = list(dict.fromkeys(entry.variant for entry in accuracies))
    ordered = sorted(
        accuracies,
        key=lambda entry: (entry.variant != REFERENCE, variants.index(entry.variant)),
    )
    return tuple(_accuracy_row(entry, reference) for entry in ordered)


def reference_first(variants: Iterable[str]) -> list[str]:
    """Variants in their order, the reference before all others."""
    return sorted(variants, key=lambda variant: variant != REFERENCE)


def reference_of(accuracies: list[Accuracy]) -> Accuracy | None:
    """The accuracy that others are held against: the first that names itself reference."""
    return next((entry for entry in accuracies if entry.variant == REFERENCE), None)


def comparable(one: Accuracy, other: Accuracy) -> bool:
    """True when a difference of two accuracies means something: same images, same classes."""
    return (one.images, set(one.category_ids)) == (other.images, set(other.category_ids))


def _accuracy_row(entry: Accuracy, reference: Accuracy | None) -> AccuracyRow:
    compared = reference is not None and reference is not entry
    same = compared and reference is not None and comparable(entry, reference)
    return AccuracyRow(
        variant=entry.variant,
        subject=entry.subject,
        is_reference=entry is reference,
        cells=_cells(entry.figures, reference.figures if same and reference else None),
        images=formatting.plural(entry.images, "image"),
        categories=formatting.id_ranges(entry.category_ids) or "none",
        detections=formatting.plural(entry.detections, "detection"),
        score_threshold=formatting.number(entry.score_threshold),
        # Nothing was measured where the answers came out of the work folder.
        seconds=formatting.duration(entry.seconds) if entry.seconds else "",
        compared="" if same or not compared else "other images or classes: no difference shown",
    )


def _cells(figures: CocoFigures, reference: CocoFigures | None) -> tuple[FigureCell, ...]:
    cells = []
    for item in fields(CocoFigures):
        value: float = getattr(figures, item.name)
        against: float | None = getattr(reference, item.name) if reference else None
        difference = formatting.coco_difference(value, against)
        cells.append(
            FigureCell(
                value=formatting.coco_figure(value),
                delta=formatting.coco_delta(difference),
                worse=(difference or 0) < 0,
                absent=value == formatting.NO_GROUND_TRUTH,
            )
        )
    return tuple(cells)
