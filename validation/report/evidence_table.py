"""What verdicts rest on, for the first page: a row for all files of a model with the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record import formatting
from validation.record.store import Record
from validation.record.types import CheckResult, Measure
from validation.signoff.rules import evidence

_CHECK = "evidence"


@dataclass(frozen=True)
class EvidenceRow:
    """What some files of a model were judged by.

    Args:
        model: Its name.
        files: Labels of the files.
        status: Of the check.
        values: Of each column, in their order.
        message: What is not as it should be.
    """

    model: str
    files: tuple[str, ...]
    status: Status
    values: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class EvidenceTable:
    """The whole table; without rows where the check left no result.

    Args:
        columns: What was counted, in words.
        rows: In the order of the run.
        nowhere: What should be 0 and is 0 in every row, in words; it has no column.
    """

    columns: tuple[str, ...]
    rows: tuple[EvidenceRow, ...]
    nowhere: tuple[str, ...] = ()


def evidence_results(record: Record) -> tuple[CheckResult, ...]:
    """What the check found that says what verdicts rest on, one a file."""
    return tuple(each for each in record.results if each.check == _CHECK)


def evidence_table(record: Record) -> EvidenceTable:
    """Images, objects, canaries, routes and calibration behind the verdicts of a run."""
    results = evidence_results(record)
    measures = [each for result in results for each in result.measures]
    found = {each.name for each in measures if not _is_nothing(each)}
    every = tuple(dict.fromkeys(each.name for each in measures))
    names = tuple(name for name in every if name in found)
    same: dict[tuple[str, Status, tuple[str, ...], str], list[str]] = {}
    for result in results:
        row = (result.model, evidence(result), _values(result, names), result.explanation)
        same.setdefault(row, []).append(result.key.label)
    return EvidenceTable(
        _in_words(names),
        tuple(
            EvidenceRow(model, tuple(labels), status, values, message)
            for (model, status, values, message), labels in same.items()
        ),
        _in_words(name for name in every if name not in found),
    )


def _is_nothing(measure: Measure) -> bool:
    limit = measure.limit
    return limit is not None and limit.relation == "max" and measure.value == 0


def _in_words(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.replace("_", " ") for name in names)


def _values(result: CheckResult, names: tuple[str, ...]) -> tuple[str, ...]:
    known = {each.name: formatting.number(each.value) for each in result.measures}
    return tuple(known.get(name, formatting.NOTHING) for name in names)
