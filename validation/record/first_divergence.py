"""The first layer at which a file parts from its reference."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.record.types import OfVariant


class MatchedBy(enum.StrEnum):
    """How the reference's tensor was found that holds the same value."""

    NAME = "name"
    """By the TensorFlow nodes that the file's tensor is called after."""
    VALUES = "values"
    """By its values on the same images: names say nothing, or something else."""
    FLOW = "data flow"
    """It is computed of the same tensors in the same way."""
    NOTHING = "nothing"
    """No tensor of the reference holds this value."""


@dataclass(frozen=True)
class FirstDivergence(OfVariant):
    """The first layer of a file whose own result is not the reference's.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        reference: What the layers were compared with.
        index: Of the operator in the order of execution, from 1 on.
        op: TFLite's name of the operator.
        tensor: What it writes, as the file calls it.
        counterpart: The same in the reference; empty where none was found.
        matched: How that was found.
        local: Largest error of the operator alone, fed with the reference's values; None where it
            could not be fed.
        accumulated: Largest error in the file's own run; None without counterpart.
        allowed: What rounding explains of the local error.
        in_steps: Errors are in steps of the quantised tensor; otherwise in shares of its largest
            value.
        layers: How many operators were compared.
        differing: How many of them differ by themselves, this one included.
        images: How many images they were compared on.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    reference: str
    index: int
    op: str
    tensor: str
    counterpart: str
    matched: MatchedBy
    local: float | None
    accumulated: float | None
    allowed: float
    in_steps: bool
    layers: int
    differing: int
    images: int
    file: str = ""
