"""Sessions of pytest over the real suites, in a folder of their own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.record.lines import from_line
from validation.record.types import CheckResult

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_ROOT = Path(__file__).parents[2]
# Limits on evidence that six drawn images keep; a --policy of the test's own replaces it.
LITTLE_EVIDENCE = _ROOT / "tests" / "support" / "little_evidence.toml"
# Hypothesis imports itself at the end of every session that has not, and takes seconds.
_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
# What a test patches is patched in its own process only.
_WITHOUT_CHILDREN = ("--no-isolation",)


class Session:
    """A folder with the project's pytest settings and suites, and runs inside of it.

    Args:
        pytester: Its folder becomes the project.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path
        self.reports = self.path / "reports"
        for name in ("pyproject.toml", "conftest.py"):
            shutil.copy(_ROOT / name, self.path / name)
        shutil.copytree(
            _ROOT / "suites", self.path / "suites", ignore=shutil.ignore_patterns("__pycache__")
        )

    def run(self, *arguments: object, suites: str = "suites") -> pytest.RunResult:
        """Run the suites in this process."""
        return self.run_with_children(*_WITHOUT_CHILDREN, *arguments, suites=suites)

    def run_with_children(self, *arguments: object, suites: str = "suites") -> pytest.RunResult:
        """As `run`, with the child processes that a session starts by itself."""
        return self._pytester.runpytest_inprocess(suites, *_WITHOUT, *arguments)

    def run_apart(self, *arguments: object) -> pytest.RunResult:
        """Run the suites in a process of their own."""
        return self._pytester.runpytest_subprocess("suites", *_WITHOUT, *arguments)

    def suite(self, text: str) -> None:
        """Replace all suites by one."""
        shutil.rmtree(self.path / "suites")
        (self.path / "suites").mkdir()
        (self.path / "suites" / "test_own.py").write_text(f"import pytest\n\n{text}")

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the only record."""
        (record,) = self.reports.glob("*/record.jsonl")
        return [json.loads(line) for line in record.read_text().splitlines()]

    def checks(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Check lines of the only record, by check and variant."""
        return {
            (line["check"], line["variant"]): line
            for line in self.lines()
            if line["kind"] == "check"
        }

    def explanation(self, check: str, variant: str) -> str:
        """What the only record says of a check: its message, or the error that ended it."""
        result = from_line(self.checks()[check, variant])
        assert isinstance(result, CheckResult)
        return result.explanation

    def page(self) -> str:
        """The only report's first page."""
        (index,) = self.reports.glob("*/index.html")
        return index.read_text()


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Session:
    """The project's suites, copied; no worker of whatever runs these tests."""
    workers = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT")
    # Where these tests run in a job, its summary is not for sessions of theirs.
    for name in (*workers, "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return Session(pytester)


@pytest.fixture
def over_miniature(session: Session, miniature: MiniatureFiles) -> Callable[..., pytest.RunResult]:
    """Run the suites over the miniature with its cache filled; labelled unless told."""

    def run(*arguments: object, labelled: bool = True, apart: bool = False) -> pytest.RunResult:
        options: list[object] = ["--zoo", miniature.zoo, "--cache-dir", miniature.cache]
        if "--variant" not in arguments:
            # 8 bits save nothing in a file of 20 kB: these are for models of true size.
            options += ["--variant", "float", "--variant", "raw"]
        if "--policy" not in arguments:
            # In one word: pytest looks for a conftest.py beside each path that stands by itself.
            options.append(f"--policy={LITTLE_EVIDENCE}")
        if labelled:
            options += ["--coco-annotations", miniature.annotations]
            options += ["--coco-images", miniature.images]
        return (session.run_apart if apart else session.run)(*options, *arguments)

    return run
