"""What is wrong with a subject, where, and what to do about it: found, not guessed, and typed.

A check says that something is wrong; a diagnosis says what. Each names one fault, where it lies,
the values that show it, and, where it was undone to see, a figure before and after.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from validation.record.types import ModelKey, OfVariant
from validation.root_cause import FaultKind, Place

# Where a diagnosis is read, its words are read too.
__all__ = ["DiagnosedBy", "Diagnosis", "FaultKind", "Place", "of_subject"]


class DiagnosedBy(enum.StrEnum):
    """What found a fault; those that look at the fault itself come before those that try."""

    ROUTES = "routes"
    """The files that describe the model's graph, read and compared part by part."""
    ERROR = "error"
    """What a step refused: the file cannot be used as it is."""
    FILE_DIFF = "file diff"
    """The .tflite, compared with one that was made here of the same graph."""
    CONTRACT = "contract"
    """What the file states, compared with what its reference states."""
    LAYERS = "layers"
    """The first layer at which two runs part."""
    HYPOTHESIS = "hypothesis"
    """A fault that was undone, and agreement came back."""
    ABSOLUTE = "absolute"
    """Values that no detector has, whatever it is compared with."""
    UNUSUAL = "unusual"
    """Values that one file alone states and that no model of the zoo has: they may be right."""


@dataclass(frozen=True)
class Diagnosis(OfVariant):
    """One fault of a subject.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        fault: What is wrong.
        place: In what.
        by: What found it.
        where: The tensor, variable, operator, attribute or field of the config; empty for the
            whole.
        expected: The value there that is right, as far as it can be said in one; None where not.
        got: The value that there is.
        count: In so many places; `where` is the first.
        measure: Name of the figure that undoing it restores, such as ``AP``; empty where nothing
            was undone.
        before: That figure as it is.
        after: With the fault undone.
        ties: Other faults of which undoing restores as much: the evidence does not tell.
        other_places: What it may lie in as well: the evidence does not tell.
        file: See `ModelKey`.
        check: Name of the check that gave it; filled in where the check is run.
        next_step: What to do about this one; empty: what `diagnosis.toml` says of its kind.
    """

    model: str
    variant: str
    fault: FaultKind
    place: Place
    by: DiagnosedBy
    where: str = ""
    expected: Any = None
    got: Any = None
    count: int = 1
    measure: str = ""
    before: float | None = None
    after: float | None = None
    ties: tuple[FaultKind, ...] = ()
    other_places: tuple[Place, ...] = ()
    file: str = ""
    check: str = ""
    next_step: str = ""


def of_subject(found: Iterable[Diagnosis], key: ModelKey) -> tuple[Diagnosis, ...]:
    """The same, of one subject."""
    return tuple(
        replace(each, model=key.model, variant=key.variant, file=key.file) for each in found
    )
