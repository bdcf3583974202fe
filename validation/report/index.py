"""The tables of the first page: models and their files."""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from validation.policy.limits import Status
from validation.record import formatting
from validation.record.given_files import given_file, judged_by
from validation.record.kept_files import FILES_FOLDER
from validation.record.run import Artefact, ArtefactRole
from validation.record.store import Record
from validation.record.types import REFERENCE, Accuracy, Measure, ModelKey, Timing
from validation.report.accuracy_table import comparable, reference_first, reference_of
from validation.report.anchors import subject_anchor
from validation.report.interval_tables import ap_interval, difference_of
from validation.signoff.findings import Verdict
from validation.signoff.rules import ModelVerdict
from validation.specs.references import ReferenceKind
from validation.specs.variants import VARIANTS


@dataclass(frozen=True)
class IndexRow:
    """One subject; an em dash stands for what was not measured.

    Args:
        key: Of the subject.
        given: How a file that was made elsewhere was judged; empty for one that was made here.
        anchor: Of its section on the model's page.
        status: Its verdict.
        ap_reference: AP of the model's reference.
        ap: AP of this subject.
        ap_delta: AP less the reference's.
        ap_interval: The 95 % interval of that; empty where there is none.
        worse: True when the difference is negative.
        ap50: AP at IoU 0.5.
        parity: Largest difference of a raw output, of the output nearest to its limit.
        parity_limit: What that difference may be at most.
        parity_of: Which output that is, and its limit.
        unmatched: Detections without partner, of how many.
        size: Of the .tflite file.
        file: Where it is kept, as a link; empty where it is not.
        p50: Median latency with the threads that the limits judge, ms.
        p95: 95th percentile of the same latency, ms.
        p50_beside: Median latency with other threads, ms.
    """

    key: ModelKey
    given: str
    anchor: str
    status: Status
    ap_reference: str
    ap: str
    ap_delta: str
    ap_interval: str
    worse: bool
    ap50: str
    parity: str
    parity_limit: str
    parity_of: str
    unmatched: str
    size: str
    file: str
    p50: str
    p95: str
    p50_beside: str

    @property
    def label(self) -> str:
        """What the row is called."""
        return self.key.label or "?"


@dataclass(frozen=True)
class Column:
    """A column of the overview: one variant of all models, or the given files of one name.

    Args:
        variant: Or the form of a given file.
        file: Its name; empty for what was made here.
    """

    variant: str
    file: str

    @property
    def label(self) -> str:
        """What the column is called."""
        return self.file or self.variant or "?"


@dataclass(frozen=True)
class IndexModel:
    """The rows of one model."""

    model: str
    href: str
    status: Status
    rows: tuple[IndexRow, ...]

    @property
    def ap_reference(self) -> str:
        """AP of the reference, from whichever row has it."""
        known = (row.ap_reference for row in self.rows if row.ap_reference != formatting.NOTHING)
        return next(known, formatting.NOTHING)

    def row(self, column: Column) -> IndexRow | None:
        """The row of a column; None where the model has none."""
        key = ModelKey(self.model, column.variant, column.file)
        return next((row for row in self.rows if row.key == key), None)


def index_model(record: Record, verdict: ModelVerdict, href: str) -> IndexModel:
    """The rows of one model, in the order of its verdicts.

    Args:
        record: The run's record.
        verdict: On this model.
        href: File name of the model's page.
    """
    model = verdict.model
    reference = reference_of([entry for entry in record.accuracies if entry.model == model])
    return IndexModel(
        model,
        href,
        verdict.verdict.status,
        tuple(
            _row(
                record,
                key,
                verdict.subjects[key],
                reference,
                subject_anchor(key),
            )
            for key in reference_first(verdict.subjects)
        ),
    )


def overview_columns(models: Iterable[IndexModel]) -> tuple[Column, ...]:
    """The variants that some model has, in the order of `VARIANTS`; unknown ones last, not lost.

    Given files come after them, in the order of the run.
    """
    known = {
        Column(row.key.variant, row.key.file): None
        for model in models
        for row in model.rows
        if row.key.file or row.key.variant != REFERENCE
    }
    return tuple(sorted(known, key=_place))


def _place(column: Column) -> tuple[bool, int]:
    order = list(VARIANTS)
    known = column.variant in order and not column.file
    return bool(column.file), order.index(column.variant) if known else len(order)


