"""Files from outside are read within limits that a test sets."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from validation.files.limits import file_limits, keep_to


class LimitFiles(Protocol):
    """Puts other limits in force, by the names of their settings."""

    def __call__(self, **settings: float) -> None:
        """Until the test ends."""


def limit(**settings: float) -> None:
    """See `LimitFiles`."""
    keep_to(dataclasses.replace(file_limits(), **settings))
