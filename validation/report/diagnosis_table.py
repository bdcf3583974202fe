"""What a model's page says is wrong with its files: one row a fault, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record.diagnosis import DiagnosedBy
from validation.record.diagnosis_words import (
    describe_diagnosis,
    fault_in_words,
    next_step,
    places_in_words,
)
from validation.record.formatting import NOTHING, number, plural
from validation.record.store import Record
from validation.record.types import ModelKey
from validation.report.anchors import check_anchor, subject_anchor
from validation.report.why import Link
from validation.signoff.faults import Fault, faults_of

_FOUND_BY = {
    DiagnosedBy.ERROR: "refused by the step that reads it",
    DiagnosedBy.ROUTES: "two routes to the graph, compared part by part",
    DiagnosedBy.FILE_DIFF: "compared with a file converted here",
    DiagnosedBy.CONTRACT: "what the file states, against its reference",
    DiagnosedBy.LAYERS: "first layer at which two runs differ",
    DiagnosedBy.HYPOTHESIS: "undone, and agreement came back",
    DiagnosedBy.ABSOLUTE: "values that no detector has",
    DiagnosedBy.UNUSUAL: "stated by one file alone, and by no model of the TF1 zoo: may be right",
}


@dataclass(frozen=True)
class DiagnosisRow:
    """One fault.

    Args:
        said: All of it in a sentence.
        place: In what it lies.
        fault: In words, without values.
        next_step: What to do about it.
        where: See `Diagnosis`; an em dash for the whole.
        more_places: How many places beside that; empty without.
        expected: The value that is right; an em dash where it is not known.
        got: The value that there is, alike.
        measure: Name of the figure that undoing it restores; empty where nothing was undone.
        before: That figure as it is; empty without one.
        after: With the fault undone, alike.
        ties: Other faults that the evidence does not tell from it, in words.
        found_by: How it was found.
        touched: The files, each with a link to the check that found it, or to all of its checks.
    """

    said: str
    place: str
    fault: str
    next_step: str
    where: str
    more_places: str
    expected: str
    got: str
    measure: str
    before: str
    after: str
    ties: tuple[str, ...]
    found_by: str
    touched: tuple[Link, ...]


def diagnosis_rows(
    record: Record, model: str, statuses: Mapping[ModelKey, Status]
) -> tuple[DiagnosisRow, ...]:
    """The faults of one model.

    Args:
        record: Of the run.
        model: Its name.
        statuses: Verdict on each of its files.
    """
    own = [each for each in record.diagnoses if each.model == model]
    checked = {(each.check, each.key) for each in record.results}
    return tuple(_row(each, checked) for each in faults_of(own, statuses))


def _row(fault: Fault, checked: set[tuple[str, ModelKey]]) -> DiagnosisRow:
    diagnosis = fault.diagnosis
    measured = diagnosis.before is not None and diagnosis.after is not None
    return DiagnosisRow(
        said=describe_diagnosis(diagnosis),
        place=places_in_words(diagnosis),
        fault=fault_in_words(diagnosis.fault),
        next_step=next_step(diagnosis),
        where=diagnosis.where or NOTHING,
        more_places=plural(diagnosis.count - 1, "more place") if diagnosis.count > 1 else "",
        expected=number(diagnosis.expected),
        got=number(diagnosis.got),
        measure=diagnosis.measure if measured else "",
        before=number(diagnosis.before) if measured else "",
        after=number(diagnosis.after) if measured else "",
        ties=tuple(map(fault_in_words, diagnosis.ties)),
        found_by=_FOUND_BY[diagnosis.by],
        touched=tuple(
            Link(
                key.label or "?",
                "#"
                + (check_anchor(key, check) if (check, key) in checked else subject_anchor(key)),
            )
            for key, check in fault.touched.items()
        ),
    )