def _row(
    record: Record, key: ModelKey, verdict: Verdict, reference: Accuracy | None, anchor: str
) -> IndexRow:
    measures = {
        (result.check, measure.name): measure
        for result in record.results
        if result.key == key
        for measure in result.measures
    }
    own = next((entry for entry in record.accuracies if entry.key == key), None)
    parity = _nearest_to_limit(
        [measure for (check, _), measure in measures.items() if check == "raw_parity"]
    )
    file = _file(record, key)
    timing, beside = (*record.timings_of(key), None, None)[:2]
    worst, bound = _value_and_bound(parity) if parity else (formatting.NOTHING, "")
    difference = _difference(own, reference)
    given = given_file(record.header, key)
    return IndexRow(
        key=key,
        given="" if given is None else judged_by(record, given),
        anchor=anchor,
        status=verdict.status,
        ap_reference=formatting.coco_figure(reference.figures.ap if reference else None),
        ap=_ap(own, measures.get(("accuracy", "ap"))),
        ap_delta=formatting.coco_delta(difference) or formatting.NOTHING,
        ap_interval=""
        if difference is None
        else ap_interval(difference_of(record.ap_differences, key)),
        worse=(difference or 0) < 0,
        ap50=formatting.coco_figure(own.figures.ap50 if own else None),
        parity=worst,
        parity_limit=bound,
        parity_of=f"{parity.name} {formatting.value_and_limit(parity)[1]}".strip()
        if parity
        else "",
        unmatched=_unmatched(
            measures.get(("end_to_end_parity", "unmatched_detections")),
            measures.get(("end_to_end_parity", "compared_detections")),
        ),
        size=formatting.size(None if file is None else file.size_bytes),
        file="" if file is None else file_link(file),
        p50=latency(timing, 50),
        p95=latency(timing, 95),
        p50_beside=latency(beside, 50),
    )


def _ap(own: Accuracy | None, measure: Measure | None) -> str:
    if own is not None:
        return formatting.coco_figure(own.figures.ap)
    return formatting.number(measure.value) if measure else formatting.NOTHING


def _difference(own: Accuracy | None, reference: Accuracy | None) -> float | None:
    """None for the reference itself and for what was measured on other images."""
    if own is None or reference is None or own.variant == REFERENCE:
        return None
    if not comparable(own, reference):
        return None
    return formatting.coco_difference(own.figures.ap, reference.figures.ap)


def _nearest_to_limit(measures: list[Measure]) -> Measure | None:
    """The measure that uses most of its limit; NaN is nearest of all."""
    numbers = (measure for measure in measures if formatting.is_number(measure.value))
    return max(numbers, key=_strain, default=None)


def _strain(measure: Measure) -> float:
    if math.isnan(measure.value):
        return math.inf
    if measure.limit is None or measure.limit.relation != "max" or not measure.limit.bound:
        return 0.0
    return float(measure.value / measure.limit.bound)


def _value_and_bound(measure: Measure) -> tuple[str, str]:
    """Value and limit as the report writes them, without the bound that only warns."""
    limit = replace(measure.limit, warn=None) if measure.limit else None
    return formatting.value_and_limit(replace(measure, limit=limit))


def _unmatched(unmatched: Measure | None, compared: Measure | None) -> str:
    if unmatched is None:
        return formatting.NOTHING
    text = formatting.number(unmatched.value)
    return f"{text} of {formatting.number(compared.value)}" if compared else text


def _file(record: Record, key: ModelKey) -> Artefact | None:
    return next(
        (
            entry
            for entry in record.artefacts
            if entry.role is ArtefactRole.TFLITE and entry.key == key
        ),
        None,
    )


def file_link(artefact: Artefact) -> str:
    """The address of a kept file from a page of its run; empty for what lies nowhere below it."""
    parts = PurePosixPath(artefact.path).parts
    if len(parts) < 2 or parts[0] != FILES_FOLDER or ".." in parts:
        return ""
    return urllib.parse.quote(artefact.path)


def latency(timing: Timing | None, percent: float) -> str:
    """A percentile of the samples in milliseconds; an em dash without samples."""
    if timing is None or not timing.samples_ms:
        return formatting.NOTHING
    return formatting.milliseconds(timing.percentile(percent))


def reference_name(record: Record) -> str:
    """What all files of a run were held against: the inference graph, or one of several kinds."""
    others = {each.reference for each in record.header.given} - {ReferenceKind.GRAPH}
    return "reference" if others else "inference graph"


def threads_judged(record: Record) -> str:
    """With how many threads the latency was measured that limits judge; empty without any."""
    return _threads(record, slice(0, 1))


def threads_beside(record: Record) -> str:
    """With how many threads latency was measured beside that; empty without any."""
    return _threads(record, slice(1, None))


def _threads(record: Record, which: slice) -> str:
    keys = dict.fromkeys(timing.key for timing in record.timings)
    counts = {each.threads for key in keys for each in record.timings_of(key)[which]}
    if len(counts) < 2:
        return "".join(formatting.plural(count, "thread") for count in counts)
    return f"{', '.join(map(str, sorted(counts)))} threads"
