"""The end of a run whose disk is full or whose folder has gone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signable_run import write_signable_run

from validation.errors import ArtefactError
from validation.plugin import ending, recorder
from validation.plugin.ending import end_run
from validation.record.evidence import EVIDENCE_FOLDER
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import INDEX_NAME
from validation.signoff.rules import judge, policy_of

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with its record and evidence."""
    folder = tmp_path / "reports" / "run"
    write_signable_run(folder)
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the system keeps temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def _end(data: bytes, folder: Path) -> ending.Ended:
    return end_run(data, folder, policy_of(load_record(folder / RECORD_NAME)))


@pytest.mark.parametrize("how", ["whole", "torn", "gone"])
def test_record_is_made_whole(run: Path, how: str) -> None:
    """Whatever became of the file while it was written."""
    record = run / RECORD_NAME
    data = record.read_bytes()
    policy = policy_of(load_record(record))
    judgement = judge(load_record(record), policy)
    if how == "torn":
        record.write_bytes(data[: len(data) // 2])
    elif how == "gone":
        record.unlink()
    ended = end_run(data, run, policy)
    assert record.read_bytes() == data
    assert (run / INDEX_NAME).is_file()
    assert (ended.folder, ended.lost) == (run, ())
    assert ended.judgement == judgement


def test_folder_that_takes_nothing_gives_way_to_another(run: Path, temporary: Path) -> None:
    """Where there is room, with the run's files, and that is said."""
    data = (run / RECORD_NAME).read_bytes()
    policy = policy_of(load_record(run / RECORD_NAME))
    shutil.rmtree(run.parent)
    run.parent.touch()
    ended = end_run(data, run, policy)
    assert ended.folder is not None
    assert temporary in ended.folder.parents
    assert (ended.folder / RECORD_NAME).read_bytes() == data
    assert (ended.folder / INDEX_NAME).is_file()
    first, second = ended.lost
    assert str(run) in first
    assert "Not a directory" in first
    assert "no longer in the run's folder" in second


def test_files_of_the_run_come_along(
    run: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as they were written."""
    render = ending.render_report

    def full(folder: Path, *rest: Any) -> Path:
        if folder == run:
            raise OSError(28, "No space left on device")
        return render(folder, *rest)

    monkeypatch.setattr(ending, "render_report", full)
    ended = _end((run / RECORD_NAME).read_bytes(), run)
    assert ended.folder is not None
    assert ended.folder.parent.parent == temporary
    assert ended.lost == (f"record and pages: No space left on device ({run})",)
    assert list((ended.folder / EVIDENCE_FOLDER).iterdir())


def test_verdict_without_any_disk(
    run: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there all the same, and nothing half-written is."""

    def full(*_: Any) -> Path:
        raise ArtefactError("the file cannot be written", got="No space left on device")

    monkeypatch.setattr(ending, "render_report", full)
    ended = _end((run / RECORD_NAME).read_bytes(), run)
    assert ended.folder is None
    assert len(ended.lost) == 2
    assert ended.judgement == judge(load_record(run / RECORD_NAME))
    assert list(temporary.iterdir()) == []


def test_missing_evidence_is_said(run: Path) -> None:
    """It has gone while the run went on."""
    shutil.rmtree(run / EVIDENCE_FOLDER)
    (lost,) = _end((run / RECORD_NAME).read_bytes(), run).lost
    assert lost.startswith(f"no longer in the run's folder: {EVIDENCE_FOLDER}/")


def test_session_goes_on_without_its_folder(
    over_miniature: Run, session: Any, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every check is judged; the end says what is missing, and the exit code is not 0."""
    open_record = recorder.RecordWriter.open

    def gone(self: recorder.RecordWriter) -> recorder.RecordWriter:
        opened = open_record(self)
        shutil.rmtree(session.reports)
        session.reports.touch()
        return opened

    monkeypatch.setattr(recorder.RecordWriter, "open", gone)
    result = over_miniature("-k", "archive_holds or exporters_ends", "--require", "warn")
    result.assert_outcomes(passed=4, deselected=24)
    assert result.ret != 0
    (report,) = temporary.glob("report-*/*")
    result.stdout.fnmatch_lines(
        [
            "not written: record and pages: the folder cannot be made (reports/*",
            f"report: {report / INDEX_NAME}",
        ]
    )
    assert not any(line.startswith("to ship") for line in result.outlines)
    assert load_record(report / RECORD_NAME).footer is not None
