"""One value against one limit: nothing undefined ever passes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.policy.limits import Limit, Rule, Status, worst_status

_NUMBERS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)
_MOST = Limit("max", 2.0, "test", warn=1.0)
_LEAST = Limit("min", 2.0, "test", warn=3.0)


@pytest.mark.parametrize(
    ("limit", "value", "status"),
    [
        (_MOST, 0, Status.PASS),
        (_MOST, 1.0, Status.PASS),
        (_MOST, 1.001, Status.WARN),
        (_MOST, 2.0, Status.WARN),
        (_MOST, 2.001, Status.FAIL),
        (_LEAST, 4, Status.PASS),
        (_LEAST, 3.0, Status.PASS),
        (_LEAST, 2.999, Status.WARN),
        (_LEAST, 2.0, Status.WARN),
        (_LEAST, 1.999, Status.FAIL),
        (Limit("max", 0, "test"), 0, Status.PASS),
        (Limit("max", 0, "test"), 1e-300, Status.FAIL),
        (Limit("equal", "a", "test"), "a", Status.PASS),
        (Limit("equal", "a", "test"), "b", Status.FAIL),
        (Limit("equal", [1, 4], "test"), [1, 4], Status.PASS),
        (Limit("equal", [1, 4], "test"), [4, 1], Status.FAIL),
        (Limit("equal", True, "test"), False, Status.FAIL),
    ],
)
def test_status(limit: Limit, value: object, status: Status) -> None:
    """The bound itself is inside; beyond ``warn`` and inside the bound is a warning."""
    assert limit.status(value) is status


@pytest.mark.parametrize("relation", ["max", "min", "equal"])
@pytest.mark.parametrize(
    "value",
    [None, math.nan, math.inf, -math.inf, np.float32("nan"), np.float64("nan"), np.float32("-inf")],
)
def test_what_is_not_finite_never_passes(relation: str, value: object) -> None:
    """A value that is absent, NaN or infinite is on no side of any bound."""
    assert Limit(relation, 1.0, "test").status(value) is Status.FAIL


@pytest.mark.parametrize("value", ["1", [1], {"float": "nan"}, object()])
@pytest.mark.parametrize("relation", ["max", "min"])
def test_what_is_no_number_never_passes(relation: str, value: object) -> None:
    """A record edited by hand may put anything beside a numeric limit."""
    assert Limit(relation, 1, "test").status(value) is Status.FAIL


@pytest.mark.parametrize(
    "limit",
    [
        Limit("max", math.nan, "test"),
        Limit("min", -math.inf, "test"),
        Limit("max", math.inf, "test"),
        Limit("max", "2", "test"),
        Limit("max", None, "test"),
        Limit("at most", 2, "test"),
    ],
)
def test_limit_that_nothing_breaks_passes_nothing(limit: Limit) -> None:
    """A bound that is no finite number, or an unknown relation, judges nothing as good."""
    assert limit.status(0) is Status.FAIL


@given(_NUMBERS, _NUMBERS)
@settings(max_examples=60, deadline=None)
def test_numpy_scalars_are_numbers(value: float, bound: float) -> None:
    """A measure may come straight from an array."""
    for relation in ("max", "min"):
        limit = Limit(relation, bound, "test")
        assert limit.status(np.float64(value)) is limit.status(value)
        assert limit.headroom(np.float64(value)) == limit.headroom(value)


@given(_NUMBERS, _NUMBERS)
@settings(max_examples=60, deadline=None)
def test_headroom_is_negative_exactly_outside(value: float, bound: float) -> None:
    """Status and headroom agree about which side of the bound a value is on."""
    for relation in ("max", "min"):
        limit = Limit(relation, bound, "test")
        headroom = limit.headroom(value)
        assert headroom is not None
        assert (headroom < 0) is (limit.status(value) is Status.FAIL)


@pytest.mark.parametrize(
    ("limit", "value"), [(Limit("equal", 1, "test"), 1), (_MOST, None), (_MOST, "text")]
)
def test_no_headroom_without_a_distance(limit: Limit, value: object) -> None:
    """Equality has no distance, and neither has what is no number."""
    assert limit.headroom(value) is None


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ([], Status.UNKNOWN),
        ([Status.PASS], Status.PASS),
        ([Status.PASS, Status.WARN], Status.WARN),
        ([Status.UNKNOWN, Status.WARN], Status.UNKNOWN),
        ([Status.FAIL, Status.UNKNOWN, Status.PASS], Status.FAIL),
    ],
)
def test_worst_status(statuses: list[Status], worst: Status) -> None:
    """FAIL outranks UNKNOWN outranks WARN; no evidence at all is UNKNOWN."""
    assert worst_status(statuses) is worst


@given(st.lists(st.sampled_from(Status), min_size=1))
@settings(max_examples=40, deadline=None)
def test_worst_status_knows_no_order(statuses: list[Status]) -> None:
    """The order in which checks ran plays no part."""
    assert worst_status(statuses) is worst_status(statuses[::-1])
    assert worst_status(statuses) in statuses


@pytest.mark.parametrize(
    ("interval", "status"),
    [
        ((-1.0, 0.5), Status.PASS),
        ((1.2, 2.0), Status.WARN),
        ((1.9, 2.1), Status.WARN),
        ((-5.0, 9.0), Status.WARN),
        ((-5.0, 6.0), Status.PASS),
        ((-1.0, 1.8), Status.PASS),
        ((2.1, 9.0), Status.FAIL),
        ((math.nan, 0.0), Status.FAIL),
        ((0.0, math.inf), Status.FAIL),
    ],
)
def test_an_interval_decides_as_a_whole(interval: tuple[float, float], status: Status) -> None:
    """All outside fails; else the value decides, and warns beyond the limit; NaN never passes."""
    middle = sum(interval) / 2
    assert _MOST.status_within(middle, interval) is status


@pytest.mark.parametrize(
    ("limit", "value", "interval", "status"),
    [
        (_MOST, 0.5, (0.0, 2.1), Status.PASS),
        (_MOST, 5.0, (1.0, 9.0), Status.WARN),
        (_LEAST, 4.0, (1.9, 6.0), Status.PASS),
        (_LEAST, 1.0, (0.0, 2.0), Status.WARN),
    ],
)
def test_one_end_beyond_the_limit_decides_nothing(
    limit: Limit, value: float, interval: tuple[float, float], status: Status
) -> None:
    """The estimate is judged, and never fails; that it is undecided is for the evidence to say."""
    assert limit.status_within(value, interval) is status
    assert limit.is_undecided(interval)


def test_inside_the_limit_the_estimate_alone_warns() -> None:
    """An end beyond `warn` is no warning: most intervals are wider than that."""
    assert _MOST.status_within(0.9, (0.5, 1.5)) is Status.PASS
    assert _MOST.status_within(1.1, (0.5, 1.5)) is Status.WARN


@pytest.mark.parametrize(
    "interval", [(0.0, 0.5), (1.5, 2.0), (2.1, 9.0), (0.0, math.inf), (math.nan, 0.0)]
)
def test_an_interval_on_one_side_is_decided(interval: tuple[float, float]) -> None:
    """More images would not change it; neither where an end is not a number."""
    assert not _MOST.is_undecided(interval)


def test_nothing_is_no_value_even_where_a_limit_only_warns() -> None:
    """A measure without a value was not measured."""
    assert Limit("equal", None, "test").status(None) is Status.FAIL
    assert Limit("equal", True, "test", beyond=Status.WARN).status(None) is Status.FAIL


@pytest.mark.parametrize(
    ("names", "covered"),
    [
        (("accuracy", "ap_drop", "ssd", "int8"), True),
        (("accuracy", "ap_drop", "ssd", "uint8-raw"), True),
        (("accuracy", "ap_drop", "person", "int8"), True),
        (("latency", "ap_drop", "ssd", "int8"), False),
        (("accuracy", "ap_gain", "ssd", "int8"), False),
        (("accuracy", "ap_drop", "resnet", "int8"), False),
        (("accuracy", "ap_drop", "ssd", "float"), False),
    ],
)
def test_a_rule_covers_what_all_its_names_fit(
    names: tuple[str, str, str, str], covered: bool
) -> None:
    """Check and measure by name; model and variant by any one of the patterns."""
    rule = Rule("accuracy", "ap_drop", ("ssd*", "person"), ("int8", "uint8*"), _MOST)
    assert rule.covers(*names) is covered


def test_too_little_evidence_is_no_failure() -> None:
    """Where the policy says so: the value is sound, there is not enough of it."""
    limit = Limit("min", 50, "test", warn=100, beyond=Status.UNKNOWN)
    assert [limit.status(value) for value in (10, 60, 100)] == [
        Status.UNKNOWN,
        Status.WARN,
        Status.PASS,
    ]
    assert limit.status(math.nan) is Status.FAIL


def test_a_limit_may_only_warn() -> None:
    """What it says never decides; what is no number still fails."""
    limit = Limit("max", 0, "test", beyond=Status.WARN)
    assert [limit.status(value) for value in (0, 1, 10**9)] == [
        Status.PASS,
        Status.WARN,
        Status.WARN,
    ]
    assert limit.status(math.nan) is Status.FAIL


def test_a_value_that_another_limit_judges() -> None:
    """Any number will do, and there is no head-room to speak of."""
    limit = Limit("any", True, "test")
    assert [limit.status(value) for value in (0, 1e12, math.inf, None)] == [
        Status.PASS,
        Status.PASS,
        Status.FAIL,
        Status.FAIL,
    ]
    assert limit.headroom(3) is None
