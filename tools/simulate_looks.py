"""Simulate `--until-decided`: how often it is wrong, and how many images it looks at.

    python tools/simulate_looks.py OUT.md [--pairs N] [--scenario N] [--seed N]

Two parts. Estimates that are normal, of many runs, for the boundaries alone. And pairs of models on
drawn scenes, whose matches go through the bootstrap as those of a session do; the limit then is the
true loss of a very large data set, or a multiple of it. Each table is written as Markdown; a
hundred pairs of a scenario take two minutes of one core.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from validation.coco.bootstrap import ap_differences
from validation.coco.precision import mean_present, precision
from validation.comparison.group_sequential import (
    ERROR,
    boundaries,
    looks_at,
    planned_looks,
    unseen_share,
)
from validation.comparison.share_intervals import LEVEL
from validation.policy.load import load_policy
from validation.record.until_decided import Look

# What the tests of coverage draw.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from simulated_scenes import Scenes, matches_of, scenes

_NORMAL = NormalDist()
_RUNS = 100_000
_FIRST = 250

_Array = NDArray[np.float64]


def _obrien_fleming(shares: Sequence[float]) -> tuple[float, ...]:
    """Error spent until each share of the images, after Lan and DeMets."""
    far = _NORMAL.inv_cdf(1 - ERROR / 2)
    return tuple(2 * _NORMAL.cdf(-far / math.sqrt(share)) for share in shares)


def designs(images: int, power: float) -> dict[str, tuple[tuple[int, ...], tuple[float, ...]]]:
    """Looks and standard errors of each design, by its name."""
    counts = looks_at(_FIRST, images)
    shares = tuple(count / images for count in counts)
    single = _NORMAL.inv_cdf((1 + LEVEL) / 2)

    def of_power(value: float) -> tuple[float, ...]:
        return boundaries(shares, tuple(ERROR * share**value for share in shares))

    return {
        "one look at all images": ((images,), (single,)),
        f"`--until-decided` (power {power:g})": (counts, of_power(power)),
        "power 3": (counts, of_power(3)),
        "O'Brien and Fleming's type": (counts, boundaries(shares, _obrien_fleming(shares))),
        "the 95 % interval at every look": (counts, (single,) * len(counts)),
    }


@dataclass(frozen=True)
class Found:
    """What came of many runs of one design.

    Args:
        passed: Share of runs.
        failed: Share of runs.
        images: Mean number.
    """

    passed: float
    failed: float
    images: float


def of_normal(
    counts: Sequence[int], bounds: Sequence[float], distance: float, files: int = 1
) -> Found:
    """Runs whose estimates are normal; of several files the first one's outcomes.

    Args:
        counts: Of images at each look.
        bounds: Standard errors.
        distance: How far the true loss is above the limit, in standard errors on all images;
            of further files two such errors more each, in turn above and below.
        files: All have to be decided at the same look.
    """
    random, runs = np.random.default_rng(0), _RUNS // files
    shares = np.array(counts) / counts[-1]
    steps = np.sqrt(np.diff([0.0, *shares]))
    decided = np.ones((runs, len(counts)), bool)
    first = np.empty((0, 0))
    shared = random.normal(0, 1, (runs, len(counts)))
    for number in range(files):
        own = random.normal(0, 1, (runs, len(counts)))
        # Files are looked at on the same images: half of what moves one moves the others.
        noise = (shared + own) / math.sqrt(2) if files > 1 else own
        place = distance + 2 * ((number + 1) // 2) * (1 if number % 2 else -1)
        sums = np.cumsum(noise * steps, axis=1) + place * shares
        standard = sums / np.sqrt(shares)
        decided &= np.abs(standard) >= np.array(bounds)
        first = standard if not number else first
    decided[:, -1] = True
    at = decided.argmax(axis=1)
    rows = np.arange(runs)
    ends, needed = first[rows, at], np.array(bounds)[at]
    return Found(
        float((ends <= -needed).mean()),
        float((ends >= needed).mean()),
        float(np.array(counts)[at].mean()),
    )


def normal_tables(power: float) -> list[str]:
    """Error rates and images of each design, and of many files at once."""
    lines: list[str] = []
    for images in (5000, 100_000):
        lines += [f"### {images:,} images, normal estimates", ""]
        lines += _head("True loss, standard errors above the limit", *designs(images, power))
        for distance in (0, 1, 2, 3, 5, 10, 20):
            cells = []
            for counts, bounds in designs(images, power).values():
                found = of_normal(counts, bounds, distance)
                wrong, right = found.passed, found.failed
                cells.append(f"{_share(wrong)} / {_share(right)}, {found.images:,.0f}")
            lines.append(_row(str(distance), *cells))
        lines.append("")
    lines += ["### Several files on the same 5,000 images", ""]
    lines += _head("Files", "First file, at its limit: wrong PASS", "wrong FAIL", "mean images")
    counts, bounds = list(designs(5000, power).values())[1]
    for files in (1, 2, 5, 20):
        found = of_normal(counts, bounds, 0, files)
        lines.append(
            _row(str(files), _share(found.passed), _share(found.failed), f"{found.images:,.0f}")
        )
    return [*lines, ""]


@dataclass(frozen=True)
class Scenario:
    """How the second model of a pair is worse.

    Args:
        name: For the table.
        loss: See `simulated_scenes.scenes`.
        blind_share: See `simulated_scenes.scenes`.
    """

    name: str
    loss: float
    blind_share: float = 0.0


_SCENARIOS = (
    Scenario("loss on all images", 0.06),
    Scenario("loss of everything on 2 % of the images", 0.0, 0.02),
    Scenario("loss of everything on 0.5 % of the images", 0.0, 0.005),
)
_MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
_POPULATION = 100_000


def bootstrap_tables(
    scenarios: Sequence[Scenario], pairs: int, images: int, replicates: int, seed: int, power: float
) -> list[str]:
    """Pairs of models whose matches are drawn, judged by limits around their true loss."""
    counts = looks_at(_FIRST, images)
    looks = planned_looks(counts, power)
    single = Look(images, ERROR, LEVEL)
    lines: list[str] = []
    for scenario in scenarios:
        true = _true_loss(scenario)
        drawn = _drawn(scenario, pairs * images, seed)
        ends = [_ends(drawn, pair, replicates, looks, single) for pair in range(pairs)]
        lines += [
            f"### {scenario.name}, {images:,} images, {pairs:,} pairs: true loss {true:.4f} AP",
            "",
            *_head("Limit", "One look: PASS / FAIL", "Looks: PASS / FAIL", "mean images"),
        ]
        for multiple in _MULTIPLES:
            limit = multiple * true
            fixed = [_judge([each[-1]], (single,), limit) for each in ends]
            by_looks = [_judge(each[:-1], looks, limit) for each in ends]
            at = np.mean([images_at for _, images_at in by_looks])
            name = f"{multiple:g} times the true loss" if multiple != 1 else "the true loss"
            lines.append(_row(name, _outcomes(fixed), _outcomes(by_looks), f"{at:,.0f}"))
        lines.append("")
    return lines


def _drawn(scenario: Scenario, images: int, seed: int) -> Scenes:
    return scenes(images, seed, scenario.loss, scenario.blind_share)


def _true_loss(scenario: Scenario) -> float:
    drawn = _drawn(scenario, _POPULATION, seed=1)
    one, two = (mean_present(precision(each)) for each in matches_of(drawn, 0, _POPULATION))
    return one - two


# Loss at best, loss at worst, the reference's AP.
_Ends = tuple[float, float, float]


def _ends(
    drawn: Scenes, pair: int, replicates: int, looks: Sequence[Look], single: Look
) -> list[_Ends]:
    """Of each look, and last of all images at today's level."""
    found = []
    for look in (*looks, single):
        sides = matches_of(drawn, pair * single.images, look.images)
        if sides[0].ranked_alike(sides[1]):
            found.append((0.0, 0.0, mean_present(precision(sides[0]))))
            continue
        ap = ap_differences(sides[0], sides[1], replicates, 0, look.level)[0]
        found.append((-ap.high, -ap.low, ap.reference))
    return found


