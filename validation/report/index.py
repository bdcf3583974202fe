"""The rows of the first page: every file of a run with the figures that it is chosen by."""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from validation.policy.limits import Status
from validation.record import formatting
from validation.record.given_files import given_file, judged_by
from validation.record.kept_files import FILES_FOLDER, PACKS_FOLDER
from validation.record.run import Artefact
from validation.record.store import Record
from validation.record.types import REFERENCE, Accuracy, Measure, ModelKey, Timing
from validation.report.accuracy_table import comparable, reference_first, reference_of
from validation.report.anchors import subject_anchor
from validation.report.interval_tables import ap_interval, difference_of
from validation.signoff.findings import Verdict
from validation.signoff.rules import ModelVerdict
from validation.specs.references import ReferenceKind


@dataclass(frozen=True)
class Figure:
    """A value as it is written, and the number that rows are sorted by.

    Args:
        text: An em dash where nothing was measured.
        value: None likewise.
    """

    text: str = formatting.NOTHING
    value: float | None = None

    @property
    def order(self) -> str:
        """The number for a script that sorts, in its notation; NaN counts as beyond all others."""
        if self.value is None:
            return ""
        if math.isfinite(self.value):
            return f"{self.value:.9g}"
        return "-Infinity" if self.value < 0 else "Infinity"


@dataclass(frozen=True)
class IndexRow:
    """One subject.

    Args:
        key: Of the subject.
        given: How a file that was made elsewhere was judged; empty for one that was made here.
        href: Its section on the model's page.
        status: Its verdict.
        ap_reference: AP of the model's reference.
        ap: AP of this subject.
        ap_delta: AP less the reference's.
        ap_interval: The interval of that; empty where there is none.
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
    href: str
    status: Status
    ap_reference: Figure
    ap: Figure
    ap_delta: Figure
    ap_interval: str
    ap50: Figure
    parity: Figure
    parity_limit: str
    parity_of: str
    unmatched: Figure
    size: Figure
    file: str
    p50: Figure
    p95: Figure
    p50_beside: Figure

    @property
    def label(self) -> str:
        """What the row is called."""
        return self.key.label or "?"

    @property
    def worse(self) -> bool:
        """The AP is lower than the reference's."""
        return (self.ap_delta.value or 0) < 0


@dataclass(frozen=True)
class IndexModel:
    """The rows of one model."""

    model: str
    href: str
    status: Status
    rows: tuple[IndexRow, ...]


def index_model(record: Record, verdict: ModelVerdict, href: str) -> IndexModel:
    """The rows of one model, in the order of its verdicts.

    Args:
        record: The run's record, or its entries on this model alone.
        verdict: On this model.
        href: File name of the model's page.
    """
    model = verdict.model
    reference = reference_of([entry for entry in record.accuracies if entry.model == model])
    rows = tuple(
        _row(record, key, verdict.subjects[key], reference, f"{href}#{subject_anchor(key)}")
        for key in reference_first(verdict.subjects)
    )
    return IndexModel(model, href, verdict.verdict.status, rows)


def _row(
    record: Record, key: ModelKey, verdict: Verdict, reference: Accuracy | None, href: str
) -> IndexRow:
    measures = _measures(record, key)
    own = next((entry for entry in record.accuracies if entry.key == key), None)
    parity = _nearest_to_limit(
        [measure for (check, _), measure in measures.items() if check == "raw_parity"]
    )
    file = record.tflite_files.get(key)
    timing, beside = (*record.timings_of(key), None, None)[:2]
    worst, bound = _value_and_bound(parity) if parity else (formatting.NOTHING, "")
    difference = _difference(own, reference)
    given = given_file(record.header, key)
    return IndexRow(
        key=key,
        given="" if given is None else judged_by(record, given),
        href=href,
        status=verdict.status,
        ap_reference=_coco(reference.figures.ap if reference else None),
        ap=_ap(own, measures.get(("accuracy", "ap"))),
        ap_delta=Figure(formatting.coco_delta(difference) or formatting.NOTHING, difference),
        ap_interval=""
        if difference is None
        else ap_interval(difference_of(record.ap_differences, key)),
        ap50=_coco(own.figures.ap50 if own else None),
        parity=Figure(worst, float(parity.value) if parity else None),
        parity_limit=bound,
        parity_of=f"{parity.name} {formatting.value_and_limit(parity)[1]}".strip()
        if parity
        else "",
        unmatched=_unmatched(
            measures.get(("end_to_end_parity", "unmatched_detections")),
            measures.get(("end_to_end_parity", "compared_detections")),
        ),
        size=Figure(formatting.size(file.size_bytes), file.size_bytes) if file else Figure(),
        file="" if file is None else file_link(file),
        p50=_latency(timing, 50),
        p95=_latency(timing, 95),
        p50_beside=_latency(beside, 50),
    )


def _measures(record: Record, key: ModelKey) -> Mapping[tuple[str, str], Measure]:
    return {
        (result.check, measure.name): measure
        for result in record.results
        if result.key == key
        for measure in result.measures
    }


def _coco(value: float | None) -> Figure:
    known = None if value in (None, formatting.NO_GROUND_TRUTH) else value
    return Figure(formatting.coco_figure(value), known)


def _ap(own: Accuracy | None, measure: Measure | None) -> Figure:
    if own is not None:
        return _coco(own.figures.ap)
    if measure is None:
        return Figure()
    return Figure(
        formatting.number(measure.value),
        measure.value if formatting.is_number(measure.value) else None,
    )


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


def _unmatched(unmatched: Measure | None, compared: Measure | None) -> Figure:
    if unmatched is None:
        return Figure()
    text = formatting.number(unmatched.value)
    if compared:
        text = f"{text} of {formatting.number(compared.value)}"
    return Figure(text, unmatched.value if formatting.is_number(unmatched.value) else None)


def file_link(artefact: Artefact) -> str:
    """The address of a kept file from a page of its run; empty for what lies nowhere below it."""
    parts = PurePosixPath(artefact.path).parts
    if len(parts) < 2 or parts[0] not in (FILES_FOLDER, PACKS_FOLDER) or ".." in parts:
        return ""
    return urllib.parse.quote(artefact.path)


def latency(timing: Timing | None, percent: float) -> str:
    """A percentile of the samples in milliseconds; an em dash without samples."""
    return _latency(timing, percent).text


def _latency(timing: Timing | None, percent: float) -> Figure:
    if timing is None or not timing.samples_ms:
        return Figure()
    value = timing.percentile(percent)
    return Figure(formatting.milliseconds(value), value)


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
