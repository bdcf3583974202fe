"""A check of somebody else's: one module, one row, one limit and one suite file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from validation.signoff.exit_codes import UNKNOWN

Run = Callable[..., pytest.RunResult]

_LITTLE_EVIDENCE = Path(__file__).parents[1] / "support" / "little_evidence.toml"

_MODULE = '''
"""How many bytes a file under test takes."""

from validation.checks.check import Check
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import CheckResult, Measure


def size(context):
    """The file is small enough for the device."""
    key, value = context.key, context.subject.path.stat().st_size
    limit = context.policy.limit("size", "bytes", key.model, key.variant)
    wrong = Diagnosis(
        key.model, key.variant, FaultKind.OPERATOR_ADDED, Place.FILE, DiagnosedBy.CONTRACT
    )
    result = CheckResult.judged("size", key, (Measure("bytes", value, limit),))
    return [result] if result.status == "pass" else [result, wrong]


CHECK = Check("size", size, subjects=("raw",))


def pytest_validation_checks():
    return [CHECK]
'''

_SUITE = '''
import pytest


@pytest.mark.check("size")
def test_file_fits(context, run_check, record):
    """On the device that it is made for."""
    record(run_check(context))
'''

_POLICY = """
version = 1

[required]
size = "raw"

[[limit]]
check = "size"
measure = "bytes"
max = {}
reason = "what the device's flash has room for"
"""


@pytest.fixture
def added(
    session: Any,
    pytester: pytest.Pytester,
    over_miniature: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Run the suites and the added one, with a limit or with none."""
    pytester.makepyfile(size_check=_MODULE)
    pytester.syspathinsert()
    # For processes of their own, and workers of pytest-xdist.
    monkeypatch.setenv("PYTHONPATH", str(session.path), prepend=os.pathsep)
    (session.path / "suites" / "test_size.py").write_text(_SUITE)

    def run(*arguments: object, limit: float | None, **more: bool) -> pytest.RunResult:
        options: list[object] = ["-p", "size_check"]
        if limit is not None:
            policy: Path = session.path / "own.toml"
            evidence = _LITTLE_EVIDENCE.read_text().replace("version = 1", "")
            policy.write_text(_POLICY.format(limit) + evidence)
            options += ["--policy", policy]
        return over_miniature(*options, *arguments, **more)

    return run


# A worker need not import TensorFlow: all but the config's own check finds its products cached.
@pytest.mark.parametrize("workers", [(), ("-n", "1", "-k", "not config_describes")])
def test_it_is_run_and_recorded(added: Run, session: Any, workers: tuple[str, ...]) -> None:
    """For the variants of its row, behind the other checks, with its limit and its time."""
    result = added(*workers, limit=1e6, apart=bool(workers))
    assert result.ret == (UNKNOWN if workers else 0)
    line = session.checks()["size", "raw"]
    assert line["status"] == "pass"
    assert line["seconds"] > 0
    (measure,) = line["measures"]
    assert (measure["name"], measure["limit"]["bound"]) == ("bytes", 1e6)
    checks = list(dict.fromkeys(name for name, _ in session.checks()))
    if not workers:
        assert checks[-3:] == ["evidence", "size", "latency"]
    assert ("size", "float") not in session.checks()
    assert "size" in session.page()


def test_its_limit_turns_the_verdict(added: Run, session: Any) -> None:
    """Beyond its limit it is red, and so are the run and the exit code; what is wrong is said."""
    result = added(limit=10)
    result.assert_outcomes(passed=21, skipped=4, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert session.checks()["size", "raw"]["status"] == "fail"
    said = "diagnosis: .tflite: there is an operator too many; next step: convert again, *"
    result.stdout.fnmatch_lines(
        [
            "*what the device's flash has room for*",
            f"  {said}",
            f"FAILED *; {said}",
            "verdict: FAIL",
            "  - mini-raw size: *",
            f"    {said}",
        ]
    )
    (wrong,) = (line for line in session.lines() if line["kind"] == "diagnosis")
    assert (wrong["variant"], wrong["check"]) == ("raw", "size")
    assert "there is an operator too many" in session.page()


def test_it_can_be_required(added: Run) -> None:
    """A signature cannot do without it where the policy says so."""
    result = added("-k", "not file_fits", limit=1e6)
    result.stdout.fnmatch_lines(["verdict: UNKNOWN", "*size: required, but left no result*"])


def test_without_a_limit_it_judges_nothing(added: Run, session: Any) -> None:
    """A value that no limit is set for is an error, never a pass."""
    added("-k", "file_fits", limit=None)
    line = session.checks()["size", "raw"]
    assert line["status"] == "fail"
    assert line["error"]["what"] == "no limit for a measured value"
    assert line["seconds"] > 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("[CHECK, CHECK]", "two checks of one name * 'size' of size_check and size_check"),
        (
            'Check("own", lambda context: []),',
            "the check 'own' cannot be handed to another process * functions at the top level",
        ),
    ],
)
def test_row_that_cannot_be_used(
    session: Any, pytester: pytest.Pytester, over_miniature: Run, rows: str, said: str
) -> None:
    """The session ends before anything is run, in one line."""
    pytester.makepyfile(size_check=_MODULE.replace("[CHECK]", f"{rows}"))
    pytester.syspathinsert()
    result = over_miniature("-p", "size_check")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{said}*"])
    assert not session.reports.exists()