def _judge(ends: Sequence[_Ends], looks: Sequence[Look], limit: float) -> tuple[str, int]:
    """PASS, FAIL or nothing, and after how many images."""
    for number, (look, (best, worst, reference)) in enumerate(zip(looks, ends, strict=True)):
        unseen = unseen_share(look.images, look.level) * reference
        if best > limit:
            return "fail", look.images
        if worst <= limit and (number == len(looks) - 1 or unseen <= limit):
            return "pass", look.images
    return "", looks[-1].images


def _outcomes(judged: Sequence[tuple[str, int]]) -> str:
    names = [name for name, _ in judged]
    return " / ".join(_share(names.count(each) / len(names)) for each in ("pass", "fail"))


def _head(*titles: str) -> list[str]:
    return [_row(*titles), _row(*("---" for _ in titles))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _share(share: float) -> str:
    return f"{100 * share:.1f} %"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--scenario", type=int, choices=range(len(_SCENARIOS)), action="append")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--replicates", type=int, default=400)
    given = parser.parse_args(arguments)
    power = load_policy().setting("until_decided_power")
    chosen = [_SCENARIOS[number] for number in given.scenario or range(len(_SCENARIOS))]
    lines = [] if given.scenario else normal_tables(power)
    lines += bootstrap_tables(
        chosen, given.pairs, given.images, given.replicates, given.seed, power
    )
    given.out.write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
