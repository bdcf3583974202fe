"""Which files of an archive have the moving averages of the weights, and which the weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from validation.arrays.pairs import same_values
from validation.comparison.witnesses import Witness
from validation.export.graph_parts import Variables
from validation.graphs.restore import AVERAGE
from validation.record.diagnosis import Place


def with_averages(
    witnesses: Sequence[Witness],
    checkpoint: Witness | None,
    config: tuple[str, bool] | None,
    rounding: float,
) -> tuple[Witness, ...]:
    """Every file with what it says of moving averages, the checkpoint's weights among them.

    A graph that has the averages is given the weights in their place, so that what remains to be
    compared is no matter of averages.

    Args:
        witnesses: Graphs; those with variables may have either.
        checkpoint: Has both by name; None where there is none.
        config: Name of the config and its use_moving_averages; None where there is none.
        rounding: See `same_values`.
    """
    if checkpoint is None:
        return tuple(witnesses)
    averages = {
        name.removesuffix(AVERAGE): value
        for name, value in checkpoint.parts.variables.items()
        if name.endswith(AVERAGE)
    }
    weights = {
        name: value
        for name, value in checkpoint.parts.variables.items()
        if not name.endswith(AVERAGE)
    }
    telling = {
        name: value
        for name, value in averages.items()
        if name in weights and not same_values(weights[name], value, rounding)
    }
    settled = [_settled(each, weights, telling, bool(averages), rounding) for each in witnesses]
    parts = dataclasses.replace(checkpoint.parts, variables=weights)
    settled.append(dataclasses.replace(checkpoint, parts=parts))
    lacks = config is not None and config[1] and not averages
    if not telling and not lacks:
        # Weights and averages are equal, or there are none and none are asked for.
        return tuple(dataclasses.replace(each, uses_averages=None) for each in settled)
    if config is None:
        return tuple(settled)
    name, uses = config
    return tuple(
        dataclasses.replace(each, uses_averages=uses) if each.place is Place.CONFIG else each
        for each in _with_config(settled, name)
    )


def _with_config(witnesses: list[Witness], name: str) -> list[Witness]:
    """The config says what it uses even where no graph can be built from it."""
    if any(each.place is Place.CONFIG for each in witnesses):
        return witnesses
    return [*witnesses, Witness(Place.CONFIG, name)]


def _settled(
    witness: Witness, weights: Variables, averages: Variables, has_averages: bool, rounding: float
) -> Witness:
    own = witness.parts.variables
    if not own:
        return witness
    if not has_averages:
        return dataclasses.replace(witness, uses_averages=False)
    known = [name for name in averages if name in own]
    averaged = {name for name in known if same_values(own[name], averages[name], rounding)}
    plain = {name for name in known if same_values(own[name], weights[name], rounding)}
    if not averaged and not plain:
        return witness
    variables = {**own, **{name: weights[name] for name in averaged}}
    return dataclasses.replace(
        witness,
        parts=dataclasses.replace(witness.parts, variables=variables),
        uses_averages=len(averaged) > len(plain),
    )
