"""A first divergence in words: the layer as both sides call it, and errors in their units."""

from __future__ import annotations

import dataclasses
import math

from validation.record.divergence_words import describe_divergence
from validation.record.first_divergence import FirstDivergence, MatchedBy

_FOUND = FirstDivergence(
    model="ssd",
    variant="float",
    reference="the float file of the exported graph",
    index=4,
    op="CONV_2D",
    tensor="net/Relu6",
    counterpart="net/Relu6",
    matched=MatchedBy.NAME,
    local=0.25,
    accumulated=0.5,
    allowed=0.0001,
    in_steps=False,
    layers=64,
    differing=1,
    images=2,
)


def test_floats_are_shares_of_the_largest_value() -> None:
    """Steps are those of quantised tensors alone."""
    assert describe_divergence(_FOUND) == (
        "first layer that differs from the float file of the exported graph: CONV_2D net/Relu6 "
        "(operator 4), alone off by 25 % of its largest value, in the file's own run by 50 % of "
        "its largest value; rounding explains 0.01 % of its largest value"
    )
    quantised = dataclasses.replace(_FOUND, local=12.0, accumulated=None, allowed=1.0)
    words = describe_divergence(dataclasses.replace(quantised, in_steps=True, differing=3))
    assert words.endswith(
        "(operator 4), alone off by 12 steps; rounding explains 1 step; 3 layers of 64 differ"
    )


def test_both_names_are_said_where_they_differ() -> None:
    """With how the one was found, and that nothing was found."""
    other = dataclasses.replace(_FOUND, tensor="tensor_9", matched=MatchedBy.VALUES)
    assert "CONV_2D tensor_9, found by its values as net/Relu6 (" in describe_divergence(other)
    alone = dataclasses.replace(other, counterpart="", matched=MatchedBy.NOTHING, local=None)
    assert "tensor_9, which corresponds to nothing there" in describe_divergence(alone)


def test_what_is_not_finite_has_no_percentage() -> None:
    """An infinite error is said in words."""
    words = describe_divergence(dataclasses.replace(_FOUND, local=math.inf))
    assert "alone off by values that are not finite" in words
