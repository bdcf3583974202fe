"""Which checks a signature of given files needs: by what judges them, and by their form."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from validation.errors import CatalogueError, did_you_mean
from validation.policy.tables import GivenRequirement
from validation.specs.references import ReferenceKind
from validation.specs.variants import VARIANTS


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


def required_of_given(
    tables: Mapping[str, GivenRequirement], name: str
) -> dict[str, RequiredOfGiven]:
    """The tables of a policy file.

    Args:
        tables: By check.
        name: Of the file, for messages.

    Raises:
        CatalogueError: A form or a kind of reference that does not exist.
    """
    for check, table in tables.items():
        where = f"{name}, required_of_given {check}"
        _require_known("variant", table.variants, VARIANTS, where)
        _require_known("kind of reference", table.references, tuple(ReferenceKind), where)
    return {
        check: RequiredOfGiven(table.references, table.variants) for check, table in tables.items()
    }


def _require_known(kind: str, patterns: Iterable[str], known: Collection[str], where: str) -> None:
    for pattern in patterns:
        if not fnmatch.filter(known, pattern):
            raise CatalogueError(
                f"unknown {kind} {pattern!r}", where=where, next_step=did_you_mean(pattern, known)
            )
