"""What a run's verdict rests on in a few lines, for beside the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from validation.policy.limits import Status, worst_status
from validation.record import formatting
from validation.record.given_files import reference_words
from validation.record.shares import describe_joined
from validation.record.store import Record
from validation.record.types import REFERENCE, CheckResult
from validation.record.until_decided_words import describe_stop
from validation.report.evidence_table import evidence_results
from validation.signoff.rules import Judgement, evidence
from validation.specs.references import ReferenceKind

# Measures that say how far the reference can be relied on.
_OF_REFERENCE = ("references", "shared_readings", "reference_assumed", "reference_not_trusted")


@dataclass(frozen=True)
class EvidenceLine:
    """One kind of evidence.

    Args:
        term: What it is.
        text: How much of it there is.
        is_limited: It is less than there should be.
    """

    term: str
    text: str
    is_limited: bool = False


@dataclass(frozen=True)
class EvidenceSummary:
    """What all verdicts together rest on.

    Args:
        status: The worst of the check `evidence`; None where it left no result.
        lines: Images, objects, the reference and its independence, canaries, calibration.
    """

    status: Status | None
    lines: tuple[EvidenceLine, ...]


def evidence_summary(record: Record, judgement: Judgement) -> EvidenceSummary:
    """The lines of a run.

    Args:
        record: Of the run.
        judgement: Of that record.
    """
    results = evidence_results(record)
    lines = [_images(record, results), *_looks(record), *_classes(results)]
    lines.append(_reference(record, judgement, results))
    lines += [*_canaries(results), *_calibration(results), *_machines(record), *_without(results)]
    status = worst_status([evidence(each) for each in results]) if results else None
    return EvidenceSummary(status, tuple(lines))


def _images(record: Record, results: Sequence[CheckResult]) -> EvidenceLine:
    counts = _values(results, "images")
    scored = int(min(counts)) if counts else max((e.images for e in record.accuracies), default=0)
    dataset = record.header.dataset
    if dataset is None:
        text = f"{scored:,} labelled" if scored else "none labelled: accuracy is not known"
        return EvidenceLine("Images", text, not scored or _is_limited(results, "images"))
    most = int(max(counts, default=scored))
    count = formatting.number(scored) if most <= scored else f"{scored:,} to {most:,}"
    text = f"{count} of {dataset.name}, {formatting.plural(dataset.annotations, 'object')}"
    if rarest := _values(results, "rarest_class_objects"):
        text += f", at least {int(min(rarest)):,} of each class"
    limited = _is_limited(results, "images", "rarest_class_objects")
    return EvidenceLine("Images", text, limited)


def _looks(record: Record) -> Iterator[EvidenceLine]:
    found = record.header.until_decided
    if found is not None:
        yield EvidenceLine("Looks", describe_stop(found), bool(found.undecided[-1]))


def _classes(results: Sequence[CheckResult]) -> Iterator[EvidenceLine]:
    shares = _values(results, "unscored_class_share")
    if any(shares):
        text = f"up to {math.ceil(100 * max(shares))} % of a model's classes have no object"
        yield EvidenceLine("Classes", text, is_limited=True)


def _reference(
    record: Record, judgement: Judgement, results: Sequence[CheckResult]
) -> EvidenceLine:
    kinds = dict.fromkeys(each.reference for each in record.header.given)
    made = any(not key.file and key.variant != REFERENCE for key in judgement.subjects)
    names = ["the archive's own graph"] if made else []
    names += [reference_words(kind) for kind in kinds]
    readings = _values(results, "shared_readings")
    shared = sum(map(bool, readings))
    if shared:
        names = ["the archive's own graph"] if made and shared < len(results) else []
        names += [f"for {formatting.plural(shared, 'file')} built here from the config"]
    said = [", ".join(names) or "none"]
    limited = _is_limited(results, *_OF_REFERENCE) or ReferenceKind.NONE in kinds
    if shared:
        said.append("not independent of this harness")
    elif results and len(readings) == len(results) and not limited:
        said.append("independent of this harness")
    routes = _values(results, "routes")
    single = sum(each < 2 for each in routes)
    if single:
        said.append(f"no second route to the graph for {formatting.plural(single, 'file')}")
    elif routes and len(routes) == len(results):
        said.append("confirmed by a second route")
    return EvidenceLine("Reference", "; ".join(said), limited or bool(single))


def _canaries(results: Sequence[CheckResult]) -> Iterator[EvidenceLine]:
    counts = _values(results, "canaries")
    if counts:
        least = int(min(counts))
        text = formatting.plural(least, "image") if least else "none"
        yield EvidenceLine("Canaries", text, not least)


def _calibration(results: Sequence[CheckResult]) -> Iterator[EvidenceLine]:
    counts = _values(results, "calibration_images")
    if counts:
        scored = int(sum(_values(results, "calibration_images_scored")))
        text = f"{formatting.plural(int(min(counts)), 'image')}, "
        text += f"{scored:,} scored as well" if scored else "none of them scored"
        limited = bool(scored) or _is_limited(results, "calibration_images")
        yield EvidenceLine("Calibration", text, limited)


def _machines(record: Record) -> Iterator[EvidenceLine]:
    """Where the detections were made, if not where the run was judged."""
    for text in describe_joined(record.joined):
        yield EvidenceLine("Shares", text, is_limited=False)


def _without(results: Sequence[CheckResult]) -> Iterator[EvidenceLine]:
    """Of these files nothing above is known."""
    stopped = sum(not each.measures for each in results)
    if stopped:
        text = f"of {formatting.plural(stopped, 'file')}: the check left no figures"
        yield EvidenceLine("Not known", text, is_limited=True)


def _values(results: Sequence[CheckResult], name: str) -> list[float]:
    return [
        float(measure.value)
        for result in results
        for measure in result.measures
        if measure.name == name and formatting.is_number(measure.value)
    ]


def _is_limited(results: Sequence[CheckResult], *names: str) -> bool:
    return any(
        measure.status is not Status.PASS
        for result in results
        for measure in result.measures
        if measure.name in names
    )
