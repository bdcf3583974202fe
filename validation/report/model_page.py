"""What the page of one model shows: a record's entries, the worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.record.given_files import given_file, judged_by
from validation.record.run import Artefact
from validation.record.store import Record
from validation.record.types import Background, CheckResult, Measure, ModelKey, Picture, Timing
from validation.report.accuracy_table import AccuracyRow, accuracy_rows, reference_first
from validation.report.anchors import subject_anchor
from validation.report.contract_tables import ContractView, contract_view
from validation.report.interval_tables import DifferenceView, difference_view
from validation.report.operating_tables import OperatingView, operating_view
from validation.report.quantisation_tables import QuantisationView, quantisation_view
from validation.signoff.findings import Verdict
from validation.signoff.rules import ModelVerdict, evidence, required_of


@dataclass(frozen=True)
class SubjectSection:
    """The verdict on a subject and everything that led to it.

    Args:
        key: Of the subject.
        given: How a file that was made elsewhere was judged; empty for one that was made here.
        anchor: Of the section.
        verdict: On the subject.
        checks: Their results, the worst first; UNKNOWN for a required one without result.
        required: Checks without which no signature is possible.
    """

    key: ModelKey
    given: str
    anchor: str
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    required: tuple[str, ...]


@dataclass(frozen=True)
class ModelPage:
    """Everything on the page of one model.

    Args:
        model: Its name.
        file_name: Of the page.
        status: Its verdict.
        subjects: A section each, the reference first.
        accuracies: The reference first.
        differences: In average precision, one a subject.
        has_absent_figures: Some figure has no ground truth.
        data_notes: How classes were joined to categories, what was left out and what was
            assumed of the labelled images; a sentence each.
        contracts: Of given files: what they have otherwise than their references.
        operating_points: One a subject.
        quantisations: One a quantised subject.
        timings: As recorded.
        pictures: Of each subject that has some, in the order of the record.
        background: What the catalogue knows: a figure or a trap; None without either.
        artefacts: What each file was to the run, and for which subjects; and the file.
    """

    model: str
    file_name: str
    status: Status
    subjects: tuple[SubjectSection, ...]
    accuracies: tuple[AccuracyRow, ...]
    differences: tuple[DifferenceView, ...]
    has_absent_figures: bool
    data_notes: tuple[str, ...]
    contracts: tuple[ContractView, ...]
    operating_points: tuple[OperatingView, ...]
    quantisations: tuple[QuantisationView, ...]
    timings: tuple[Timing, ...]
    pictures: tuple[tuple[ModelKey, tuple[Picture, ...]], ...]
    background: Background | None
    artefacts: tuple[tuple[str, Artefact], ...]


def model_page(record: Record, verdict: ModelVerdict, policy: Policy, file_name: str) -> ModelPage:
    """The view of one model.

    Args:
        record: The run's record.
        verdict: On this model.
        policy: Says which checks are required.
        file_name: Of the page that will be written.
    """
    model = verdict.model
    results = [result for result in record.results if result.model == model]
    required = {key: required_of(record, key, policy) for key in verdict.subjects}
    differences = [entry for entry in record.ap_differences if entry.model == model]
    accuracies = accuracy_rows(
        [entry for entry in record.accuracies if entry.model == model], differences
    )
    return ModelPage(
        model=model,
        file_name=file_name,
        status=verdict.verdict.status,
        subjects=tuple(
            SubjectSection(
                key,
                _given(record, key),
                subject_anchor(key),
                verdict.subjects[key],
                _checks(key, results, required[key]),
                required[key],
            )
            for key in reference_first(verdict.subjects)
        ),
        accuracies=accuracies,
        differences=tuple(map(difference_view, differences)),
        has_absent_figures=any(row.has_absent_figures for row in accuracies),
        data_notes=_data_notes(record, accuracies),
        contracts=tuple(
            contract_view(entry, results)
            for entry in record.reference_differences
            if entry.model == model
        ),
        operating_points=tuple(
            operating_view(entry) for entry in record.operating_points if entry.model == model
        ),
        quantisations=tuple(
            quantisation_view(entry) for entry in record.quantisations if entry.model == model
        ),
        timings=tuple(entry for entry in record.timings if entry.model == model),
        pictures=_pictures([entry for entry in record.pictures if entry.model == model]),
        background=next(
            (
                entry
                for entry in record.backgrounds
                if entry.model == model and (entry.published or entry.traps)
            ),
            None,
        ),
        artefacts=_artefacts([entry for entry in record.artefacts if entry.model == model]),
    )


def _given(record: Record, key: ModelKey) -> str:
    given = given_file(record.header, key)
    return "" if given is None else judged_by(record, given)


def _data_notes(record: Record, accuracies: Iterable[AccuracyRow]) -> tuple[str, ...]:
    joins = [row.entry.join.describe() for row in accuracies if row.entry.join is not None]
    notes = [note for join in joins for note in join]
    if notes and record.header.dataset is not None:
        notes += [notice.describe() for notice in record.header.dataset.notices]
    return tuple(dict.fromkeys(notes))


def _checks(
    key: ModelKey, results: list[CheckResult], required: tuple[str, ...]
) -> tuple[CheckResult, ...]:
    own = [result for result in results if result.key == key]
    present = {result.check for result in own}
    own += [
        CheckResult.unknown(check, key, "no result in the record")
        for check in required
        if check not in present
    ]
    return tuple(sorted(own, key=lambda result: WORST_FIRST.index(evidence(result))))


def open_measures(result: CheckResult) -> list[Measure]:
    """What a reader has to look at, the worst first."""
    rows = [measure for measure in result.measures if not _is_settled(measure)]
    return sorted(rows, key=lambda measure: WORST_FIRST.index(measure.status))


def settled_measures(result: CheckResult) -> list[Measure]:
    """Exact values that are as expected; there are many, and they fold away."""
    return [measure for measure in result.measures if _is_settled(measure)]


def _is_settled(measure: Measure) -> bool:
    exact = measure.limit is not None and measure.limit.relation == "equal"
    return exact and measure.status is Status.PASS


def _pictures(entries: list[Picture]) -> tuple[tuple[ModelKey, tuple[Picture, ...]], ...]:
    by_key: dict[ModelKey, list[Picture]] = {}
    for entry in entries:
        by_key.setdefault(entry.key, []).append(entry)
    return tuple((key, tuple(each)) for key, each in by_key.items())


def _artefacts(entries: list[Artefact]) -> tuple[tuple[str, Artefact], ...]:
    """One row a file, whichever subjects were made from it or checked with it."""
    same: dict[tuple[str, ...], list[Artefact]] = {}
    for entry in entries:
        same.setdefault((entry.role, entry.name, entry.sha256, entry.path), []).append(entry)
    return tuple(
        (f"{role} {', '.join(dict.fromkeys(each.key.label for each in files))}".rstrip(), files[0])
        for (role, *_), files in same.items()
    )
