"""pytest's short summary says of each failed check what was measured, on one whole line."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import pytest

from validation.files.terminal import printable
from validation.policy.limits import Status
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import by_directness, diagnosis_line
from validation.record.formatting import describe_result
from validation.record.lines import Entry
from validation.record.types import CheckResult

# From there on pytest does not cut the reason to what the terminal leaves beside the test's id.
_WHOLE_LINES = 2


def say_why(report: pytest.TestReport, entries: Iterable[Entry]) -> None:
    """Let the line of a failed test, in a JUnit file too, name measure and limit."""
    crash = getattr(report.longrepr, "reprcrash", None)
    entries = list(entries)
    failed = (each for each in entries if isinstance(each, CheckResult))
    result = next((each for each in failed if each.status is Status.FAIL), None)
    if crash is not None and result is not None and report.failed:
        said = f"{result.check}: {describe_result(result)}"
        diagnosis = diagnosis_line(diagnoses_among(entries), said)
        crash.message = printable("; ".join(filter(None, (said, diagnosis))))


def diagnoses_among(entries: Iterable[Entry]) -> tuple[Diagnosis, ...]:
    """What a check has found to be wrong, the most direct first."""
    return by_directness(each for each in entries if isinstance(each, Diagnosis))


def pytest_configure(config: pytest.Config) -> None:
    """Around pytest's own summary, which is printed behind what plugins have to say."""
    for plugin in (_Lengthened(), _AsItWas(config.option.verbose)):
        config.pluginmanager.register(plugin)


class _Lengthened:
    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, config: pytest.Config) -> None:
        config.option.verbose = max(config.option.verbose, _WHOLE_LINES)


class _AsItWas:
    def __init__(self, verbose: int) -> None:
        self._verbose = verbose

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, config: pytest.Config) -> Generator[None]:
        try:
            return (yield)
        finally:
            config.option.verbose = self._verbose
