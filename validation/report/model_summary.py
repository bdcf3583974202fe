"""What a reader of a model's page sees first: each subject in a line, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.policy.limits import WORST_FIRST, Status
from validation.record.formatting import NOTHING
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.report.anchors import check_anchor
from validation.report.index import IndexRow, index_model
from validation.report.interval_tables import difference_of
from validation.report.why import Link, Why, why_rows
from validation.signoff.findings import Verdict
from validation.signoff.rules import ModelVerdict
from validation.signoff.shipping import Shipping


@dataclass(frozen=True)
class SubjectLine:
    """One subject.

    Args:
        figures: Its figures, as on the first page.
        worst: The checks that decide its verdict, each with a link to its result.
        ships: It is the file to ship.
    """

    figures: IndexRow
    worst: tuple[Link, ...]
    ships: bool


@dataclass(frozen=True)
class Summary:
    """The top of the page.

    Args:
        rows: The worst subject first.
        reference: AP of what they are held against; an em dash where it is not known.
        why: The causes, the worst first.
        shipping: What the model has to ship; None where that is not known.
    """

    rows: tuple[SubjectLine, ...]
    reference: str
    why: tuple[Why, ...]
    shipping: Shipping | None


def model_summary(
    record: Record, verdict: ModelVerdict, shipping: Shipping | None = None
) -> Summary:
    """The lines of every subject and the causes behind them.

    Args:
        record: The run's record.
        verdict: On the model.
        shipping: What it has to ship; None where that is not known.
    """
    choice = None if shipping is None else shipping.choice
    figures = {row.key: row for row in index_model(record, verdict, "").rows}
    return Summary(
        tuple(
            SubjectLine(
                figures[key],
                _deciding(verdict, key),
                choice is not None and choice.file.key == key,
            )
            for key in worst_first(record, verdict.subjects)
        ),
        next((row.ap_reference.text for row in figures.values()), NOTHING),
        why_rows(verdict.verdict, {verdict.model: ""}),
        shipping,
    )


def worst_first(record: Record, subjects: Mapping[ModelKey, Verdict]) -> tuple[ModelKey, ...]:
    """Subjects by their verdict, then by the AP that they lose.

    Args:
        record: Has the differences.
        subjects: The verdict on each.
    """

    def badness(key: ModelKey) -> tuple[int, float]:
        entry = difference_of(record.ap_differences, key)
        difference = None if entry is None else entry.ap
        lost = 0.0 if difference is None else difference.value
        return WORST_FIRST.index(subjects[key].status), lost

    return tuple(sorted(subjects, key=badness))


def _deciding(verdict: ModelVerdict, key: ModelKey) -> tuple[Link, ...]:
    own = verdict.subjects[key]
    if own.status is Status.PASS:
        return ()
    return tuple(
        dict.fromkeys(
            Link(each.check, f"#{check_anchor(key, each.check)}")
            for each in own.findings
            if each.status is own.status and each.check and each.key == key
        )
    )
