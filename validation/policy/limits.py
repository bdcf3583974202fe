"""How one measured value is judged: a bound, its reason, and the status that follows."""

from __future__ import annotations

import enum
import fnmatch
import math
from dataclasses import dataclass
from numbers import Real
from typing import Any


class Status(enum.StrEnum):
    """What one check, one model or one run amounts to.

    ``UNKNOWN`` means that there is no evidence; it counts as not signed.
    """

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Limit:
    """A bound on one measured value, and why it stands where it does.

    Args:
        relation: ``max`` (value <= bound), ``min`` (value >= bound), ``equal``, or ``any``: another
            limit judges what this value says.
        bound: The limit itself; for ``equal`` any JSON scalar.
        reason: Why this figure and no other.
        warn: Inside the limit, but beyond this the result is WARN. None: never.
        beyond: What a value outside the limit is: FAIL, UNKNOWN where it says that there is too
            little evidence, or WARN where it never decides.
    """

    relation: str
    bound: Any
    reason: str
    warn: float | None = None
    beyond: Status = Status.FAIL

    def status(self, value: Any) -> Status:
        """Judge one value; NaN, infinity and None never pass, nor anything by such a bound."""
        if value is None:
            return Status.FAIL
        if self.relation == "equal":
            return Status.PASS if value == self.bound else self.beyond
        if self.relation == "any":
            return Status.PASS if _is_finite(value) else Status.FAIL
        known = self.relation in ("max", "min")
        if not known or not _is_finite(value) or not _is_finite(self.bound):
            return Status.FAIL
        sign = 1 if self.relation == "max" else -1
        if sign * value > sign * self.bound:
            return self.beyond
        if self.warn is not None and sign * value > sign * self.warn:
            return Status.WARN
        return Status.PASS

    def is_undecided(self, interval: tuple[float, float]) -> bool:
        """True where one end of an interval keeps the limit and the other does not."""
        kept = {self.status(end) in (Status.PASS, Status.WARN) for end in interval}
        return len(kept) == 2 and all(map(_is_finite, interval))

    def status_within(self, value: Any, interval: tuple[float, float]) -> Status:
        """Judge a value by its confidence interval: broken only where no end of it keeps the limit.

        An interval on both sides of the limit decides nothing: the value is judged as it is, and
        that there is too little evidence is for the check of evidence to say, see `is_undecided`.

        Args:
            value: The point estimate.
            interval: Its lower and upper end.

        Returns:
            FAIL where none of the interval keeps the limit, WARN where the value alone does not or
            is beyond `warn`, else PASS.
        """
        ends = [self.status(end) for end in interval]
        outside = [status not in (Status.PASS, Status.WARN) for status in ends]
        if all(outside):
            return worst_status(ends)
        if not all(map(_is_finite, interval)):
            # NaN decides nothing, and says that something is wrong.
            return Status.FAIL
        status = self.status(value)
        return status if status in (Status.PASS, Status.WARN) else Status.WARN

    def headroom(self, value: Any) -> float | None:
        """How far the value stays inside, in units of the value; negative is outside."""
        if self.relation in ("equal", "any") or not isinstance(value, Real):
            return None
        return float(self.bound - value if self.relation == "max" else value - self.bound)


@dataclass(frozen=True)
class Rule:
    """A limit and the values that it holds for: one [[limit]] table of a policy.

    Args:
        check: Name of the check.
        measure: Name of the measured value.
        models: Shell patterns of model names.
        variants: Shell patterns of variants.
        limit: Relation, bound and reason.
    """

    check: str
    measure: str
    models: tuple[str, ...]
    variants: tuple[str, ...]
    limit: Limit

    @property
    def scope(self) -> tuple[object, ...]:
        """What tells one rule from another; of two with one scope only one can hold."""
        return self.check, self.measure, self.models, self.variants

    def covers(self, check: str, measure: str, model: str, variant: str) -> bool:
        """True when this rule limits that value."""
        return (
            self.check == check
            and self.measure == measure
            and any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)
            and any(fnmatch.fnmatchcase(variant, pattern) for pattern in self.variants)
        )


def _is_finite(value: Any) -> bool:
    return isinstance(value, Real) and math.isfinite(value)


# UNKNOWN outranks WARN, since it blocks a signature; FAIL outranks all.
WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.WARN, Status.PASS)


def worst_status(statuses: list[Status]) -> Status:
    """The status that decides; no evidence at all is UNKNOWN."""
    return min(statuses, key=WORST_FIRST.index) if statuses else Status.UNKNOWN
