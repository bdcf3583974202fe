"""What a given file has otherwise than its reference: a row each, with its cost and its status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.policy.limits import Status, worst_status
from validation.record import formatting
from validation.record.difference_words import kind_in_words
from validation.record.reference_differences import (
    ReferenceDifference,
    ReferenceDifferences,
    measures_of,
)
from validation.record.types import CheckResult

_CHECK = "reference_contract"


@dataclass(frozen=True)
class ContractRow:
    """One difference.

    Args:
        words: What it is.
        change: What it does to AP, with its sign.
        ap: Of the file with this one thing as the reference has it.
        status: Of what it is judged by; PASS where nothing judges it.
    """

    words: str
    change: str
    ap: str
    status: Status


@dataclass(frozen=True)
class ContractView:
    """The table of one file.

    Args:
        found: As it was recorded.
        rows: What costs most first.
        same: What is as the reference has it, in words.
        missing: What could not be compared, and why; a sentence each.
        unpriced: Why nothing has a price, as a sentence; empty where something has.
    """

    found: ReferenceDifferences
    rows: tuple[ContractRow, ...]
    same: tuple[str, ...]
    missing: tuple[str, ...]
    unpriced: str


def contract_view(found: ReferenceDifferences, results: Sequence[CheckResult]) -> ContractView:
    """The differences of a file, with the status that the record's result has for each."""
    differing = {name for each in found.differences for name in measures_of(each)}
    return ContractView(
        found,
        tuple(_row(each, found, _statuses(found, results)) for each in found.differences),
        tuple(kind_in_words(kind) for kind in found.compared if kind.value not in differing),
        tuple(_sentence(each.describe()) for each in found.not_compared),
        _sentence(found.unpriced),
    )


def _sentence(text: str) -> str:
    """With a capital and a full stop; names within stay as they are."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _statuses(found: ReferenceDifferences, results: Sequence[CheckResult]) -> dict[str, Status]:
    return {
        measure.name: measure.status
        for result in results
        if result.check == _CHECK and result.key == found.key
        for measure in result.measures
    }


def _row(
    difference: ReferenceDifference, found: ReferenceDifferences, statuses: dict[str, Status]
) -> ContractRow:
    change = difference.ap_change(found.ap)
    judged = [statuses[name] for name in measures_of(difference) if name in statuses]
    return ContractRow(
        difference.describe(),
        formatting.NOTHING if change is None else formatting.coco_delta(change),
        formatting.coco_figure(difference.ap),
        worst_status(judged) if judged else Status.PASS,
    )
