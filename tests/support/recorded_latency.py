"""Simulated calls by turns, drawn of recorded ones.

The samples in tests/data/latency are of one file against itself, on two cores with a load of 11. A
simulated pair of runs is a stretch of them, so that disturbances stay together, with the arms drawn
anew for each making of the interpreters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from validation.policy.load import load_policy
from validation.record.baseline import LatencyBlock

FILES = sorted((Path(__file__).parents[1] / "data" / "latency").glob("*.json"))
_BLOCKS = int(load_policy().setting("baseline_blocks"))

Calls = np.ndarray
Disturbed = Callable[[list[Calls], np.random.Generator], list[Calls]]


def drawn(
    rows: list[list[object]],
    generator: np.random.Generator,
    disturbed: Disturbed = lambda arms, _: arms,
    calls: int = 10,
) -> tuple[LatencyBlock, ...]:
    """One pair of runs.

    Args:
        rows: As a file of samples has them.
        generator: Draws the stretch and the arms.
        disturbed: Makes of the calls of the baseline's file, of this run's and of the baseline's
            again, in milliseconds, those of the simulated block.
        calls: Of each arm in a block.
    """
    start, making, arms = int(generator.integers(len(rows))), None, np.arange(3)
    blocks = []
    for number in range(_BLOCKS):
        own, *recorded = rows[(start + number) % len(rows)]
        if own != making:
            making, arms = own, generator.permutation(3)
        sides = [np.array(recorded[arm][:calls]) / 1000 for arm in arms]
        once, today, again = (tuple(each.tolist()) for each in disturbed(sides, generator))
        blocks.append(LatencyBlock((0, 1, 2), once, today, again, 0))
    return tuple(blocks)


def longer(factor: float) -> Disturbed:
    """Every call of this run's file takes so many times as long."""
    return lambda arms, _: [arms[0], arms[1] * factor, arms[2]]
