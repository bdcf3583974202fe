"""What a session's exit code says of its verdict: `pytest suites/ && ship` ships what was earned.

0: PASS, or WARN unless a PASS is required. 1: FAIL. 2: interrupted. 3: an internal error.
4: wrong use. 5: nothing to check. 10: UNKNOWN. All but 10 are pytest's own.
"""

from __future__ import annotations

import enum

from validation.policy.limits import Status

FAILED = 1
INTERRUPTED = 2
# pytest has 0 to 6, and may take the next ones.
UNKNOWN = 10


class Require(enum.StrEnum):
    """The worst verdict that still ends with exit code 0."""

    PASS = "pass"
    WARN = "warn"


def exit_code(
    verdict: Status, of_pytest: int, require: Require = Require.WARN, *, interrupted: bool = False
) -> int:
    """The exit code of a session.

    Args:
        verdict: On the run.
        of_pytest: What pytest would end with. What is neither success nor a failed test says
            more than a verdict on what was done until then.
        require: The worst verdict that is good enough.
        interrupted: By a signal, whatever failed until then.
    """
    if interrupted:
        return INTERRUPTED
    if of_pytest not in (0, FAILED):
        # -x under pytest-xdist is an interruption with a failed check.
        return FAILED if of_pytest == INTERRUPTED and verdict is Status.FAIL else of_pytest
    if verdict is Status.UNKNOWN and not of_pytest:
        return UNKNOWN
    if verdict is Status.FAIL or (verdict is Status.WARN and require is Require.PASS):
        return FAILED
    return of_pytest
