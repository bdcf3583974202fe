"""COCO accuracy as rows: the reference first, every other row with its distance to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace

from validation.record import formatting
from validation.record.ap_difference import ApDifference
from validation.record.types import REFERENCE, Accuracy, ModelKey
from validation.report.interval_tables import figure_intervals


@dataclass(frozen=True)
class AccuracyRow:
    """The accuracy of one model file beside the reference's.

    Args:
        entry: As it was recorded.
        is_reference: It is what others are held against.
        is_comparable: The reference, if there is one, was measured on the same images and classes.
        figures: The twelve figures, each with its difference to the reference or None.
        intervals: Of each difference, in words; empty where there is none.
        facts: On what it was measured, where the table does not say so of all rows; in words.
    """

    entry: Accuracy
    is_reference: bool
    is_comparable: bool
    figures: tuple[tuple[float, float | None], ...]
    intervals: tuple[str, ...]
    facts: tuple[str, ...] = ()

    @property
    def has_absent_figures(self) -> bool:
        """True where the images have no ground truth for one of the figures."""
        return any(value == formatting.NO_GROUND_TRUTH for value, _ in self.figures)


def accuracy_rows(
    accuracies: list[Accuracy], differences: Sequence[ApDifference] = ()
) -> tuple[AccuracyRow, ...]:
    """The reference first, then the files, each with its figures under other settings below it.

    Args:
        accuracies: Of one model.
        differences: With their intervals, for the same subjects.
    """
    reference = reference_of(accuracies)
    keys = list(dict.fromkeys(entry.key for entry in accuracies))
    ordered = sorted(
        accuracies,
        key=lambda entry: (not _is_reference(entry.key), keys.index(entry.key)),
    )
    common = common_facts(accuracies)
    return tuple(
        replace(
            _accuracy_row(entry, reference, differences),
            facts=tuple(each for each in _facts(entry) if each not in common),
        )
        for entry in ordered
    )


def common_facts(accuracies: Sequence[Accuracy]) -> tuple[str, ...]:
    """On what all of them were measured, in words: said once for a table."""
    facts = [_facts(entry) for entry in accuracies]
    return tuple(each for each in facts[0] if all(each in one for one in facts)) if facts else ()


def _facts(entry: Accuracy) -> tuple[str, ...]:
    return (
        formatting.plural(entry.images, "image"),
        f"categories {formatting.id_ranges(entry.category_ids) or 'none'}",
        formatting.plural(entry.detections, "detection"),
        f"scores from {formatting.number(entry.score_threshold)}",
        # Seconds are zero where the detections came out of the work folder.
        *([formatting.duration(entry.seconds)] if entry.seconds else []),
    )


def reference_first(keys: Iterable[ModelKey]) -> list[ModelKey]:
    """Subjects of a model in their order, the reference before all others, given files last."""
    return sorted(keys, key=lambda key: (not _is_reference(key), bool(key.file)))


def _is_reference(key: ModelKey) -> bool:
    return key.variant == REFERENCE and not key.file


def reference_of(accuracies: list[Accuracy]) -> Accuracy | None:
    """The accuracy that others are held against: the first that names itself reference."""
    return next((entry for entry in accuracies if _is_reference(entry.key)), None)


def comparable(one: Accuracy, other: Accuracy) -> bool:
    """True when a difference of two accuracies means something: same images, same classes."""
    return (one.images, set(one.category_ids)) == (other.images, set(other.category_ids))


def _accuracy_row(
    entry: Accuracy, reference: Accuracy | None, differences: Sequence[ApDifference]
) -> AccuracyRow:
    is_comparable = reference is None or comparable(entry, reference)
    pairs = zip(
        astuple(entry.figures),
        astuple(reference.figures) if reference and is_comparable else (None,) * 12,
        strict=True,
    )
    is_reference = entry is reference
    own = (each for each in differences if (each.key, each.subject) == (entry.key, entry.subject))
    return AccuracyRow(
        entry,
        is_reference,
        is_comparable,
        tuple(
            (value, None if is_reference else formatting.coco_difference(value, other))
            for value, other in pairs
        ),
        figure_intervals(next(own, None)),
    )
