"""What a user's own policy changes of the built-in one: kept in the record, shown in the report."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from validation.policy.given import ChangedGivenRequirement
from validation.policy.limits import Rule
from validation.policy.operating_points import OperatingPoint
from validation.policy.preference import ChangedPreference
from validation.specs.variants import VARIANTS


@dataclass(frozen=True)
class ChangedLimit:
    """A user's limit.

    Args:
        rule: The limit and where it holds.
        built_in: What held, or may have held by model, for these values; in file order.
    """

    rule: Rule
    built_in: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class ChangedSetting:
    """A user's value of a setting, and the one that it replaced."""

    name: str
    value: float
    reason: str
    built_in: float


@dataclass(frozen=True)
class ChangedRequirement:
    """For which variants a user requires a check, and for which it was required."""

    check: str
    variants: tuple[str, ...]
    built_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangedOperatingPoint:
    """A user's operating point, and what held, or may have held by model; in file order."""

    point: OperatingPoint
    built_in: tuple[OperatingPoint, ...] = ()


@dataclass(frozen=True)
class Overlay:
    """Everything that one user's policy changed.

    Args:
        file: Name of the file.
        sha256: Of the file.
        limits: In file order.
        settings: In file order.
        required: In file order.
        ship: Which of the files that pass is to be shipped; None: as the built-in policy says.
        operating_points: In file order.
        required_of_given: In file order.
    """

    file: str
    sha256: str
    limits: tuple[ChangedLimit, ...] = ()
    settings: tuple[ChangedSetting, ...] = ()
    required: tuple[ChangedRequirement, ...] = ()
    ship: ChangedPreference | None = None
    operating_points: tuple[ChangedOperatingPoint, ...] = ()
    required_of_given: tuple[ChangedGivenRequirement, ...] = ()


def overlapping(own: Rule, built_in: Iterable[Rule]) -> tuple[Rule, ...]:
    """The built-in rules that a user's rule replaces, in whole or for some models or variants.

    Patterns of models can only be compared with each other: where both name some models,
    the rules are taken to overlap.
    """
    same = [rule for rule in built_in if (rule.check, rule.measure) == (own.check, own.measure)]
    equal = tuple(rule for rule in same if rule.scope == own.scope)
    variants = _variants(own)
    return equal or tuple(rule for rule in same if _variants(rule) & variants)


def _variants(rule: Rule) -> set[str]:
    return {name for pattern in rule.variants for name in fnmatch.filter(VARIANTS, pattern)}
