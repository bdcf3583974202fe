"""`-m faults`: known faults injected and judged, a test each, and a page of what was found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from validation.errors import ValidationError
from validation.files.structured import structure, unstructure
from validation.files.terminal import printable
from validation.plugin.run_folder import run_folder
from validation.record.machine_facts import machine_facts
from validation.workspace.surroundings import package_versions
from validation.zoo.cache import default_cache_dir

# What a session without the marker does not import: tables of faults, and what edits files.
if TYPE_CHECKING:
    from validation.faults.power import DetectionPower
    from validation.faults.session import FaultSession
    from validation.faults.table import Row, Subject

MARKER = "faults"
_SUITE = "test_faults.py"
_SESSION = pytest.StashKey["FaultSession"]()
# Of a test: an Outcome or a Control.
_RESULT = pytest.StashKey[Any]()
# Attribute of a test report; plain JSON text, so that it passes between processes.
_TEXT = "validation_fault"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}: known faults are injected and judged; run only with -m {MARKER}"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The suite of faults is run only by its marker, or by its own name."""
    if collection_path.name != _SUITE or MARKER in (config.option.markexpr or ""):
        return None
    named = any(Path(each.partition("::")[0]).name == _SUITE for each in config.args)
    return None if named else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each fault in each archive, and one for each clean model."""
    if metafunc.definition.get_closest_marker(MARKER) is None:
        return
    from validation.faults.controls import controls
    from validation.faults.table import rows

    if "fault" in metafunc.fixturenames:
        # One of each kind early: a run that is interrupted has seen something of everything.
        metafunc.parametrize("fault", sorted(rows(), key=_place), ids=str)
    if "clean_model" in metafunc.fixturenames:
        metafunc.parametrize("clean_model", controls(), ids=str)


@pytest.fixture
def judge_fault(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Inject a fault and judge it; the test fails where it is missed or blamed on what is right."""

    def judge(row: Row) -> None:
        __tracebackhide__ = True
        outcome = _session(request.config).judge(row)
        request.node.stash[_RESULT] = outcome
        if not outcome.is_good:
            pytest.fail(printable(outcome.describe()), pytrace=False)

    return judge


@pytest.fixture
def judge_clean(request: pytest.FixtureRequest) -> Callable[[Subject], None]:
    """Judge a clean model; the test fails where a check does, or something is said to be wrong."""

    def judge(subject: Subject) -> None:
        __tracebackhide__ = True
        control = _session(request.config).control(subject)
        request.node.stash[_RESULT] = control
        if blamed := (*control.failed, *control.said):
            pytest.fail(printable("; ".join(blamed)), pytrace=False)

    return judge


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hand what was found to the test's report."""
    report = yield
    found = item.stash.get(_RESULT, None)
    if call.when == "call" and found is not None:
        setattr(report, _TEXT, json.dumps(unstructure(found)))
    return report


class Collected:
    """What all processes found. A plugin of the controlling process.

    Args:
        config: Of that process.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: dict[str, Any] = {}
        self._ending = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a finished test found, whichever process ran it."""
        text = getattr(report, _TEXT, None)
        if text is not None:
            self._found[report.nodeid] = json.loads(text)

    @property
    def power(self) -> DetectionPower:
        """In the order of the tables, whichever test ended first."""
        from validation.faults.controls import controls
        from validation.faults.outcome import Control, Outcome
        from validation.faults.power import DetectionPower
        from validation.faults.table import rows

        outcomes = [structure(Outcome, each) for each in self._found.values() if "fault" in each]
        clean = [structure(Control, each) for each in self._found.values() if "fault" not in each]
        rank = {str(row): place for place, row in enumerate(rows())}
        outcomes.sort(key=lambda each: rank[f"{each.fault}-{each.thinness}"])
        named = [str(subject) for subject in controls()]
        clean.sort(key=lambda each: named.index(each.subject))
        circumstances = {**package_versions(), **machine_facts()}
        return DetectionPower(tuple(outcomes), tuple(clean), circumstances)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Write both files, of an interrupted session too: before anything else ends it."""
        if not self._found:
            return
        from validation.faults.page import PAGE_NAME, write_page
        from validation.faults.power import OUTCOMES_NAME, write_power

        power, folder = self.power, run_folder(self._config)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_power(folder / OUTCOMES_NAME, power)
            write_page(folder / PAGE_NAME, power)
        except (OSError, ValidationError) as error:
            self._ending = f"not written: {error}"
        else:
            self._ending = str(folder / PAGE_NAME)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print counts and where the page is."""
        if not self._found:
            return
        from validation.faults.document import summary_lines

        for line in (*summary_lines(self.power), self._ending):
            terminalreporter.write_line(printable(line))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Workers hand their reports to the controlling process, which keeps them."""
    config = session.config
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Collected(config), "validation-faults")


def _place(row: object) -> str:
    return hashlib.sha256(str(row).encode()).hexdigest()


def _session(config: pytest.Config) -> FaultSession:
    from validation.faults.session import FaultSession

    if _SESSION not in config.stash:
        cache_dir = config.getoption("--cache-dir") or default_cache_dir()
        config.stash[_SESSION] = FaultSession(cache_dir)
    return config.stash[_SESSION]
