"""Numbers of an archive's files that are not finite: wrong whatever another file states."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from validation.comparison.witnesses import Witness
from validation.export.graph_parts import GraphParts
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.formatting import plural

_ANCHORS = "anchors"


def not_finite_parts(witnesses: Sequence[Witness]) -> tuple[Diagnosis, ...]:
    """One entry for each file with NaN or infinite numbers, and the first place of them.

    Where every file that states a number has it so, nothing says whose fault it is: then it is
    the archive's.

    Args:
        witnesses: Files of one archive.
    """
    found = [(each, _counts(each.parts)) for each in witnesses]
    shared = {
        name: having
        for name in dict.fromkeys(name for _, counts in found for name in counts)
        if len(having := [each.name for each, counts in found if name in counts]) > 1
        and len(having) == sum(_states(each.parts, name) for each in witnesses)
    }
    entries = []
    for witness, counts in found:
        own = {name: words for name, words in counts.items() if name not in shared}
        if own:
            files = [witness.name] if witness.place is Place.ARCHIVE else []
            entries.append(_entry(witness.place, own, files))
    if shared:
        words = {name: _words_of(found, name) for name in shared}
        entries.append(_entry(Place.ARCHIVE, words, next(iter(shared.values()))))
    return tuple(entries)


def without_not_finite(witness: Witness) -> Witness:
    """What is left to compare with other files."""
    bad = _counts(witness.parts)
    if not bad:
        return witness
    parts = witness.parts
    kept = dataclasses.replace(
        parts,
        variables=_without(parts.variables, bad),
        settings=_without(parts.settings, bad),
        epsilons=_without(parts.epsilons, bad),
        anchors=None if _ANCHORS in bad else parts.anchors,
    )
    return dataclasses.replace(witness, parts=kept)


def _without(values: Mapping[Any, Any], bad: Mapping[str, str]) -> dict[Any, Any]:
    return {name: value for name, value in values.items() if str(name) not in bad}


def _words_of(found: Sequence[tuple[Witness, Mapping[str, str]]], name: str) -> str:
    return next(counts[name] for _, counts in found if name in counts)


def _entry(place: Place, counts: Mapping[str, str], files: Sequence[str]) -> Diagnosis:
    """The first place, and how many there are."""
    name, words = next(iter(counts.items()))
    where = f"{name} ({words}{' in ' if files else ''}{' and '.join(files)})"
    fault, by = FaultKind.NOT_FINITE, DiagnosedBy.ROUTES
    return Diagnosis("", "", fault, place, by, where, count=len(counts))


def _counts(parts: GraphParts) -> dict[str, str]:
    """By name how many numbers are not finite, in words."""
    found = {
        name: f"{count:,} of {plural(size, 'value')}"
        for name, value in _numbers(parts)
        if (count := int(np.count_nonzero(~np.isfinite(value)))) and (size := int(value.size))
    }
    others = {name: plural(count, "value") for name, count in parts.not_finite.items()}
    return {**others, **found}


def _numbers(parts: GraphParts) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    stated: tuple[Mapping[Any, Any], ...] = (parts.variables, parts.epsilons, parts.settings)
    for name, value in itertools.chain.from_iterable(each.items() for each in stated):
        array = np.asarray(value)
        if array.dtype.kind == "f":
            yield str(name), array
    if parts.anchors is not None:
        yield _ANCHORS, parts.anchors


def _states(parts: GraphParts, name: str) -> bool:
    names = {*parts.variables, *parts.epsilons, *map(str, parts.settings), *parts.not_finite}
    return name in names or (name == _ANCHORS and parts.anchors is not None)
