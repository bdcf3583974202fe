"""Which mutants are tried where not all are: the same ones each time, of every module and kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from mutations.changes import Change

__all__ = ["OF_EACH", "sampled"]

# Of each kind of mutant in each module.
OF_EACH = 1


def sampled(
    changes: Sequence[Change], *, whole: Iterable[str], seed: int, of_each: int = OF_EACH
) -> list[Change]:
    """Everything that is gone, all mutants of some modules and a few of each kind of the others.

    Which ones depends on the seed and on the names of the mutants alone: a change of one function
    exchanges no mutants of others, unless it has one that comes before them.

    Args:
        changes: Of one group.
        whole: Paths of the modules of which all are kept.
        seed: Another number gives another sample.
        of_each: How many of one kind are kept of one module.

    Returns:
        Those kept, in the order in which they were given.
    """
    complete = frozenset(whole)
    kinds: dict[tuple[str, str], list[Change]] = {}
    for each in changes:
        if each.mutant is not None and each.module not in complete:
            kinds.setdefault((each.module, each.kind), []).append(each)
    left_out = {
        id(each)
        for of_kind in kinds.values()
        for each in sorted(of_kind, key=lambda change: _place(change, seed))[of_each:]
    }
    return [each for each in changes if id(each) not in left_out]


def _place(change: Change, seed: int) -> str:
    return hashlib.sha256(f"{seed} {change.label}".encode()).hexdigest()
