"""One call in a child process of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from validation.files.temporary import scratch
from validation.isolation.crash import ended_in
from validation.isolation.limits import ProcessLimits
from validation.isolation.messages import Raised, Returned
from validation.isolation.worker import PAUSE_SECONDS, Worker

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class _Call:
    """Makes what does the work: the call itself, whatever it is given."""

    function: Callable[[], Any]

    def __call__(self, _: Callable[[Any], None]) -> Callable[[object], Any]:
        return lambda _: self.function()


def call_apart(
    function: Callable[[], _Value],
    limits: ProcessLimits,
    *,
    work: str,
) -> _Value:
    """What a function gives that native code could end.

    Args:
        function: At the top level of a module, or a partial of one; its value can be pickled.
        limits: See `ProcessLimits`.
        work: For the error: ``the process of WORK was ended ...``.

    Raises:
        ProcessEnded: The process ended before the function did.
        BaseException: What the function raises.
    """
    with scratch() as folder:
        worker = Worker(_Call(function), folder, limits, _ignore)
        try:
            worker.submit(work)
            while (outcome := worker.outcome(PAUSE_SECONDS)) is None:
                pass
        finally:
            worker.close(at_once=True)
    if isinstance(outcome, Returned):
        value: _Value = outcome.value
        return value
    raise outcome.error if isinstance(outcome, Raised) else ended_in(work, outcome.crash)


def _ignore(note: object) -> None:
    """A call sends nothing but its value."""
