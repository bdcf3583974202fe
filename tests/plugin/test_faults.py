"""The suite of known faults is run by its marker, and in no other session."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from validation.faults.table import rows

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder as a checkout, with the suites."""
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(_ROOT / name, pytester.path / name)
    shutil.copytree(_ROOT / "suites", pytester.path / "suites")
    return pytester


def _collected(checkout: pytest.Pytester, *arguments: str) -> str:
    options = ("--collect-only", "-q", "-p", "no:cacheprovider")
    return checkout.runpytest_inprocess(*arguments, *options).stdout.str()


def test_a_session_without_the_marker_injects_nothing(checkout: pytest.Pytester) -> None:
    """Nothing is collected of it, so that no count of deselected tests speaks of it."""
    text = _collected(checkout, "suites")
    assert "test_accuracy.py" in text
    assert "test_faults.py" not in text


@pytest.mark.parametrize("arguments", [("suites", "-m", "faults"), ("suites/test_faults.py",)])
def test_faults_are_run_by_marker_or_name(
    checkout: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """One test a row, and one a clean model; nothing else."""
    text = _collected(checkout, *arguments)
    for row in rows():
        assert f"test_fault_is_caught[{row}]" in text
    assert "test_clean_model_is_not_blamed[" in text
    assert "test_accuracy.py" not in text


def test_outcomes_are_kept(checkout: pytest.Pytester, tmp_path: Path) -> None:
    """Of one row, in full: the result, the page and the JSON."""
    reports = tmp_path / "reports"
    result = checkout.runpytest_inprocess(
        *("suites", "-m", "faults", "-k", "config-unknown-field", "-p", "no:cacheprovider"),
        *("--report-dir", str(reports), "--cache-dir", str(tmp_path / "cache")),
    )
    result.assert_outcomes(passed=1)
    (folder,) = reports.iterdir()
    assert {path.name for path in folder.iterdir()} == {"faults.json", "faults.html"}
    assert result.stdout.str().count("1 of 1 caught") == 2
