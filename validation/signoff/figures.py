"""The figures of each judged file, as a signature states them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from validation.policy.limits import Status
from validation.record.given_files import given_file
from validation.record.store import Record
from validation.record.types import REFERENCE, Accuracy, ModelKey
from validation.signoff.rules import Judgement
from validation.specs.references import ReferenceKind

# COCO's evaluation gives this where no ground truth of the kind exists.
_NO_GROUND_TRUTH = -1


@dataclass(frozen=True)
class SignedInterval:
    """A measure that was estimated from a sample, with its confidence interval."""

    check: str
    measure: str
    value: float
    low: float
    high: float
    level: float


@dataclass(frozen=True)
class SignedLatency:
    """Latency on one runtime, in milliseconds."""

    runtime: str
    threads: int
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class SubjectFigures:
    """What is known of one judged file.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        given: The name that a file was given under; empty for one that was made here.
        reference: What a given file was judged by; None for one that was made here, by the
            archive's own graph.
        verdict: On this subject, before waivers.
        file: Below the run's folder; empty where it is not kept.
        sha256: Of the file; empty where none was made.
        size_bytes: Of the file.
        ap: COCO average precision, in [0, 1]; None where it was not measured.
        ap_reference: Of the inference graph, on the same images.
        ap_difference: The file's less the reference's.
        intervals: Of every measure that has one.
        latencies: One for each number of threads.
    """

    model: str
    variant: str
    given: str
    reference: ReferenceKind | None
    verdict: Status
    file: str
    sha256: str
    size_bytes: int | None
    ap: float | None
    ap_reference: float | None
    ap_difference: float | None
    intervals: tuple[SignedInterval, ...]
    latencies: tuple[SignedLatency, ...]


def figures(
    record: Record, judgement: Judgement, digests: Mapping[str, str]
) -> tuple[SubjectFigures, ...]:
    """The figures of every subject that was judged, in the verdict's order.

    Args:
        record: Of the run.
        judgement: On that record.
        digests: sha256 by path of what lies in the run's folder.
    """
    return tuple(
        _of(record, key, verdict.status, digests) for key, verdict in judgement.subjects.items()
    )


def _of(
    record: Record, key: ModelKey, status: Status, digests: Mapping[str, str]
) -> SubjectFigures:
    file = record.tflite_files.get(key)
    given = given_file(record.header, key)
    reference = _accuracy(record, ModelKey(key.model, REFERENCE))
    ap, ap_reference = _ap(_accuracy(record, key)), _ap(reference)
    return SubjectFigures(
        model=key.model,
        variant=key.variant,
        given=key.file,
        reference=None if given is None else given.reference,
        verdict=status,
        file=file.path if file and digests.get(file.path) == file.sha256 else "",
        sha256=file.sha256 if file else "",
        size_bytes=file.size_bytes if file else None,
        ap=ap,
        ap_reference=ap_reference,
        ap_difference=None if ap is None or ap_reference is None else ap - ap_reference,
        intervals=tuple(_intervals(record, key)),
        latencies=tuple(
            SignedLatency(each.runtime, each.threads, each.p50_ms, each.p95_ms)
            for each in record.timings_of(key)
        ),
    )


def _accuracy(record: Record, key: ModelKey) -> Accuracy | None:
    """The file's own figures come before those of other flags."""
    return next((each for each in record.accuracies if each.key == key), None)


def _ap(accuracy: Accuracy | None) -> float | None:
    if accuracy is None or accuracy.figures.ap == _NO_GROUND_TRUTH:
        return None
    return accuracy.figures.ap


def _intervals(record: Record, key: ModelKey) -> Iterator[SignedInterval]:
    for result in record.results:
        for measure in result.measures if result.key == key else ():
            if measure.interval is not None:
                low, high = measure.interval
                yield SignedInterval(
                    result.check, measure.name, measure.value, low, high, measure.level
                )
