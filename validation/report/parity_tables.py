"""How near each subject comes to its reference: raw outputs and detections, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record import formatting
from validation.record.types import CheckResult, Measure, ModelKey
from validation.report.anchors import check_anchor
from validation.signoff.rules import evidence

_DETECTIONS, _RAW = "end_to_end_parity", "raw_parity"
_DIFFERENCE = "_max_abs_diff"


@dataclass(frozen=True)
class ParityCell:
    """One figure.

    Args:
        value: In words; an em dash where it was not measured.
        limit: What it may be; empty where nothing judges it.
        status: Of that limit.
    """

    value: str
    limit: str = ""
    status: Status = Status.PASS


@dataclass(frozen=True)
class ParityRow:
    """One subject.

    Args:
        key: Of the subject.
        status: Of the detections' check.
        anchor: Of that check.
        compared: Detections that both sides show.
        cells: In the order of `PARITY_COLUMNS`.
    """

    key: ModelKey
    status: Status
    anchor: str
    compared: str
    cells: tuple[ParityCell, ...]


@dataclass(frozen=True)
class RawRow:
    """One raw output of one subject.

    Args:
        key: Of the subject.
        anchor: Of its check.
        output: Name of the output.
        cell: Its largest difference.
        used: Of the limit, in percent; None where that says nothing.
    """

    key: ModelKey
    anchor: str
    output: str
    cell: ParityCell
    used: int | None


# Title and measure of `end_to_end_parity`.
PARITY_COLUMNS = (
    ("Only one side shows", "unmatched_detections"),
    ("Lost", "lost_share"),
    ("Gained", "gained_share"),
    ("Worst overlap, IoU", "worst_iou"),
    ("Largest score shift", "worst_score_shift"),
)


def parity_rows(results: Sequence[CheckResult], keys: Sequence[ModelKey]) -> tuple[ParityRow, ...]:
    """The subjects whose detections were compared, in the order of the keys.

    Args:
        results: Of one model.
        keys: Its subjects.
    """
    found = {result.key: result for result in results if result.check == _DETECTIONS}
    return tuple(_row(found[key]) for key in keys if key in found and found[key].measures)


def raw_rows(results: Sequence[CheckResult], keys: Sequence[ModelKey]) -> tuple[RawRow, ...]:
    """The raw outputs of subjects that give them, in the order of the keys.

    Args:
        results: Of one model.
        keys: Its subjects.
    """
    found = {result.key: result for result in results if result.check == _RAW}
    return tuple(
        RawRow(
            key,
            check_anchor(key, _RAW),
            measure.name.removesuffix(_DIFFERENCE),
            _cell(measure),
            formatting.used_percent(measure),
        )
        for key in keys
        if key in found
        for measure in found[key].measures
        if measure.name.endswith(_DIFFERENCE)
    )


def _row(result: CheckResult) -> ParityRow:
    measures = {measure.name: measure for measure in result.measures}
    compared = measures.get("compared_detections")
    return ParityRow(
        result.key,
        evidence(result),
        check_anchor(result.key, result.check),
        formatting.NOTHING if compared is None else formatting.number(compared.value),
        tuple(_cell(measures.get(name)) for _, name in PARITY_COLUMNS),
    )


def _cell(measure: Measure | None) -> ParityCell:
    if measure is None:
        return ParityCell(formatting.NOTHING)
    value, limit = formatting.value_and_limit(measure)
    return ParityCell(value, "" if limit == formatting.ANY_VALUE else limit, measure.status)
