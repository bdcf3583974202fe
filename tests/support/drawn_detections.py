"""Detections drawn at random, and rules by which undone faults are judged."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from validation.diagnosis.agreement import RestoreRules
from validation.record.detections import Detections

RULES = RestoreRules(
    min_score=0.3,
    score_epsilon=0.001,
    min_iou=0.5,
    removed=0.75,
    level=0.9,
    chance=0.01,
    tie=0.02,
    exact=0.02,
    gain=0.05,
    gain_chance=0.001,
    gain_tie=0.2,
)


@st.composite
def drawn_detections(draw: st.DrawFn, most: int = 6) -> Detections:
    """Boxes of different objects, none near another one, with clear scores."""
    cells = draw(st.permutations(range(9)))[: draw(st.integers(0, most))]
    return scene(cells, draw(st.integers(0, 2**16)))


def scene(cells: list[int], seed: int) -> Detections:
    """An object in each of some cells of a grid of three by three."""
    random = np.random.default_rng(seed)
    low = np.array([(cell // 3, cell % 3) for cell in cells], float).reshape(-1, 2) / 3
    low = low + random.uniform(0.01, 0.1, low.shape)
    boxes = np.hstack([low, low + random.uniform(0.1, 0.22, low.shape)])
    count = len(cells)
    return Detections(boxes, random.uniform(0.35, 0.95, count), random.integers(1, 5, count))


def scenes(count: int, first: int = 0) -> dict[str, Detections]:
    """Four objects or more on each of some images, by key."""
    found = {}
    for seed in range(first, first + count):
        random = np.random.default_rng(seed)
        cells = random.permutation(9)[: random.integers(4, 8)].tolist()
        found[str(seed - first)] = scene(cells, seed)
    return found
