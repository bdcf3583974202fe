"""Which variants of which models a session is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from validation.errors import UsageError
from validation.record.types import ModelKey
from validation.specs.variants import VARIANTS, Scheme, variant_of
from validation.workspace.candidates import Candidate
from validation.workspace.synthetic import GROUP
from validation.zoo.entry import CatalogueEntry

# What people ship of a float model, and of one that was trained with quantisation.
_FLOAT = ("float", "raw", "float16", "dynamic", "int8")
_QUANTISED = ("uint8", "uint8-raw")
# Weights that nobody trained say nothing of what quantisation costs.
_UNTRAINED = ("float", "raw")


def select(
    entries: Sequence[CatalogueEntry], asked: Collection[str], *, representative: bool
) -> tuple[ModelKey, ...]:
    """Models in the catalogue's order, the variants of each in the order of `VARIANTS`.

    Args:
        entries: Models under test.
        asked: Variants that the user named; empty takes those that people ship.
        representative: Whether there are images to calibrate int8 with.

    Raises:
        UsageError: No model has any of the variants that were asked for.
    """
    keys = tuple(
        ModelKey(entry.name, name)
        for entry in entries
        for name in VARIANTS
        if name in (asked or _usual(entry, representative=representative)) and _applies(entry, name)
    )
    if not keys:
        names = ", ".join(entry.name for entry in entries)
        raise UsageError(
            f"none of the models has the variant {' or '.join(asked)}",
            expected="float variants for float models; uint8 and uint8-raw for quantised ones",
            got=names,
            where="--variant",
        )
    return keys


def with_given(keys: Sequence[ModelKey], candidates: Sequence[Candidate]) -> tuple[ModelKey, ...]:
    """Each model's given files behind its variants."""
    models = dict.fromkeys([key.model for key in keys] + [each.key.model for each in candidates])
    given = [each.key for each in candidates]
    return tuple(key for model in models for key in (*keys, *given) if key.model == model)


def calibrates(entries: Sequence[CatalogueEntry], asked: Collection[str]) -> bool:
    """Whether some file has ranges that are found here, given images to find them with."""
    quantised = {entry.name for entry in entries if entry.quantised}
    return any(
        variant_of(key.variant).is_full_integer and key.model not in quantised
        for key in select(entries, asked, representative=True)
    )


def _usual(entry: CatalogueEntry, *, representative: bool) -> tuple[str, ...]:
    if entry.quantised:
        return _QUANTISED
    if entry.group == GROUP:
        return _UNTRAINED
    return tuple(name for name in _FLOAT if representative or name != "int8")


def _applies(entry: CatalogueEntry, name: str) -> bool:
    """A quantised model has one form; a float model can be given any."""
    return not entry.quantised or variant_of(name).scheme is Scheme.UINT8
