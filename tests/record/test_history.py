"""The figures of past runs: kept whole, a bounded number of them, and never in the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.policy.limits import Status
from validation.record.history import (
    HISTORY_FOLDER,
    PastRun,
    PastSubject,
    keep_past_run,
    read_history,
)
from validation.record.machine_class import MachineClass

_MACHINE = MachineClass("CPU", 2, "x86_64")
_SUBJECT = PastSubject("m", "float", Status.PASS, "a" * 64, 9, 0.5, 1.5, 1, 0.2, "c.x")


def _run(number: int) -> PastRun:
    started = f"2026-01-{number:02}T00:00:00Z"
    return PastRun(started.replace(":", "-"), started, _MACHINE, {}, "", Status.PASS, (_SUBJECT,))


@given(
    st.builds(
        PastSubject,
        st.text(max_size=5),
        st.text(max_size=5),
        st.sampled_from(Status),
        st.text(max_size=5),
        st.none() | st.integers(0, 10**9),
        st.none() | st.floats(),
        st.none() | st.floats(allow_nan=False),
        st.integers(0, 64),
        st.none() | st.floats(allow_nan=False),
        st.text(max_size=5),
        st.text(max_size=5),
    )
)
@settings(max_examples=40, deadline=None)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, subject: PastSubject) -> None:
    """What is kept is read back, whatever was measured."""
    folder, run = tmp_path_factory.mktemp("r"), dataclasses.replace(_run(1), subjects=(subject,))
    keep_past_run(run, folder, 5)
    (found,) = read_history(folder, 5).runs
    # NaN is not equal to itself.
    assert repr(found) == repr(run)


def test_earliest_go_first(tmp_path: Path) -> None:
    """No more than so many are kept, and the latest of them are read in their order."""
    for number in (3, 1, 5, 2, 4):
        keep_past_run(_run(number), tmp_path, 3)
    found = read_history(tmp_path, 60)
    assert [run.started[8:10] for run in found.runs] == ["03", "04", "05"]
    assert [run.started[8:10] for run in read_history(tmp_path, 2).runs] == ["04", "05"]


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    """0 makes no folder, and a report folder without one has no history."""
    keep_past_run(_run(1), tmp_path, 0)
    assert not (tmp_path / HISTORY_FOLDER).exists()
    assert read_history(tmp_path, 60).runs == ()


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[]", b"{}", b'{"version": 2}', b"[" * 10**5])
def test_a_damaged_file_is_named_and_ignored(tmp_path: Path, data: bytes) -> None:
    """The other runs are read as ever, and nothing is raised."""
    keep_past_run(_run(1), tmp_path, 5)
    (tmp_path / HISTORY_FOLDER / "2025.json").write_bytes(data)
    found = read_history(tmp_path, 60)
    assert [run.run for run in found.runs] == [_run(1).run]
    ((name, why),) = found.ignored
    assert name == "2025.json"
    assert why


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    """It is ignored as well, and a history that is a file is none."""
    (tmp_path / HISTORY_FOLDER / "2025.json").mkdir(parents=True)
    assert len(read_history(tmp_path, 60).ignored) == 1
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / HISTORY_FOLDER).write_text("x")
    assert read_history(tmp_path / "other", 60).ignored == ()
