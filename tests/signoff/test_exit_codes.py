"""What a session ends with, for each verdict and each end of pytest itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.policy.limits import Status
from validation.signoff.exit_codes import FAILED, INTERRUPTED, UNKNOWN, Require, exit_code

_ENDS = [int(each) for each in pytest.ExitCode]


@pytest.mark.parametrize(
    ("verdict", "of_pytest", "code"),
    [
        (Status.PASS, 0, 0),
        (Status.WARN, 0, 0),
        (Status.FAIL, 0, FAILED),
        (Status.FAIL, FAILED, FAILED),
        (Status.UNKNOWN, 0, UNKNOWN),
        # A test failed that recorded nothing.
        (Status.UNKNOWN, FAILED, FAILED),
        (Status.UNKNOWN, INTERRUPTED, INTERRUPTED),
        # -x under pytest-xdist.
        (Status.FAIL, INTERRUPTED, FAILED),
        (Status.PASS, 3, 3),
        (Status.FAIL, 3, 3),
        (Status.UNKNOWN, 5, 5),
    ],
)
def test_exit_code(verdict: Status, of_pytest: int, code: int) -> None:
    """Only a PASS or a WARN of a session that ended well is 0."""
    assert exit_code(verdict, of_pytest) == code


@pytest.mark.parametrize("verdict", Status)
@pytest.mark.parametrize("of_pytest", _ENDS)
def test_a_signal_is_an_interruption(verdict: Status, of_pytest: int) -> None:
    """Whatever was found until then."""
    assert exit_code(verdict, of_pytest, interrupted=True) == INTERRUPTED


def test_a_pass_can_be_required() -> None:
    """For those who let no warning through."""
    assert exit_code(Status.WARN, 0, Require.PASS) == FAILED
    assert exit_code(Status.PASS, 0, Require.PASS) == 0


def test_unknown_has_a_number_of_its_own() -> None:
    """None that pytest may end with."""
    assert UNKNOWN not in _ENDS


@given(st.sampled_from(Status), st.sampled_from(_ENDS), st.sampled_from(Require))
def test_success_is_earned(verdict: Status, of_pytest: int, require: Require) -> None:
    """`pytest suites/ && ship` ships nothing without a verdict that is good enough."""
    if exit_code(verdict, of_pytest, require) == 0:
        assert of_pytest == 0
        assert verdict in (
            (Status.PASS,) if require is Require.PASS else (Status.PASS, Status.WARN)
        )
