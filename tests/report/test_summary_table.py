"""The lines of the end of a run: aligned, no wider than the terminal, the worst never left out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signable_run import FLOAT, GIVEN, GIVEN_INT8, INT8, write_signable_run

from validation.policy.limits import WORST_FIRST, Status
from validation.record.store import RECORD_NAME, load_record
from validation.record.types import ModelKey
from validation.report.summary_rows import SummaryRow, summary_rows
from validation.report.summary_table import TableLine, columns_of, summary_table
from validation.signoff.rules import judge

_ROW = SummaryRow(
    key=ModelKey("ssd_mobilenet_v1", "int8"),
    status=Status.PASS,
    ap=0.1948,
    ap_reference=0.2048,
    ap_difference=-0.01,
    ap_interval=(-0.02, 0.001),
    size_bytes=1_234_567,
    sha256="ab" * 32,
    p50_ms=1.844,
    threads=1,
    page="model-ssd_mobilenet_v1.html",
)
_BARE = SummaryRow(ModelKey("m", "raw"), Status.FAIL, *[None] * 5, "", None, 0, "model-m.html")


def _texts(lines: tuple[TableLine, ...]) -> list[str]:
    return [(each.status.upper() if each.status else "") + each.text for each in lines]


def test_a_line_for_each_file() -> None:
    """Figures stand under each other, with the threads of the latency in the head."""
    assert _texts(summary_table([_BARE, _ROW], 120, 60)) == [
        "verdict  file                       AP  difference       95 % interval     size  1 thread",
        "FAIL     m-raw                       -           -                            -         -",
        "PASS     ssd_mobilenet_v1-int8  0.1948     -0.0100  -0.0200 to +0.0010  1.23 MB   1.84 ms",
    ]


def test_the_head_names_the_level_of_the_intervals() -> None:
    """Of a run that looked several times they are wider ones."""
    row = dataclasses.replace(_ROW, level=0.99751)
    assert "  99.75 % interval  " in _texts(summary_table([row], 120, 60))[0]


def test_narrow_terminal() -> None:
    """Intervals go first; then a name loses its middle and keeps what tells it from others."""
    named = dataclasses.replace(_ROW, key=ModelKey("ssd_mobilenet_v1_of_last_year", "int8"))
    eighty = _texts(summary_table([named], 80, 60))
    assert "interval" not in eighty[0]
    assert "ssd_mobilenet_v1_of_last_year-int8"[:10] in eighty[1]
    assert ".." in eighty[1]
    assert "ear-int8 " in eighty[1]
    assert max(map(len, eighty)) <= 80


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (72, ["verdict", "file", "AP", "difference", "size", "1", "thread"]),
        (60, ["verdict", "file", "AP", "difference", "1", "thread"]),
        (50, ["verdict", "file", "AP", "1", "thread"]),
        (36, ["verdict", "file", "AP"]),
    ],
)
def test_no_figure_is_cut(width: int, titles: list[str]) -> None:
    """Where the terminal is too narrow for all of a row, whole columns are left out."""
    named = dataclasses.replace(_ROW, key=ModelKey("ssd_mobilenet_v1_of_last_year", "int8"))
    head, row = _texts(summary_table([named], width, 60))
    assert head.split() == titles
    (full,) = _texts(summary_table([named], 200, 60))[1:]
    figures = [word for word in row.split() if ".." not in word]
    assert set(figures) <= set(full.split())
    assert max(len(head), len(row)) <= width


def test_other_threads_stand_beside_their_figures() -> None:
    """One number in the head would be wrong of some."""
    lines = _texts(summary_table([_ROW, dataclasses.replace(_ROW, threads=4)], 160, 60))
    assert lines[0].endswith("latency")
    assert lines[1].endswith("1.84 ms (1 thread)")
    assert lines[2].endswith("1.84 ms (4 threads)")


def test_rows_beyond_the_lines_are_counted() -> None:
    """With their verdicts; the table has no more lines than it may."""
    rows = [_BARE] * 3 + [_ROW] * 97
    lines = _texts(summary_table(rows, 120, 60))
    assert len(lines) == 60
    assert lines[-1] == "and 42 more files: 42 PASS; all are on the page"
    assert len(summary_table(rows[:59], 120, 60)) == 60
    assert summary_table([], 120, 60) == ()


_NAMES = st.text(min_size=1, max_size=60)


@given(
    st.lists(st.tuples(_NAMES, st.sampled_from(list(Status))), min_size=1, max_size=12),
    st.integers(20, 160),
)
def test_no_name_breaks_the_table(named: list[tuple[str, Status]], width: int) -> None:
    """Each line is one line, and none is wider than the terminal."""
    rows = [
        dataclasses.replace(_ROW, key=ModelKey(name, "int8"), status=status)
        for name, status in named
    ]
    for line in _texts(summary_table(rows, width, 60)):
        assert line.isprintable()
        assert columns_of(line) <= width


def test_rows_of_a_record(tmp_path: Path) -> None:
    """The worst first; each with its own figures, file and page."""
    write_signable_run(tmp_path / "run", ap=0.16, given=GIVEN)
    record = load_record(tmp_path / "run" / RECORD_NAME)
    rows = summary_rows(record, judge(record))
    statuses = [WORST_FIRST.index(each.status) for each in rows]
    assert statuses == sorted(statuses)
    assert {each.key for each in rows} == {FLOAT, INT8, *GIVEN}
    by_key = {each.key: each for each in rows}
    assert (by_key[INT8].ap, by_key[INT8].ap_reference) == (0.16, 0.195)
    assert by_key[INT8].ap_difference == -0.035
    assert by_key[FLOAT].ap_difference == 0
    assert rows[0].key == INT8
    files = {each.key: each for each in record.artefacts if each.role == "tflite"}
    assert {key: row.sha256 for key, row in by_key.items()} == {
        key: file.sha256 for key, file in files.items()
    }
    assert by_key[GIVEN_INT8].page == by_key[INT8].page == "model-person.html"
    assert all(each.p50_ms and each.threads == 1 for each in rows)
