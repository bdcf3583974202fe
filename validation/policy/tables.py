"""The layout of policy.toml, and of a user's own file, as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NewType

from validation.errors import CatalogueError
from validation.files.structured import Text, register
from validation.policy.limits import Status
from validation.policy.preference import Prefer

_Patterns = NewType("_Patterns", tuple[str, ...])
_SomePatterns = NewType("_SomePatterns", tuple[str, ...])
_ALL = _SomePatterns(("*",))
_Unjudged = NewType("_Unjudged", bool)
_Beyond = NewType("_Beyond", Status)
_FAILURE = _Beyond(Status.FAIL)


@dataclass(frozen=True)
class OwnSetting:
    """A user's value of a setting."""

    value: float
    reason: Text


@dataclass(frozen=True)
class Setting:
    """A setting, and the range that a user's own value has to lie in."""

    value: float
    min: float
    reason: Text
    max: float | None = None
    whole: bool = False

    def check(self, value: float, where: str) -> None:
        """Refuse a value that is outside of the range, or a fraction where it must be whole."""
        below_max = self.max is None or value <= self.max
        if self.min <= value and below_max and not (self.whole and value % 1):
            return
        kind = "a whole number" if self.whole else "a number"
        bounds = f"of {self.min} or more" if self.max is None else f"from {self.min} to {self.max}"
        raise CatalogueError(
            "value is wrong", expected=f"{kind} {bounds}", got=repr(value), where=where
        )


@dataclass(frozen=True)
class LimitTable:
    """One [[limit]]."""

    check: Text
    measure: Text
    reason: Text
    max: float | None = None
    min: float | None = None
    equal: Any = None
    any: _Unjudged | None = None
    warn: float | None = None
    beyond: _Beyond = _FAILURE
    models: _SomePatterns = _ALL
    variants: _SomePatterns = _ALL


@dataclass(frozen=True)
class OperatingPointTable:
    """One [[operating_point]]."""

    min_score: float
    reason: Text
    models: _SomePatterns = _ALL


@dataclass(frozen=True)
class Ship:
    """Which of the files that pass is to be shipped."""

    prefer: Prefer
    reason: Text


@dataclass(frozen=True)
class GivenRequirement:
    """For which given files a check is required: by reference and by form."""

    references: _Patterns
    variants: _SomePatterns = _ALL


@dataclass(frozen=True)
class OwnTables:
    """A user's own file."""

    version: int
    setting: dict[str, OwnSetting] = field(default_factory=dict)
    required: dict[str, _Patterns] = field(default_factory=dict)
    required_of_given: dict[str, GivenRequirement] = field(default_factory=dict)
    ship: Ship | None = None
    limit: tuple[LimitTable, ...] = ()
    operating_point: tuple[OperatingPointTable, ...] = ()


@dataclass(frozen=True)
class Tables:
    """The built-in file."""

    version: int
    setting: dict[str, Setting] = field(default_factory=dict)
    required: dict[str, _Patterns] = field(default_factory=dict)
    required_of_given: dict[str, GivenRequirement] = field(default_factory=dict)
    of_trained_weights: tuple[str, ...] = ()
    ship: Ship | None = None
    limit: tuple[LimitTable, ...] = ()
    operating_point: tuple[OperatingPointTable, ...] = ()


def _patterns(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError
    return tuple(names)


def _some_patterns(value: Any) -> tuple[str, ...]:
    names = _patterns(value)
    if not names:
        raise ValueError
    return names


def _beyond(value: Any) -> Status:
    if value not in (Status.FAIL, Status.UNKNOWN, Status.WARN):
        raise ValueError
    return Status(value)


def _unjudged(value: Any) -> bool:
    if value is not True:
        raise ValueError
    return True


register(_Unjudged, "true", _unjudged)
register(_Beyond, "fail, unknown or warn", _beyond)
register(_Patterns, "a name or a list of names", _patterns)
register(_SomePatterns, "a name or a list of names", _some_patterns)
