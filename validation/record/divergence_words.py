"""A first divergence in one sentence."""

from __future__ import annotations

import math

from validation.record.first_divergence import FirstDivergence, MatchedBy
from validation.record.formatting import number, plural

_MATCHED = {
    MatchedBy.NAME: "by name",
    MatchedBy.VALUES: "by its values",
    MatchedBy.FLOW: "by data flow",
}


def describe_divergence(found: FirstDivergence) -> str:
    """For example ``first layer that differs from a.tflite: CONV_2D net/Relu6 (operator 12)``."""
    words = f"first layer that differs from {found.reference}: {found.op} {layer_in_words(found)}"
    words += f" (operator {found.index})"
    if found.local is not None:
        words += f", alone off by {_error(found, found.local)}"
    if found.accumulated is not None:
        words += f", in the file's own run by {_error(found, found.accumulated)}"
    words += f"; rounding explains {_error(found, found.allowed)}"
    if found.differing > 1:
        words += f"; {plural(found.differing, 'layer')} of {found.layers} differ"
    return words


def layer_in_words(found: FirstDivergence) -> str:
    """The layer as the file calls it, and as the reference does where that is another name."""
    if not found.counterpart:
        return f"{found.tensor}, which corresponds to nothing there"
    if found.counterpart == found.tensor:
        return found.tensor
    return f"{found.tensor}, found {_MATCHED[found.matched]} as {found.counterpart}"


def _error(found: FirstDivergence, error: float) -> str:
    if not math.isfinite(error):
        return "values that are not finite"
    if found.in_steps:
        return f"{number(error)} {'step' if error == 1 else 'steps'}"
    return f"{number(100 * error)} % of its largest value"
