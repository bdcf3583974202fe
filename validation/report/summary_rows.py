"""What is known of each judged file, a row each, for terminal, JUnit and job summary."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from validation.policy.limits import WORST_FIRST, Status
from validation.record.formatting import NO_GROUND_TRUTH, coco_difference
from validation.record.store import Record
from validation.record.types import REFERENCE, USUAL_LEVEL, Accuracy, ModelKey, OfVariant
from validation.report.accuracy_table import comparable
from validation.report.views import page_names
from validation.signoff.rules import Judgement

_Entry = TypeVar("_Entry", bound=OfVariant)


@dataclass(frozen=True)
class SummaryRow:
    """One judged file; None and empty text are what was not measured.

    Args:
        key: Of the file.
        status: Its verdict.
        ap: COCO average precision, in [0, 1].
        ap_reference: Of the model's reference, on the same images.
        ap_difference: The file's less the reference's.
        ap_interval: The interval of that; None where both rank all detections alike, too.
        size_bytes: Of the file.
        sha256: Of the file.
        p50_ms: Median latency with the threads that are judged.
        threads: Of that latency; 0 where there is none.
        page: File name of its model's page.
        level: Of the interval.
    """

    key: ModelKey
    status: Status
    ap: float | None
    ap_reference: float | None
    ap_difference: float | None
    ap_interval: tuple[float, float] | None
    size_bytes: int | None
    sha256: str
    p50_ms: float | None
    threads: int
    page: str
    level: float = USUAL_LEVEL


def summary_rows(record: Record, judgement: Judgement) -> tuple[SummaryRow, ...]:
    """A row for each judged file, the worst verdict first; of one verdict, in the order of the run.

    Args:
        record: Of the run.
        judgement: Of that record.
    """
    # By key once: a run of a hundred models has thousands of entries.
    accuracies = _first_of(record.accuracies)
    differences = _first_of(record.ap_differences)
    timings = _first_of(each for each in record.timings if each.samples_ms)
    pages = page_names([each.model for each in judgement.models])
    rows = []
    for model, page in zip(judgement.models, pages, strict=True):
        reference = accuracies.get(ModelKey(model.model, REFERENCE))
        for key, verdict in model.subjects.items():
            own, timing, file = accuracies.get(key), timings.get(key), record.tflite_files.get(key)
            entry = differences.get(key)
            whole = None if entry is None else entry.ap
            beside = reference if own and reference and comparable(own, reference) else None
            rows.append(
                SummaryRow(
                    key=key,
                    status=verdict.status,
                    ap=_ap(own),
                    ap_reference=_ap(beside),
                    ap_difference=coco_difference(_ap(own), _ap(beside)),
                    ap_interval=(whole.low, whole.high) if whole and beside else None,
                    level=record.header.level,
                    size_bytes=file.size_bytes if file else None,
                    sha256=file.sha256 if file else "",
                    p50_ms=timing.p50_ms if timing else None,
                    threads=timing.threads if timing else 0,
                    page=page,
                )
            )
    return tuple(sorted(rows, key=lambda row: WORST_FIRST.index(row.status)))


def _first_of(entries: Iterable[_Entry]) -> dict[ModelKey, _Entry]:
    first: dict[ModelKey, _Entry] = {}
    for each in entries:
        first.setdefault(each.key, each)
    return first


def _ap(accuracy: Accuracy | None) -> float | None:
    if accuracy is None or accuracy.figures.ap == NO_GROUND_TRUTH:
        return None
    return accuracy.figures.ap if math.isfinite(accuracy.figures.ap) else None
