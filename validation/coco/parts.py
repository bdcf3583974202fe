"""The parts of a data set that are for evaluation, by the names that people give them."""

from __future__ import annotations

# In order of preference; never the part for training.
EVALUATED = ("val", "valid", "validation", "test")


def evaluated_part(name: str) -> str:
    """The part that a folder or file is called by, `val` of `val2017`; empty if none of these."""
    plain = name.casefold().rstrip("0123456789-_")
    return plain if plain in EVALUATED else ""
