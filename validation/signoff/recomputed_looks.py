"""What a record says of its looks should follow from the policy and fit its other lines."""

from __future__ import annotations

import math
from collections.abc import Iterator

from validation.comparison.group_sequential import looks_at, planned_looks
from validation.policy.load import Policy
from validation.record.store import Record
from validation.record.until_decided import Look, UntilDecided
from validation.signoff.recomputed import Contradiction

_POLICY = "the policy and the number of images"
_HEADER = "the looks in the header"
# The boundaries are found by bisection; another release of NumPy adds up in another order.
_ROUNDING = 1e-9


def look_contradictions(record: Record, policy: Policy) -> Iterator[Contradiction]:
    """Looks that the policy does not plan, and levels or images that are not those of the look.

    Args:
        record: Of the run.
        policy: That it was judged by.
    """
    found = record.header.until_decided
    if found is not None:
        yield from _plan(found, policy)
        yield from _stop(found)
        dataset = record.header.dataset
        images = 0 if dataset is None else dataset.images
        if images != found.stopped.images:
            yield Contradiction(
                "the number of labelled images", _HEADER, str(found.stopped.images), str(images)
            )
    yield from _levels(record)


def _plan(found: UntilDecided, policy: Policy) -> Iterator[Contradiction]:
    images, power = found.looks[-1].images, policy.setting("until_decided_power")
    counts = looks_at(int(policy.setting("until_decided_images")), images)
    right = planned_looks(counts, power)
    if len(right) != len(found.looks) or not all(map(_alike, right, found.looks)):
        yield Contradiction("the looks", _POLICY, str(right), str(found.looks))
    seed = int(policy.setting("until_decided_seed"))
    if (found.seed, found.power) != (seed, power):
        right_text, got = f"{seed}, {power:g}", f"{found.seed}, {found.power:g}"
        yield Contradiction("seed and power of the looks", _POLICY, right_text, got)


def _alike(one: Look, other: Look) -> bool:
    return one.images == other.images and all(
        math.isclose(*pair, abs_tol=_ROUNDING)
        for pair in ((one.spent, other.spent), (one.level, other.level))
    )


def _stop(found: UntilDecided) -> Iterator[Contradiction]:
    """A run goes on while a file is open, and no longer."""
    *before, last = found.undecided
    if not all(before) or (last and not found.is_last):
        open_files = [len(each) for each in found.undecided]
        right = "open files before the look at which the run stopped, and none then"
        yield Contradiction("the look at which the run stopped", _HEADER, right, str(open_files))


def _levels(record: Record) -> Iterator[Contradiction]:
    level = record.header.level
    entries = [
        *((f"differences in AP of {each.key}", each.level) for each in record.ap_differences),
        *((f"operating point of {each.key}", each.level) for each in record.operating_points),
        *(
            (f"{measure.name} of {result.key}", measure.level)
            for result in record.results
            if result.check in ("accuracy", "operating_point")
            for measure in result.measures
            if measure.interval is not None
        ),
    ]
    for what, got in entries:
        if got != level:
            yield Contradiction(f"level of the intervals, {what}", _HEADER, str(level), str(got))
