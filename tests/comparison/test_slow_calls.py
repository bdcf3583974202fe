"""How often the comparison of slow calls is wrong: simulated runs, with slow calls planted.

See `recorded_latency`: a third of the recorded calls is interrupted and takes four times as long. A
planted slow call takes once more what the quickest one of its block takes.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from recorded_latency import FILES, Calls, Disturbed, drawn, longer

from validation.comparison.baseline_trial import judged_trial
from validation.comparison.latency_changes import slow_calls_change
from validation.comparison.slow_calls import SlowCalls
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.baseline import KeyPart, LatencyBlock, LatencyTrial, Outcome, Why
from validation.record.baseline_facts import LatencyFacts, SubjectFacts

_POLICY = load_policy()
_SIDE = SubjectFacts(
    "m", "float", Status.PASS, "a", 1, (), (), (), None, "", (LatencyFacts("LiteRT", 1, (1.5,)),)
)


def _found(blocks: tuple[LatencyBlock, ...]) -> SlowCalls:
    return judged_trial(LatencyTrial("m", "float", "LiteRT", 1, "b", blocks), _POLICY)[1]


def _judged(found: SlowCalls) -> tuple[Outcome, Why | None]:
    (change,) = slow_calls_change(_SIDE, found, (), _POLICY)
    return change.outcome, change.why


def _slow(share: float, arm: int = 1) -> Disturbed:
    """Calls of one arm that take twice as long."""

    def planted(arms: list[Calls], generator: np.random.Generator) -> list[Calls]:
        sides = [*arms]
        hit = generator.random(len(arms[arm])) < share
        sides[arm] = arms[arm] + hit * arms[arm].min()
        return sides

    return planted


def _bursts(arms: list[Calls], generator: np.random.Generator) -> list[Calls]:
    """In three blocks of ten another process hits one arm, and most of its calls take longer."""
    sides = [*arms]
    if generator.random() < 0.3:
        arm = int(generator.integers(3))
        hit = generator.random(len(arms[arm])) < 0.7
        sides[arm] = arms[arm] + hit * arms[arm].min() * generator.uniform(0.5, 5)
    return sides


def _quiet(calls: int) -> list[list[object]]:
    """As a file of samples, of a machine where one call of a hundred is interrupted."""
    generator = np.random.default_rng(7)
    taken = 2000 * (1 + generator.exponential(0.02, (120, 3, calls)))
    taken[generator.random(taken.shape) < 0.01] *= 4
    return [[number // 12, *block] for number, block in enumerate(taken.tolist())]


def _simulated(
    rows: list[list[object]], pairs: int, disturbed: Disturbed, calls: int = 10
) -> Counter[Outcome]:
    generator = np.random.default_rng(19)
    found = [_found(drawn(rows, generator, disturbed, calls)) for _ in range(pairs)]
    return Counter(_judged(each)[0] for each in found)


@pytest.mark.parametrize("disturbed", [longer(1.0), _bursts], ids=["as recorded", "bursts"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_change_is_found_where_there_is_none(path: Path, disturbed: Disturbed) -> None:
    """Of 400 pairs of equal files on a busy machine, none has more slow calls than the other."""
    outcomes = _simulated(json.loads(path.read_text()), 400, disturbed)
    assert outcomes[Outcome.WORSE] == outcomes[Outcome.BETTER] == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_one_call_of_five_is_found(path: Path) -> None:
    """On a busy machine in 18 of 20 pairs, though the quickest calls are as quick as before."""
    outcomes = _simulated(json.loads(path.read_text()), 100, _slow(0.2))
    assert outcomes[Outcome.WORSE] >= 90


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_that_is_slower_as_a_whole_has_no_more_slow_calls(path: Path) -> None:
    """It is measured by its own time; that it is interrupted more often is allowed for."""
    for factor in (1.1, 2.0):
        outcomes = _simulated(json.loads(path.read_text()), 50, longer(factor))
        assert outcomes[Outcome.WORSE] + outcomes[Outcome.BETTER] == 0


@pytest.mark.parametrize(("calls", "least"), [(20, 95), (5, 95), (2, 80)])
def test_a_quiet_machine(calls: int, least: int) -> None:
    """Equal files are the same; one call of five is found, also of two calls a block."""
    rows = _quiet(calls)
    alike = _simulated(rows, 100, longer(1.0), calls)
    assert alike[Outcome.WORSE] == alike[Outcome.BETTER] == 0
    assert alike[Outcome.SAME] >= 95
    assert _simulated(rows, 100, _slow(0.2), calls)[Outcome.WORSE] >= least


def test_fewer_slow_calls_are_better() -> None:
    """Where it was the baseline's file that is slow in some, it is news and no warning."""
    rows = _quiet(10)

    def planted(arms: list[Calls], generator: np.random.Generator) -> list[Calls]:
        return _slow(0.3, 2)(_slow(0.3, 0)(arms, generator), generator)

    assert _simulated(rows, 20, planted)[Outcome.BETTER] == 20


def test_shares_are_of_the_calls_that_are_not_slow_anyhow() -> None:
    """Half of the calls are interrupted of both; of the other half one of five is slow now."""
    once = (1.0,) * 5 + (4.0,) * 5
    today = (1.0,) * 4 + (2.0,) + (4.0,) * 5
    found = _found((LatencyBlock((0, 1, 2), once, today, once),) * 36)
    assert found.estimate == pytest.approx(0.2)
    assert (found.before, found.after) == pytest.approx((0.5, 0.6))
    assert (found.noise_floor, found.pairs) == (0, 36)
    assert _judged(found) == (Outcome.WORSE, None)


def test_longer_calls_are_interrupted_more_often() -> None:
    """Of a file that takes twice as long up to twice as many are: that is no tail of its own."""
    once = (1.0,) * 6 + (4.0,) * 4
    twice = (2.0,) * 3 + (5.0,) * 7
    found = _found((LatencyBlock((0, 1, 2), once, twice, once),) * 36)
    assert found.estimate == pytest.approx(0.5)
    assert _judged(found) == (Outcome.UNKNOWN, Why.NOISE)


def test_few_calls_a_block_make_pairs_of_several() -> None:
    """Of one call a block five blocks are a pair, and what is left belongs to the last one."""
    found = _found((LatencyBlock((0, 1, 2), (1.0,), (1.0,), (1.0,)),) * 12)
    assert found.pairs == 2
    assert _judged(found) == (Outcome.UNKNOWN, Why.TOO_FEW_SAMPLES)


def test_where_every_call_is_slow_nothing_is_known() -> None:
    """No call is left that could have become slow."""
    found = _found((LatencyBlock((0, 1, 2), (4.0,) * 6, (1.0,) * 6, (4.0,) * 6),) * 5)
    assert math.isfinite(found.before)
    assert _judged(found)[0] is Outcome.UNKNOWN


def test_other_machines_are_not_compared() -> None:
    """The latency says so, once."""
    found = _found((LatencyBlock((0, 1, 2), (1.0,), (1.0,), (1.0,)),) * 36)
    assert not list(slow_calls_change(_SIDE, found, (KeyPart.MACHINE,), _POLICY))
