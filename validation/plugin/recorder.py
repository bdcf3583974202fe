"""Stream every entry to record.jsonl as it happens, and render the report at the end.

Under pytest-xdist entries travel with the test reports, and only the controller
writes: one record a run, whichever process did the work.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from collections.abc import Generator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from validation.checks.running import stopped
from validation.errors import ArtefactError, ValidationError
from validation.files.terminal import printable
from validation.plugin.baseline import update_line
from validation.plugin.ci_files import on_github, write_for_ci
from validation.plugin.ending import end_run
from validation.plugin.fixtures import ENTRIES, keep_found
from validation.plugin.interruption import INTERRUPTION
from validation.plugin.joining import joined
from validation.plugin.last_lines import LastLines, print_at_the_end
from validation.plugin.packs import Packs, write_packs
from validation.plugin.processes import new_steps
from validation.plugin.run_folder import run_folder, set_run_folder
from validation.plugin.run_header import header_of
from validation.plugin.shares import LINES, end_share, share_facts
from validation.plugin.short_summary import diagnoses_among, say_why
from validation.plugin.state import STATE, session_state
from validation.policy.limits import Status
from validation.preprocess.image import ImageFile
from validation.record.diagnosis import Diagnosis
from validation.record.diagnosis_words import diagnosis_line
from validation.record.evidence import keep_evidence
from validation.record.kept_files import keep_file
from validation.record.leftovers import sweep_runs
from validation.record.lines import Entry, from_line, to_line
from validation.record.policy_files import keep_policy
from validation.record.run import Artefact, Evidence, Footer
from validation.record.shares import SHARE_NAME, KeptPiece
from validation.record.store import RECORD_NAME, RecordWriter, parse_record
from validation.record.types import CheckResult, ModelKey
from validation.report.summary_rows import summary_rows
from validation.signoff.exit_codes import FAILED, Require, exit_code
from validation.signoff.rules import evidence
from validation.signoff.shipping import which_files
from validation.workspace.context import image_files


class Recorder:
    """The record of one run; opened by the first entry. A plugin of the controlling process.

    Args:
        config: Of the controlling process.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._planned: dict[str, None] = {}
        self._done: set[str] = set()
        self._has_failed = False
        self._pieces = 0
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        self._writer: RecordWriter | None = None
        self.folder = _new_folder(Path(config.getoption("--report-dir")), self._started)
        self.run = self.folder.name

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is to be run, where this process runs it."""
        if not self._config.option.collectonly:
            self._planned |= dict.fromkeys(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Alike, where workers do."""
        self._planned |= dict.fromkeys(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stream the entries of a finished test, whichever process ran it."""
        with self._config.stash[INTERRUPTION].shielded():
            for line in getattr(report, LINES, []):
                self.write(from_line(json.loads(line)))
            if report.when == "teardown":
                self._done.add(report.nodeid)

    def write(self, entry: Entry) -> None:
        """Append one entry."""
        self._opened().write(entry)
        self._has_failed |= isinstance(entry, CheckResult) and evidence(entry) is Status.FAIL
        self._pieces += isinstance(entry, KeptPiece)

    def _opened(self) -> RecordWriter:
        if self._writer is None:
            state = session_state(self._config)
            sweep_runs(self.folder.parent)
            facts = share_facts(state)
            name = RECORD_NAME if facts is None else SHARE_NAME
            self._writer = RecordWriter(self.folder, name).open()
            self._writer.write(header_of(self._config, state, self.run, self._started))
            if facts is not None:
                self._writer.write(facts)
            for share in joined(self._config):
                self._writer.write(share)
            if state.baseline is not None:
                self._writer.write(state.baseline.entry)
            # A full disk ends no run: what is missing at its end is said there.
            with contextlib.suppress(ArtefactError):
                keep_policy(state.policy, self.folder)
                if state.baseline is not None:
                    state.baseline.keep_copy(self.folder)
        return self._writer

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """End the record, render the report, and let the exit code say the verdict.

        Comes after pytest has written its JUnit file.
        """
        by = self._config.stash[INTERRUPTION].by
        interrupted = exitstatus == pytest.ExitCode.INTERRUPTED and bool(by)
        if self._writer is None and not (interrupted and STATE in self._config.stash):
            return
        writer = self._opened()
        is_share = session_state(self._config).share is not None
        packs = Packs() if interrupted or is_share else self._packs(writer)
        footer = Footer(
            finished=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            seconds=time.perf_counter() - self._clock,
            results=writer.results,
            exit_code=int(exitstatus),
            interrupted_by=by if interrupted else "",
            not_run=tuple(each for each in self._planned if each not in self._done),
        )
        writer.close(footer)
        if is_share:
            end_share(self._config, self._pieces, self.folder)
            return
        policy = session_state(self._config).policy
        ended = end_run(writer.data, self.folder, policy)
        judgement = ended.judgement
        require = Require(self._config.getoption("--require"))
        code = exit_code(judgement.run.status, int(exitstatus), require, interrupted=interrupted)
        rows = summary_rows(ended.record, judgement)
        shipping = which_files(ended.record, judgement, policy)
        unwritten = write_for_ci(self._config, ended, rows, shipping)
        updated = update_line(
            self._config, ended.folder, judgement, session_state(self._config).baseline
        )
        is_lost = bool(ended.lost) or (updated is not None and updated.is_lost)
        session.exitstatus = code or (FAILED if is_lost else code)
        unwritten = (*unwritten, *(f"failing case of {each}" for each in packs.left_out))
        lines = LastLines(
            self._config, ended, rows, shipping, unwritten, updated, commands=on_github()
        )
        print_at_the_end(self._config, lines)

    def _packs(self, writer: RecordWriter) -> Packs:
        """Failing cases, written and recorded; a run without any is not read back for it."""
        every = self._config.getoption("--pack")
        if not every and not self._has_failed:
            return Packs()
        record = parse_record(writer.data, writer.path, allow_unfinished=True)
        state = session_state(self._config)

        @functools.cache
        def images() -> Mapping[str, ImageFile]:
            return {each.key: each for each in image_files(state.dataset, state.canaries)}

        packs = write_packs(record, self.folder, images, state.policy, every=every)
        for each in packs.written:
            writer.write(each)
        return packs


def _new_folder(reports: Path, started: datetime) -> Path:
    """By second and process; one process may begin several runs in a second."""
    name = f"{started:%Y-%m-%dT%H-%M-%SZ}-{os.getpid()}"
    folder, number = reports / name, 1
    # Whether a name can be used at all is found out elsewhere.
    while os.path.lexists(folder):
        number += 1
        folder = reports / f"{name}-{number}"
    return folder


# What errors have said is wrong with a subject, each once.
_DIAGNOSED = pytest.StashKey[set[Diagnosis]]()


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
    say_why(report, entries)
    if report.skipped and not judged and isinstance(error, pytest.skip.Exception):
        # By whoever: a mark, an option of another plugin. What was not looked at is not known.
        why = f"skipped: {error.msg}" if error.msg else "skipped"
        entries.append(CheckResult.unknown(marker.args[0], _key(item), why))
    if report.failed and not judged and call.when in ("setup", "call"):
        check, key = marker.args[0], _key(item)
        left = (
            stopped(check, key, error, item.config.stash.setdefault(_DIAGNOSED, set()))
            if error
            else [CheckResult.failed(check, key, "failed")]
        )
        entries += (
            replace(each, seconds=call.duration) if isinstance(each, CheckResult) else each
            for each in left
        )
        if isinstance(report.longrepr, str):
            diagnosed = diagnosis_line(diagnoses_among(left), report.longrepr)
            report.longrepr = printable("; ".join(filter(None, (report.longrepr, diagnosed))))
    elif call.when == "call" and report.passed and not judged:
        report.outcome = "failed"
        report.longrepr = "the test recorded no check: it cannot count as passed"
        entries.append(CheckResult.failed(marker.args[0], _key(item), report.longrepr))
    if call.when == "teardown":
        entries.extend(new_steps(item.config))
        kept, lost = _all_kept(entries, item.config)
        if lost is not None:
            report.outcome = "failed"
            report.longrepr = printable(f"{type(lost).__name__}: {lost.with_next_step()}")
            # What the check found cannot be proved without its files.
            unproved = CheckResult.stopped(marker.args[0], _key(item), lost)
            kept = [unproved if _is_good(entry) else entry for entry in kept]
        keep_found(item.config, kept)
        setattr(report, LINES, [json.dumps(to_line(entry), allow_nan=False) for entry in kept])
        entries.clear()
    return report


def _all_kept(
    entries: list[Entry], config: pytest.Config
) -> tuple[list[Entry], ValidationError | None]:
    """What of them could be kept, and the last error where some could not."""
    kept, lost = [], None
    for entry in entries:
        try:
            kept.append(_kept(entry, config))
        except ValidationError as error:
            lost = error
    return kept, lost


def _is_good(entry: Entry) -> bool:
    return isinstance(entry, CheckResult) and entry.status is not Status.FAIL


def _kept(entry: Entry, config: pytest.Config) -> Entry:
    """The entry, its file copied into the run's folder now: a worker's own may go with it."""
    if isinstance(entry, Evidence):
        return keep_evidence(entry, run_folder(config))
    if isinstance(entry, Artefact) and entry.path:
        return keep_file(entry, run_folder(config))
    return entry


def _key(item: pytest.Item) -> ModelKey:
    key: ModelKey = item.callspec.params["context"]  # type: ignore[attr-defined]
    return key
