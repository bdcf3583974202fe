"""What the page of one model shows: a record's entries, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from validation.policy.limits import WORST_FIRST, Status
from validation.policy.load import Policy
from validation.record import formatting
from validation.record.first_divergence import FirstDivergence
from validation.record.given_files import given_file, judged_by
from validation.record.run import Artefact
from validation.record.store import Record
from validation.record.types import Background, CheckResult, Measure, ModelKey, OfVariant, Timing
from validation.report.accuracy_table import (
    AccuracyRow,
    accuracy_rows,
    common_facts,
    reference_first,
)
from validation.report.anchors import check_anchor, subject_anchor
from validation.report.commands import (
    Command,
    SubjectCommands,
    model_commands,
    subject_commands,
)
from validation.report.contract_tables import ContractView, contract_view
from validation.report.diagnosis_table import DiagnosisRow, diagnosis_rows
from validation.report.gallery import Galleries, galleries
from validation.report.interval_tables import DifferenceView, difference_view
from validation.report.latency_chart import LatencyChart, latency_chart
from validation.report.model_summary import Summary, model_summary, worst_first
from validation.report.operating_tables import OperatingView, operating_view
from validation.report.parity_tables import (
    PARITY_COLUMNS,
    ParityRow,
    RawRow,
    parity_rows,
    raw_rows,
)
from validation.report.quantisation_tables import QuantisationView, quantisation_view
from validation.signoff.findings import Finding, Verdict
from validation.signoff.rules import ModelVerdict, evidence, required_of
from validation.signoff.shipping import Shipping

_Entry = TypeVar("_Entry", bound=OfVariant)


@dataclass(frozen=True)
class CheckView:
    """One check of a subject.

    Args:
        result: As it was recorded; UNKNOWN for a required one without result.
        anchor: Of it.
        status: What it is worth.
        required: No signature is possible without it.
        lead: What it says, on one line; empty without.
        open: What a reader has to look at, the worst first.
        informative: What no limit judges.
        settled: Exact values that are as expected; there are many, and they fold away.
    """

    result: CheckResult
    anchor: str
    status: Status
    required: bool
    lead: str
    open: tuple[Measure, ...]
    informative: tuple[Measure, ...]
    settled: tuple[Measure, ...]


@dataclass(frozen=True)
class SubjectSection:
    """The verdict on a subject and everything that led to it.

    Args:
        key: Of the subject.
        given: How a file that was made elsewhere was judged; empty for one that was made here.
        anchor: Of the section.
        verdict: On the subject.
        notes: Of the verdict, what no check of the section shows.
        checks: Their results, the worst first.
    """

    key: ModelKey
    given: str
    anchor: str
    verdict: Verdict
    notes: tuple[Finding, ...]
    checks: tuple[CheckView, ...]


@dataclass(frozen=True)
class ModelPage:
    """Everything on the page of one model.

    Args:
        model: Its name.
        file_name: Of the page.
        status: Its verdict.
        summary: A line a subject, and what is wrong; the worst first.
        diagnoses: What is wrong and where, the worst first.
        subjects: A section each, the worst first.
        accuracies: The reference first.
        accuracy_facts: On what all of them were measured, in words.
        differences: In average precision, one a subject.
        has_absent_figures: Some figure has no ground truth.
        data_notes: How classes were joined to categories, what was left out and what was
            assumed of the labelled images; a sentence each.
        contracts: Of given files: what they have otherwise than their references.
        operating_points: One a subject, the worst first.
        galleries: Pictures of the worst subject, and of others.
        parity: Detections of each subject against its reference's.
        parity_columns: What stands in their cells.
        raw_parity: The same of raw outputs.
        divergences: Of subjects that are not in parity: their first layer that differs.
        quantisations: One a quantised subject, the worst first.
        timings: As recorded.
        latency_chart: Their samples; None without any.
        all_again: What validates every variant again; None where only given files were judged.
        commands: What makes each subject's figures and file again.
        background: What the catalogue knows: a figure or a trap; None without either.
        artefacts: What each file was to the run, and for which subjects; and the file.
    """

    model: str
    file_name: str
    status: Status
    summary: Summary
    diagnoses: tuple[DiagnosisRow, ...]
    subjects: tuple[SubjectSection, ...]
    accuracies: tuple[AccuracyRow, ...]
    accuracy_facts: tuple[str, ...]
    differences: tuple[DifferenceView, ...]
    has_absent_figures: bool
    data_notes: tuple[str, ...]
    contracts: tuple[ContractView, ...]
    operating_points: tuple[OperatingView, ...]
    galleries: Galleries
    parity: tuple[ParityRow, ...]
    parity_columns: tuple[tuple[str, str], ...]
    raw_parity: tuple[RawRow, ...]
    divergences: tuple[FirstDivergence, ...]
    quantisations: tuple[QuantisationView, ...]
    timings: tuple[Timing, ...]
    latency_chart: LatencyChart | None
    all_again: Command | None
    commands: tuple[SubjectCommands, ...]
    background: Background | None
    artefacts: tuple[tuple[str, Artefact], ...]


def model_page(
    record: Record,
    verdict: ModelVerdict,
    policy: Policy,
    file_name: str,
    shipping: Shipping | None = None,
) -> ModelPage:
    """The view of one model.

    Args:
        record: The run's record.
        verdict: On this model.
        policy: Says which checks are required.
        file_name: Of the page that will be written.
        shipping: What the model has to ship; None where that is not known.
    """
    model = verdict.model
    results = [result for result in record.results if result.model == model]
    keys = worst_first(record, verdict.subjects)
    in_order = reference_first(verdict.subjects)
    differences = [entry for entry in record.ap_differences if entry.model == model]
    measured = [entry for entry in record.accuracies if entry.model == model]
    accuracies = accuracy_rows(measured, differences)
    timings = tuple(entry for entry in record.timings if entry.model == model)
    return ModelPage(
        model=model,
        file_name=file_name,
        status=verdict.verdict.status,
        summary=model_summary(record, verdict, shipping),
        diagnoses=diagnosis_rows(
            record, model, {key: each.status for key, each in verdict.subjects.items()}
        ),
        subjects=tuple(
            _section(record, key, verdict.subjects[key], results, policy) for key in keys
        ),
        accuracies=accuracies,
        accuracy_facts=common_facts(measured),
        differences=tuple(map(difference_view, differences)),
        has_absent_figures=any(row.has_absent_figures for row in accuracies),
        data_notes=_data_notes(record, accuracies),
        contracts=tuple(
            contract_view(entry, results)
            for entry in record.reference_differences
            if entry.model == model
        ),
        operating_points=tuple(map(operating_view, _sorted(record.operating_points, model, keys))),
        galleries=galleries((each for each in record.pictures if each.model == model), keys),
        parity=parity_rows(results, keys),
        parity_columns=PARITY_COLUMNS,
        raw_parity=raw_rows(results, keys),
        # Several checks of one file may have looked for it.
        divergences=tuple(dict.fromkeys(_sorted(record.first_divergences, model, keys))),
        quantisations=tuple(map(quantisation_view, _sorted(record.quantisations, model, keys))),
        timings=timings,
        latency_chart=latency_chart(timings),
        all_again=model_commands(record, model, in_order),
        commands=subject_commands(record, in_order),
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


def _sorted(entries: Iterable[_Entry], model: str, keys: Sequence[ModelKey]) -> list[_Entry]:
    """Those of a model, in the order of the keys; further ones last."""
    place = {key: number for number, key in enumerate(keys)}
    own = [entry for entry in entries if entry.model == model]
    return sorted(own, key=lambda entry: place.get(entry.key, len(place)))


def _section(
    record: Record,
    key: ModelKey,
    verdict: Verdict,
    results: list[CheckResult],
    policy: Policy,
) -> SubjectSection:
    required = required_of(record, key, policy)
    return SubjectSection(
        key,
        _given(record, key),
        subject_anchor(key),
        verdict,
        tuple(each for each in verdict.findings if not each.check),
        tuple(_check_view(each, required) for each in _checks(key, results, required)),
    )


def _check_view(result: CheckResult, required: tuple[str, ...]) -> CheckView:
    shown = open_measures(result)
    return CheckView(
        result,
        check_anchor(result.key, result.check),
        evidence(result),
        result.check in required,
        _lead(result),
        tuple(each for each in shown if each.limit is not None),
        tuple(each for each in shown if each.limit is None),
        tuple(settled_measures(result)),
    )


def _lead(result: CheckResult) -> str:
    """What the check says; without a word of its own the measure that uses most of its limit."""
    if result.explanation:
        return result.explanation
    strained = [(formatting.used_percent(each), each) for each in result.measures]
    known = [(used, each) for used, each in strained if used]
    if known:
        _, nearest = max(known, key=lambda pair: pair[0])
        value, limit = formatting.value_and_limit(nearest)
        return f"{nearest.name} {value}, limit {limit}"
    judged = sum(each.limit is not None for each in result.measures)
    return f"{formatting.plural(judged, 'value')} as expected" if judged else ""


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


def _artefacts(entries: list[Artefact]) -> tuple[tuple[str, Artefact], ...]:
    """One row a file, whichever subjects were made from it or checked with it."""
    same: dict[tuple[str, ...], list[Artefact]] = {}
    for entry in entries:
        same.setdefault((entry.role, entry.name, entry.sha256, entry.path), []).append(entry)
    return tuple(
        (f"{role} {', '.join(dict.fromkeys(each.key.label for each in files))}".rstrip(), files[0])
        for (role, *_), files in same.items()
    )
