"""A record is written in order and flushed, and read back whole or refused."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from full_disk import room_for
from hypothesis import given, settings
from record_entries import ENTRIES

from validation.errors import (
    ArtefactMissing,
    IncompleteRecord,
    RecordError,
)
from validation.policy.limits import Limit, Status
from validation.record.ap_difference import ApDifference
from validation.record.baseline import (
    Baseline,
    BaselineComparison,
    BaselineKind,
    LatencyTrial,
)
from validation.record.cluster_use import ClusterUse
from validation.record.diagnosis import Diagnosis
from validation.record.feeds import FileFeed
from validation.record.first_divergence import FirstDivergence
from validation.record.lines import Entry
from validation.record.machine_class import MachineClass
from validation.record.operating_point import OperatingPointLosses
from validation.record.pictures import Picture
from validation.record.quantisation_cost import QuantisationCost
from validation.record.reference_differences import ReferenceDifferences
from validation.record.run import (
    Artefact,
    ArtefactRole,
    Evidence,
    Footer,
    Header,
    Step,
)
from validation.record.shares import JoinedShare
from validation.record.store import RECORD_NAME, Record, RecordWriter, load_record
from validation.record.types import (
    Accuracy,
    Background,
    CheckResult,
    Measure,
    ModelKey,
    Timing,
)

KEY = ModelKey("a", "float")
HEADER = Header("r1", "2026-01-02T03:04:05+00:00", (KEY,), {}, {}, {}, "0" * 64)
RESULT = CheckResult.judged("latency", KEY, (Measure("p50_ms", 3.5, Limit("max", 9.0, "why")),))
FOOTER = Footer("2026-01-02T03:05:05+00:00", 60.0, 1, 0)
BASELINE = Baseline(
    BaselineKind.RUN,
    "r0",
    "r0",
    "2026-01-01T03:04:05+00:00",
    MachineClass("CPU", 2, "x86_64"),
    {},
    Status.PASS,
    (),
    "baseline/baseline.json",
    "0" * 64,
    10,
)


def write(folder: Path, *entries: Entry) -> Path:
    with closing(RecordWriter(folder).open()) as writer:
        for entry in entries:
            writer.write(entry)
    return folder / RECORD_NAME


_OTHERS = st.one_of(
    *(entry for kind, entry in ENTRIES.items() if kind not in ("header", "check", "footer"))
)


def _of_one_baseline(entries: list[Entry]) -> list[Entry]:
    """The same without any further baseline, which a record refuses."""
    seen = [each for each in entries if isinstance(each, Baseline)]
    return [each for each in entries if each not in seen[1:] or each is seen[0]]


@settings(max_examples=40, deadline=None)
@given(
    ENTRIES["header"],
    st.lists(
        ENTRIES["check"], max_size=3, unique_by=lambda one: (one.check, one.model, one.variant)
    ),
    st.lists(_OTHERS, max_size=5).map(_of_one_baseline),
    st.integers(-3, 3),
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    header: Header,
    found: list[CheckResult],
    rest: list[Entry],
    exit_code: int,
) -> None:
    """Whatever is written comes back the same, each kind in its order."""
    footer = Footer("later", 1.5, len(found), exit_code)
    path = write(tmp_path_factory.mktemp("run"), header, *found, *rest, footer)

    def only(kind: type) -> tuple[Any, ...]:
        return tuple(entry for entry in rest if isinstance(entry, kind))

    assert load_record(path) == Record(
        header=header,
        results=tuple(found),
        timings=only(Timing),
        accuracies=only(Accuracy),
        ap_differences=only(ApDifference),
        quantisations=only(QuantisationCost),
        operating_points=only(OperatingPointLosses),
        reference_differences=only(ReferenceDifferences),
        diagnoses=only(Diagnosis),
        feeds=only(FileFeed),
        first_divergences=only(FirstDivergence),
        baseline=next(iter(only(Baseline)), None),
        baseline_comparisons=only(BaselineComparison),
        latency_trials=only(LatencyTrial),
        pictures=only(Picture),
        artefacts=only(Artefact),
        evidence=only(Evidence),
        backgrounds=only(Background),
        clusters=only(ClusterUse),
        steps=only(Step),
        joined=only(JoinedShare),
        footer=footer,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def test_not_a_number_survives(tmp_path: Path) -> None:
    """NaN and infinity are written as valid JSON and come back as themselves."""
    result = CheckResult.judged(
        "raw_parity",
        KEY,
        (Measure("nan", math.nan, Limit("max", 1.0, "why")), Measure("inf", -math.inf)),
    )
    path = write(tmp_path, HEADER, result, FOOTER)
    assert "NaN" not in path.read_text().replace('"nan"', "")
    values = [measure.value for measure in load_record(path).results[0].measures]
    assert math.isnan(values[0])
    assert values[1] == -math.inf


def test_lone_surrogate_survives(tmp_path: Path) -> None:
    """A file name that is no UTF-8 does not break the record."""
    artefact = Artefact("a", ArtefactRole.SOURCE, "", "caf\udce9.pb", "0" * 64, 1)
    path = write(tmp_path, HEADER, artefact, RESULT, FOOTER)
    assert load_record(path).artefacts == (artefact,)


def test_lines_are_flushed(tmp_path: Path) -> None:
    """Each entry is in the file before the next one is written."""
    with closing(RecordWriter(tmp_path).open()) as writer:
        writer.write(HEADER)
        assert len(writer.path.read_text().splitlines()) == 1
        writer.write(RESULT)
        kinds = [json.loads(line)["kind"] for line in writer.path.read_text().splitlines()]
        assert kinds == ["header", "check"]
        assert writer.results == 1
        writer.close(FOOTER)
        writer.close()
    assert load_record(writer.path).footer == FOOTER


def test_writer_makes_the_folder(tmp_path: Path) -> None:
    """The folder of a run need not be there before."""
    path = write(tmp_path / "reports" / "r1", HEADER, RESULT, FOOTER)
    assert load_record(path).results == (RESULT,)


def test_writer_refuses_an_old_record(tmp_path: Path) -> None:
    """A record that already stands there is kept."""
    path = write(tmp_path, HEADER, RESULT, FOOTER)
    before = path.read_bytes()
    with pytest.raises(RecordError, match="there is already a record in the run's folder"):
        RecordWriter(tmp_path).open()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ((RESULT,), "no header.*expected header, got checkresult"),
        ((HEADER, HEADER), "a second header"),
        ((HEADER, BASELINE, BASELINE), "a second baseline"),
        ((HEADER, RESULT, FOOTER, RESULT), "an entry after the footer.*got checkresult"),
        ((HEADER, RESULT, RESULT, FOOTER), "recorded twice.*got latency on a-float"),
        ((HEADER, FOOTER), "counts other results.*expected 0 results, got 1 in the footer"),
    ],
    ids=["no header", "two headers", "two baselines", "after footer", "twice", "wrong count"],
)
def test_writer_keeps_order(tmp_path: Path, entries: tuple[Entry, ...], message: str) -> None:
    """What would make the record unreadable is refused while it is written."""
    with pytest.raises(RecordError, match=message):
        write(tmp_path, *entries)


def test_writer_refuses_after_close(tmp_path: Path) -> None:
    """A closed writer takes nothing."""
    with closing(RecordWriter(tmp_path).open()) as writer:
        writer.write(HEADER)
    with pytest.raises(RecordError, match="the record is not open"):
        writer.write(RESULT)


def test_writer_refuses_what_json_cannot_hold(tmp_path: Path) -> None:
    """An array as a measured value is refused and leaves no half line."""
    odd = CheckResult.judged("x", KEY, (Measure("value", {1, 2}),))
    with closing(RecordWriter(tmp_path).open()) as writer:
        writer.write(HEADER)
        with pytest.raises(RecordError, match=r"a record cannot hold.*not JSON serializable"):
            writer.write(odd)
        writer.write(RESULT)
        writer.close(FOOTER)
    assert load_record(writer.path).results == (RESULT,)


def test_crash_leaves_no_footer(tmp_path: Path) -> None:
    """A run that raises leaves a record that only an explicit wish opens."""
    with pytest.raises(KeyError), closing(RecordWriter(tmp_path).open()) as writer:
        writer.write(HEADER)
        writer.write(RESULT)
        raise KeyError("crash")
    path = tmp_path / RECORD_NAME
    with pytest.raises(IncompleteRecord, match="no footer: the run did not end"):
        load_record(path)
    record = load_record(path, allow_unfinished=True)
    assert record.footer is None
    assert record.results == (RESULT,)


def test_torn_last_line(tmp_path: Path) -> None:
    """A line that was cut off while it was written is named, and left out on wish."""
    path = write(tmp_path, HEADER, RESULT)
    path.write_text(path.read_text() + '{"kind": "ste')
    with pytest.raises(IncompleteRecord, match=r"the last line is torn.*line 3"):
        load_record(path)
    assert load_record(path, allow_unfinished=True).results == (RESULT,)


def test_missing_record(tmp_path: Path) -> None:
    """No file is said as such."""
    with pytest.raises(ArtefactMissing, match="there is no record"):
        load_record(tmp_path / RECORD_NAME)


def test_full_disk_ends_no_record(tmp_path: Path) -> None:
    """From then on the lines are in memory; what the file has is the beginning of them."""
    writer = RecordWriter(tmp_path).open()
    writer.write(HEADER)
    with room_for(writer.path.stat().st_size + 10):
        writer.write(RESULT)
        writer.close(FOOTER)
    written = writer.path.read_bytes()
    assert len(written) < len(writer.data)
    assert writer.data.startswith(written)
    writer.path.write_bytes(writer.data)
    assert load_record(writer.path).footer == FOOTER


def test_folder_that_cannot_be_made_ends_no_record(tmp_path: Path) -> None:
    """All lines are in memory."""
    (tmp_path / "file").touch()
    writer = RecordWriter(tmp_path / "file" / "run").open()
    writer.write(HEADER)
    writer.close()
    assert json.loads(writer.data)["kind"] == "header"
