"""The end of a session as a person reads it: a row a file, the verdict, and the page last."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.signoff.exit_codes import UNKNOWN

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

Run = Callable[..., pytest.RunResult]

_TOO_SLOW = """\
version = 1

[[limit]]
check = "latency"
measure = "p95_ms"
max = 1e-6
reason = "nothing keeps it"
"""


@pytest.fixture
def too_slow(tmp_path: Path) -> Path:
    """A policy that no latency keeps."""
    path = tmp_path / "own.toml"
    path.write_text(_TOO_SLOW)
    return path


def _after(result: pytest.RunResult, title: str) -> list[str]:
    """The lines of the last section, which this has to be."""
    heads = [number for number, line in enumerate(result.outlines) if re.match("=+ .* =+$", line)]
    assert title in result.outlines[heads[-1]]
    return [line for line in result.outlines[heads[-1] + 1 :] if line]


def test_failed_run(over_miniature: Run, session: Any, too_slow: Path) -> None:
    """FAILED lines name check, measure, value and limit, whole; then the table and the verdict."""
    junit = session.path / "junit.xml"
    options = ("-k", "latency or tflite_file", f"--policy={too_slow}", f"--junitxml={junit}")
    result = over_miniature(*options, "-q")
    result.assert_outcomes(failed=2, passed=2, deselected=24)
    failed = [line for line in result.outlines if line.startswith("FAILED ")]
    assert len(failed) == 2
    for line, variant in zip(failed, ("float", "raw"), strict=True):
        assert re.fullmatch(
            rf"FAILED suites/test_timing.py::test_latency_is_within_budget\[mini-{variant}\] - "
            r"latency: p95_ms is [\d.e-]+, should be at most 1e-06 \(LiteRT, 1 thread\)",
            line,
        )
    head, *rows = _after(result, " validation ")[:3]
    assert head.split() == ["verdict", "file", "AP", "difference", "size", "1", "thread"]
    for row, variant in zip(rows, ("float", "raw"), strict=True):
        assert re.fullmatch(rf"FAIL +mini-{variant} +- +- +[\d.]+ kB +[\d.]+ ms", row)
    result.stdout.fnmatch_lines(["verdict: FAIL", "  - *p95_ms is *, should be at most 1e-06 *"])
    assert re.fullmatch(r"report: reports/.*/index\.html", result.outlines[-1])
    # The wide table of pytest-benchmark was not asked for.
    assert not any("Outliers" in line for line in result.outlines)

    (suite,) = ET.parse(junit).getroot()
    (page,) = suite.iterfind("properties/property[@name='page']")
    assert (session.path / page.attrib["value"]).is_file()
    failures = [each.attrib["message"] for each in suite.iterfind("testcase/failure")]
    assert len(failures) == 2
    assert all("latency: p95_ms is" in each and "\n" not in each for each in failures)
    for case in suite.iterfind("testcase"):
        found = {each.attrib["name"]: each.attrib["value"] for each in case.iterfind("*/property")}
        assert (found["model"], found["verdict"]) == ("mini", "FAIL")
        address, _, anchor = found["page"].partition("#")
        assert anchor == f"{found['variant']}-{found['check']}"
        assert f'id="{anchor}"' in (session.path / address).read_text()
        assert re.fullmatch("[0-9a-f]{64}", found["sha256"])


def test_workers_end_alike(
    over_miniature: Run, session: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The same lines, properties and summary under pytest-xdist, which leaves latency out."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    junit = session.path / "junit.xml"
    result = over_miniature(
        "-n", "1", f"--junitxml={junit}", "-k", "latency or evidence or archive"
    )
    assert result.ret == UNKNOWN
    assert result.outlines[-1].startswith("report: reports/")
    assert "verdict: UNKNOWN" in _after(result, " validation ")
    (told,) = [line for line in result.outlines if line.startswith("::error") and "latency" in line]
    assert "latency was not measured: -n, --benchmark-disable" in told
    text = summary.read_text()
    assert text.startswith("before\n## Validation: UNKNOWN\n")
    assert "latency was not measured" in text
    (suite,) = ET.parse(junit).getroot()
    cases = list(suite.iterfind("testcase"))
    assert len(cases) == int(suite.attrib["tests"]) > 0
    for case in cases:
        assert case.find("properties/property[@name='verdict']").attrib["value"] == "UNKNOWN"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--benchmark-disable", "latency was not measured: -n, --benchmark-disable"),
        ("--benchmark-skip", "latency was not measured: -n, --benchmark-disable"),
        ("--benchmark-only", "skipped: Skipping non-benchmark (--benchmark-only active)"),
    ],
)
def test_options_that_leave_latency_out(
    over_miniature: Run, session: Any, option: str, why: str
) -> None:
    """What was not measured is UNKNOWN by its name, and no exit code says that all is well."""
    result = over_miniature(option, "-k", "latency or archive_holds", "--variant", "float")
    assert result.ret == UNKNOWN
    assert session.checks()["latency", "float"]["status"] == "unknown"
    last = _after(result, " validation ")
    assert any(why in line and "latency" in line for line in last)
    assert "verdict: UNKNOWN" in last


def test_table_of_pytest_benchmark_on_request(over_miniature: Run) -> None:
    """It comes before the end, which stays the same."""
    result = over_miniature("--latency-table", "-k", "latency", "--variant", "raw")
    (head,) = [number for number, line in enumerate(result.outlines) if "Outliers" in line][:1]
    assert head < result.outlines.index("verdict: UNKNOWN")
    assert result.outlines[-1].startswith("report: ")


def test_summary_that_cannot_be_written(
    over_miniature: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is named at the end, and changes no verdict."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "summary.md"))
    result = over_miniature("-k", "archive_holds", "--variant", "float", "--junitxml=/dev/null")
    assert result.ret == UNKNOWN
    last = _after(result, " validation ")
    assert [line for line in last if line.startswith("not written: ")] == [
        "not written: properties of the JUnit file: pytest has left no file there (/dev/null)",
        f"not written: summary of the job: No such file or directory ({tmp_path}/none/summary.md)",
    ]


def test_no_name_is_a_command_to_a_ci(
    over_miniature: Run,
    miniature: MiniatureFiles,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    too_slow: Path,
) -> None:
    """A model that is called as one begins no line; what is said of it stays in our own."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    name = "::error title=x::owned"
    shutil.copytree(miniature.archive, tmp_path / "zoo" / name)
    options = ("--zoo", tmp_path / "zoo", "-k", "latency", "--variant", "raw")
    result = over_miniature(*options, f"--policy={too_slow}")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = [line.strip() for line in result.outlines if line.strip().startswith("::")]
    assert told
    for line in told:
        # The runner ends the command at the second pair of colons.
        command = line.removeprefix("::").partition("::")[0]
        assert command.startswith(("error title=FAIL", "error title=UNKNOWN"))
        assert "owned" not in command
