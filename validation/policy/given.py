"""Which checks a signature of given files needs: by what judges them, and by their form."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

# As `validation.record.run.ReferenceKind` has them, which is above this room.
REFERENCE_KINDS = ("graph", "saved model", "tflite", "detections", "none")


@dataclass(frozen=True)
class RequiredOfGiven:
    """The given files that a check is required of.

    Args:
        references: Shell patterns of the kinds of reference.
        variants: Shell patterns of the files' forms.
    """

    references: tuple[str, ...]
    variants: tuple[str, ...] = ("*",)

    def covers(self, reference: str, variant: str) -> bool:
        """True where the check is required of such a file."""
        return any(fnmatch.fnmatchcase(reference, each) for each in self.references) and any(
            fnmatch.fnmatchcase(variant, each) for each in self.variants
        )


@dataclass(frozen=True)
class ChangedGivenRequirement:
    """A requirement of a user's own.

    Args:
        check: Name of the check.
        now: Of which files it is required.
        built_in: What it replaces; None where it was required of none.
    """

    check: str
    now: RequiredOfGiven
    built_in: RequiredOfGiven | None
