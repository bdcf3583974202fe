"""How many models may be worked on at a time: what each needs, and what there is for all."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MemoryBudget:
    """Memory of a session's child processes, in bytes.

    Args:
        total: For all of them together.
        needs: Of one child while it works on a model, by the model's name.
        unknown: Of a model that is not among them.
    """

    total: float = math.inf
    needs: Mapping[str, float] = field(default_factory=dict)
    unknown: float = 0.0

    def fits(self, model: str, beside: Collection[str]) -> bool:
        """Whether a child may begin with a model.

        Args:
            model: Its name.
            beside: What the other children are at, one name each: none is always enough room.
        """
        return not beside or self._need(model) + sum(map(self._need, beside)) <= self.total

    def fits_twice(self, models: Collection[str]) -> bool:
        """Whether any two of these can be worked on at once, or one of them by two children."""
        least = min(models, key=self._need, default=None)
        return least is not None and self.fits(least, [least])

    def _need(self, model: str) -> float:
        return self.needs.get(model, self.unknown)


UNBOUNDED = MemoryBudget()
