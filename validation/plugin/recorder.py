"""Stream every entry to record.jsonl as it happens, and render the report at the end.

Under pytest-xdist entries travel with the test reports, and only the controller
writes: one record a run, whichever process did the work.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from validation import __version__
from validation.checks.pool import without_repeats
from validation.coco.dataset import Dataset
from validation.errors import ValidationError
from validation.files.terminal import printable
from validation.plugin.fixtures import ENTRIES
from validation.plugin.processes import POOL
from validation.plugin.run_folder import run_folder, set_run_folder
from validation.plugin.state import STATE, session_state
from validation.policy.limits import Status
from validation.record.damage import damage_lines
from validation.record.dataset_kind import DatasetKind
from validation.record.evidence import keep_evidence
from validation.record.formatting import plural
from validation.record.given_files import without_reference
from validation.record.kept_files import keep_file
from validation.record.lines import Entry, from_line, to_line
from validation.record.policy_files import keep_policy
from validation.record.run import Artefact, Evidence, Footer, Header, Step
from validation.record.store import RECORD_NAME, RecordWriter, load_record, sweep_runs
from validation.record.types import CheckResult, ModelKey
from validation.report.render import render_report
from validation.signoff.exit_codes import Require, exit_code
from validation.signoff.findings import grouped_reasons
from validation.signoff.rules import Judgement, judge
from validation.signoff.shipping import Shipping, told, which_files
from validation.workspace.products import installed_version
from validation.workspace.session import Session
from validation.workspace.synthetic import GROUP

# Attribute of a test report; plain JSON text, so that it passes between processes.
_LINES = "validation_lines"
_PACKAGES = (
    "tensorflow",
    "ai-edge-litert",
    "tf-slim",
    "tf-keras",
    "numpy",
    "protobuf",
    "pillow",
    "pycocotools",
    "pytest",
)


class Recorder:
    """The record of one run; opened by the first entry. A plugin of the controlling process.

    Args:
        config: Of the controlling process.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._writer: RecordWriter | None = None
        self.run = f"{self._started:%Y-%m-%dT%H-%M-%SZ}-{os.getpid()}"
        self.folder = Path(config.getoption("--report-dir")) / self.run
        self.judgement: Judgement | None = None
        self.shipping: tuple[Shipping, ...] = ()
        self.without_reference = ""
        self.damaged: tuple[str, ...] = ()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stream the entries of a finished test, whichever process ran it."""
        for line in getattr(report, _LINES, []):
            self.write(from_line(json.loads(line)))

    def write(self, entry: Entry) -> None:
        """Append one entry."""
        if self._writer is None:
            state = session_state(self._config)
            sweep_runs(self.folder.parent)
            self._writer = RecordWriter(self.folder).open()
            self._writer.write(_header(self._config, state, self.run, self._started))
            keep_policy(state.policy, self.folder)
        self._writer.write(entry)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the record, render the report, and let the exit code say the verdict."""
        if self._writer is None:
            return
        footer = Footer(
            finished=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            seconds=time.perf_counter() - self._clock,
            results=self._writer.results,
            exit_code=int(exitstatus),
        )
        self._writer.close(footer)
        policy = session_state(self._config).policy
        record = load_record(self.folder / RECORD_NAME)
        self.judgement = judge(record, policy)
        self.shipping = which_files(record, self.judgement, policy)
        self.without_reference = without_reference(record.header)
        self.damaged = damage_lines(record.steps)
        render_report(self.folder, record, self.judgement, policy)
        require = Require(self._config.getoption("--require"))
        session.exitstatus = exit_code(self.judgement.run.status, int(exitstatus), require)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The verdict and where the report lies."""
        if self.judgement is None:
            return
        run = self.judgement.run
        terminalreporter.section("validation")
        terminalreporter.line(
            f"verdict: {run.describe()}",
            green=run.status is Status.PASS,
            red=run.status is Status.FAIL,
            yellow=run.status in (Status.WARN, Status.UNKNOWN),
        )
        for reason in grouped_reasons(run.findings):
            terminalreporter.line(printable(f"  {reason}"))
        if self.without_reference:
            terminalreporter.line(printable(f"  {self.without_reference}"))
        for line in self.damaged:
            terminalreporter.line(printable(line))
        for line in told(self.shipping):
            terminalreporter.line(printable(f"to ship: {line}"))
        terminalreporter.line(f"report: {self.folder / 'index.html'}")


_SEEN = pytest.StashKey[set[tuple[str, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Only the controlling process records; files are kept by the one that made them."""
    if hasattr(config, "workerinput"):
        set_run_folder(config, None)
    else:
        recorder = Recorder(config)
        set_run_folder(config, recorder.folder)
        config.pluginmanager.register(recorder, "validation-recorder")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hand the test's entries to its report; errors become entries, silence a failure."""
    report = yield
    marker = item.get_closest_marker("check")
    if marker is None:
        return report
    entries = item.stash.setdefault(ENTRIES, [])
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, ValidationError):
        report.longrepr = printable(f"{type(error).__name__}: {error}")
    judged = any(isinstance(entry, CheckResult) for entry in entries)
    if report.failed and not judged and call.when in ("setup", "call"):
        check, key = marker.args[0], _key(item)
        result = (
            CheckResult.stopped(check, key, error)
            if error
            else CheckResult.failed(check, key, "failed")
        )
        entries.append(replace(result, seconds=call.duration))
    elif call.when == "call" and report.passed and not judged:
        report.outcome = "failed"
        report.longrepr = "the test recorded no check: it cannot count as passed"
        entries.append(CheckResult.failed(marker.args[0], _key(item), report.longrepr))
    if call.when == "teardown":
        entries.extend(_steps(item.config))
        kept = []
        for entry in entries:
            try:
                kept.append(_kept(entry, item.config))
            except ValidationError as lost:
                # A run that lacks a file ends with exit code 1, which no check explains: FAIL.
                report.outcome = "failed"
                report.longrepr = printable(f"{type(lost).__name__}: {lost.with_next_step()}")
        setattr(report, _LINES, [json.dumps(to_line(entry), allow_nan=False) for entry in kept])
        entries.clear()
    return report


