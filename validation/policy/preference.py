"""Which of the files that pass is to be shipped: a preference and its reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Prefer(enum.StrEnum):
    """What decides between files that are all good enough."""

    SMALLEST = "smallest"
    FASTEST = "fastest"
    MOST_ACCURATE = "most_accurate"


@dataclass(frozen=True)
class Preference:
    """What decides, and why."""

    prefer: Prefer
    reason: str


@dataclass(frozen=True)
class ChangedPreference:
    """A user's preference, and the one that it replaced."""

    prefer: Prefer
    reason: str
    built_in: Prefer
