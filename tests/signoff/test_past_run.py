"""The figures of a run that are kept: of each file its own, in time in proportion to the files."""

from __future__ import annotations

from collections import Counter

import pytest

from validation.policy.limits import Limit, Status
from validation.record.history import PastSubject
from validation.record.run import Artefact, ArtefactRole, Footer, Header
from validation.record.store import Record
from validation.record.types import CheckResult, Measure, ModelKey, OfVariant, Timing
from validation.signoff.past_run import past_run
from validation.signoff.rules import judge
from validation.signoff.run_facts import run_facts

_LIMIT = Limit("max", 4.0, "why")


def _record(files: int) -> Record:
    keys = [ModelKey(f"m{number}", "int8") for number in range(files)]
    results = tuple(
        CheckResult.judged(check, key, (Measure("x", float(number), _LIMIT),))
        for number, key in enumerate(keys)
        for check in ("raw_parity", "latency")
    )
    return Record(
        Header("r", "now", tuple(keys), {}, {}, {}, "0" * 64),
        results=results,
        timings=tuple(
            Timing(key.model, key.variant, "LiteRT", threads, 1, (ms,))
            for key in keys
            for threads, ms in ((1, 2.0), (2, 1.0))
        ),
        artefacts=tuple(
            Artefact(key.model, ArtefactRole.TFLITE, key.variant, "a", str(number), 7)
            for number, key in enumerate(keys)
        ),
        footer=Footer("now", 1.0, len(results), 0),
    )


def test_each_file_has_its_own_figures() -> None:
    """Those of the judged timing, and of the limit that is nearest to being used up."""
    record = _record(3)
    found = past_run(record, judge(record)).subjects
    assert found[2] == PastSubject(
        "m2", "int8", Status.UNKNOWN, "2", 7, None, 2.0, 1, 0.5, "raw_parity.x"
    )
    assert [each.used for each in found] == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("files", [4, 32])
def test_no_entry_is_looked_at_for_every_file(monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """A run of a hundred models has thousands of entries, each of which is of one file."""
    record, looked = _record(files), Counter[int]()
    judgement, key = judge(record), OfVariant.key

    def counted(entry: OfVariant) -> ModelKey:
        looked[id(entry)] += 1
        return key.fget(entry)  # type: ignore[attr-defined,no-any-return]

    monkeypatch.setattr(OfVariant, "key", property(counted))
    past_run(record, judgement)
    run_facts(record, judgement, {})
    assert looked
    assert max(looked.values()) <= 6


def test_the_limit_nearest_to_being_used_up_is_an_upper_one_of_a_number() -> None:
    """Of all checks; neither lower limits, limits of 0, text, NaN nor infinity have a share."""
    key, nan = ModelKey("m", "int8"), float("nan")
    measures = (
        Measure("lower", 9.0, Limit("min", 1.0, "why")),
        Measure("none_allowed", 9.0, Limit("max", 0.0, "why")),
        Measure("unlimited", 9.0),
        Measure("words", "many", Limit("max", 4.0, "why")),
        Measure("nan", nan, _LIMIT),
        Measure("infinite", float("inf"), _LIMIT),
    )
    results = (
        CheckResult.judged("raw_parity", key, (*measures, Measure("x", 1.0, _LIMIT))),
        CheckResult.judged("end_to_end_parity", key, (Measure("y", 3.0, _LIMIT),)),
        CheckResult.judged("accuracy", key, (Measure("z", 2.0, _LIMIT),)),
    )
    record = Record(Header("r", "now", (key,), {}, {}, {}, "0" * 64), results=results)
    (found,) = past_run(record, judge(record)).subjects
    assert (found.used, found.nearest) == (0.75, "end_to_end_parity.y")
    assert found.p50_ms is None


def test_a_file_that_used_no_limit() -> None:
    """Nothing is nearest."""
    key = ModelKey("m", "int8")
    record = Record(Header("r", "now", (key,), {}, {}, {}, "0" * 64))
    (found,) = past_run(record, judge(record)).subjects
    assert (found.used, found.nearest) == (None, "")


def test_facts_of_every_file() -> None:
    """In the order of the selection, each with its own verdict."""
    record = _record(3)
    subjects = run_facts(record, judge(record), {}).subjects
    assert [each.key for each in subjects] == list(record.header.selection)
