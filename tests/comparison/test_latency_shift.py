"""How often the comparison of latencies is wrong: simulated runs, drawn of recorded calls.

See `recorded_latency`; a planted slowdown makes every call of one arm longer.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from recorded_latency import FILES, drawn, longer

from validation.comparison.baseline import Evidence, compare_subject
from validation.comparison.latency_shift import LatencyShift, latency_shift
from validation.errors import RecordError
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.baseline import Aspect, LatencyBlock, Outcome, Why
from validation.record.baseline_facts import LatencyFacts, SubjectFacts
from validation.record.types import ModelKey

_POLICY = load_policy()
_KEY = ModelKey("m", "float")


def _side(sha256: str) -> SubjectFacts:
    latency = LatencyFacts("LiteRT", 1, (1.5,))
    return SubjectFacts("m", "float", Status.PASS, sha256, 1, (), (), (), None, "", (latency,))


def _judged(shift: LatencyShift) -> tuple[Outcome, Why | None]:
    by = Evidence({}, True, None, shift, (), True)
    comparison = compare_subject(_KEY, _side("a"), _side("b"), by, _POLICY)
    (change,) = comparison.of(Aspect.LATENCY)
    return change.outcome, change.why


def _simulated(path: Path, factor: float, pairs: int, calls: int = 10) -> Counter[Outcome]:
    generator, rows = np.random.default_rng(19), json.loads(path.read_text())
    shifts = [latency_shift(drawn(rows, generator, longer(factor), calls)) for _ in range(pairs)]
    return Counter(_judged(shift)[0] for shift in shifts)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_change_is_found_where_there_is_none(path: Path) -> None:
    """Of 400 pairs of equal files, other in their bytes alone, none is called faster or slower.

    No false alarm in 400 leaves less than 0.75 % for their rate, at 95 % confidence.
    """
    outcomes = _simulated(path, 1.0, 400)
    assert outcomes[Outcome.WORSE] == outcomes[Outcome.BETTER] == 0
    assert outcomes[Outcome.SAME] >= 380


@pytest.mark.parametrize("factor", [1.1, 1 / 1.1], ids=["slower", "faster"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_ten_per_cent_are_found(path: Path, factor: float) -> None:
    """In at least 18 of 20 pairs, and a file that takes less time is found as often."""
    outcomes = _simulated(path, factor, 200)
    assert outcomes[Outcome.WORSE if factor > 1 else Outcome.BETTER] >= 180


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_two_per_cent_are_no_news(path: Path) -> None:
    """What is less than counts is not reported, however sure it is."""
    outcomes = _simulated(path, 1.02, 100)
    assert outcomes[Outcome.WORSE] + outcomes[Outcome.BETTER] == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_where_noise_is_above_the_limit_nothing_is_red(path: Path) -> None:
    """With one call a block the machine is too noisy: 10 % are not known, in either direction."""
    outcomes = _simulated(path, 1.1, 100, calls=1)
    assert outcomes[Outcome.UNKNOWN] == 100


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_test_keeps_its_level(path: Path) -> None:
    """The rank test alone is wrong in no more pairs than its level says, give or take the draw."""
    generator, rows = np.random.default_rng(7), json.loads(path.read_text())
    wrong = [
        latency_shift(drawn(rows, generator)).p_value < _POLICY.setting("baseline_p_value")
        for _ in range(400)
    ]
    # 1 % of 400 are 4; 11 or more would happen once in 300 times.
    assert sum(wrong) <= 10


def _constant(once: float, today: float, again: float) -> list[LatencyBlock]:
    return [LatencyBlock((0, 1, 2), (once,), (today,), (again,)) for _ in range(36)]


def test_twice_as_long_is_100_per_cent_longer() -> None:
    """And half as long is 50 % less: shares are of the baseline's time."""
    slower, faster = latency_shift(_constant(1, 2, 1)), latency_shift(_constant(2, 1, 2))
    assert (slower.estimate, faster.estimate) == pytest.approx((1.0, -0.5))
    assert (slower.before_ms, slower.after_ms) == (1, 2)
    assert slower.noise_floor == 0


def test_noise_is_what_the_file_differs_from_itself_by() -> None:
    """A second interpreter that takes 8 % longer is 8 % of noise, whatever today's file takes."""
    shift = latency_shift(_constant(1.0, 1.04, 1.08))
    assert shift.noise_floor == pytest.approx(0.08)
    assert _judged(shift) == (Outcome.UNKNOWN, Why.NOISE)


def test_what_is_far_beyond_noise_is_known() -> None:
    """Noise of 8 % does not hide a file that takes twice as long."""
    shift = latency_shift(_constant(1.0, 2.0, 1.08))
    assert _judged(shift) == (Outcome.WORSE, None)


def test_one_call_that_was_disturbed_moves_nothing() -> None:
    """Ranks and the quickest call forget it."""
    blocks = _constant(1.0, 1.0, 1.0)
    blocks[3] = LatencyBlock((0, 1, 2), (1.0,), (900.0,), (1.0,))
    shift = latency_shift(blocks)
    assert shift.estimate == 0
    assert shift.p_value > 0.5


def test_too_few_blocks_have_no_bounds() -> None:
    """Five blocks say nothing at 95 %, and that is what they say."""
    shift = latency_shift(_constant(1.0, 1.5, 1.0)[:5])
    assert (shift.low, shift.high) == (-1.0, math.inf)
    assert _judged(shift) == (Outcome.UNKNOWN, Why.TOO_FEW_SAMPLES)


@pytest.mark.parametrize("blocks", [[], [LatencyBlock((0, 1, 2), (), (1.0,), (1.0,))]])
def test_no_samples_are_refused(blocks: list[LatencyBlock]) -> None:
    """A record that was written by hand does not end a verification with a trace."""
    with pytest.raises(RecordError, match="cannot be compared"):
        latency_shift(blocks)