def _kept(entry: Entry, config: pytest.Config) -> Entry:
    """The entry, its file copied into the run's folder now: a worker's own may go with it."""
    if isinstance(entry, Evidence):
        return keep_evidence(entry, run_folder(config))
    if isinstance(entry, Artefact) and entry.path:
        return keep_file(entry, run_folder(config))
    return entry


def _steps(config: pytest.Config) -> list[Step]:
    pool = config.stash.get(POOL, None)
    theirs = [] if pool is None else pool.drain_steps()
    seen = config.stash.setdefault(_SEEN, set())
    return without_repeats([*theirs, *session_state(config).drain_steps()], seen)


def _key(item: pytest.Item) -> ModelKey:
    key: ModelKey = item.callspec.params["context"]  # type: ignore[attr-defined]
    return key


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The resolved options of a suite run."""
    if STATE not in config.stash:
        return []
    state = config.stash[STATE]
    options = [f"{name}: {value}" for name, value in _options(config, state).items()]
    notices = () if state.dataset is None else state.dataset.notices
    lines = [
        ", ".join(options),
        *(f"labelled images: {notice.describe()}" for notice in notices),
        *state.notes,
    ]
    return [printable(f"validation: {line}") for line in lines]


def _header(config: pytest.Config, state: Session, run: str, started: datetime) -> Header:
    versions = {package: installed_version(package) for package in _PACKAGES}
    return Header(
        run=run,
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        selection=tuple(state.keys),
        options=_options(config, state),
        versions={"harness": __version__, "python": platform.python_version(), **versions},
        machine={
            "system": f"{platform.system()} {platform.release()}",
            "architecture": platform.machine(),
            "processor": _processor(),
            "cores": str(os.cpu_count()),
        },
        policy_sha256=state.policy.sha256,
        policy_overlay=state.policy.overlay,
        dataset=None if state.dataset is None else state.dataset.facts(),
        given=tuple(each.for_header(state.feed) for each in state.candidates),
        structure_only=tuple(entry.name for entry in state.entries if entry.group == GROUP),
    )


def _options(config: pytest.Config, state: Session) -> dict[str, str]:
    option = config.getoption
    data = state.dataset
    return {
        "zoo": option("--zoo") if state.judged_by is None else "none",
        "models": " ".join(dict.fromkeys(key.model for key in state.keys)),
        **_given_options(state),
        "variants": " ".join(dict.fromkeys(key.variant for key in state.keys)),
        "labelled images": "none"
        if data is None
        else f"{data.name}, {plural(len(data.images), 'image')}"
        + _source(data)
        + _box_format(config)
        + (f", {data.set_apart} more to calibrate with" if data.set_apart else ""),
        "canaries": str(len(state.canaries)),
        "representative images": "none"
        if state.representative is None
        else state.representative.describe(),
        "uint8 input": str(state.input_stats or "as each extractor's preprocessing"),
        "policy": Path(option("--policy") or "built in").name,
        "label map": "the archive's own"
        if state.labels is None
        else f"{state.labels.source}, {plural(state.labels.count, 'name')}",
        "lock file": state.lock_file.name if state.lock_file else "in the cache",
        "offline": "yes" if state.offline else "no",
    }


def _given_options(state: Session) -> dict[str, str]:
    if not state.candidates:
        return {}
    by = state.judged_by
    path = None if by is None else by.packed or by.path
    judge = "the archive's graph" if by is None else "none" if path is None else path.name
    return {
        "given files": " ".join(each.key.file for each in state.candidates),
        "reference": judge,
        **({"feed of given files, as stated": state.feed.describe()} if state.feed else {}),
    }


def _source(data: Dataset) -> str:
    """What a data set was read from, where it is not COCO's json, the usual one."""
    return "" if data.kind is DatasetKind.COCO else f" from {data.kind} ({data.parts})"


def _box_format(config: pytest.Config) -> str:
    stated = config.getoption("--box-format")
    return "" if stated is None else f", boxes as {stated}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):  # the kernel's own text
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
