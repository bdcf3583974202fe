"""What the record's figures should be by what they were made from: samples, figures, evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from validation.comparison.ap_difference import interval_of
from validation.errors import ValidationError
from validation.record.run import EvidenceContent
from validation.record.store import Record
from validation.record.types import REFERENCE, Accuracy, CheckResult, ModelKey

if TYPE_CHECKING:
    from validation.coco.matches import Matches

_ALL_SIZES = "all"
# Sums in another order, by another release of NumPy, differ by less.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Contradiction:
    """A figure that is not what it was made from.

    Args:
        what: The figure and whose it is.
        source: What it was made from.
        right: What that gives.
        got: What the record says.
    """

    what: str
    source: str
    right: str
    got: str


def contradictions(
    record: Record, files: Mapping[str, bytes], *, redraw: bool
) -> Iterator[Contradiction]:
    """Every figure of a record that does not follow from what the run kept.

    Args:
        record: Of the run.
        files: Bytes by path below the run's folder, each the one that the record names.
        redraw: Draw the images of the bootstrap again: seconds for each quantised file.
    """
    yield from _latencies(record)
    yield from _average_precisions(record)
    yield from _operating_points(record)
    yield from _reference_differences(record)
    yield from _evidence(record, files)
    yield from _intervals(record)
    if redraw:
        yield from _differences(record, files)


def _latencies(record: Record) -> Iterator[Contradiction]:
    """Percentiles that the raw samples do not give, at any number of threads."""
    of_key: dict[ModelKey, list[Mapping[str, Any]]] = {}
    for timing in record.timings:
        if timing.samples_ms:
            facts = {
                "samples": len(timing.samples_ms),
                "p50_ms": timing.p50_ms,
                "p95_ms": timing.p95_ms,
            }
            of_key.setdefault(timing.key, []).append(facts)
    for result in record.results:
        if result.check == "latency" and result.key in of_key:
            possible = of_key[result.key]
            right = {name: [each[name] for each in possible] for name in possible[0]}
            yield from _measured(result, right, "the raw samples of latency")


def _average_precisions(record: Record) -> Iterator[Contradiction]:
    """Measures of accuracy that the COCO figures do not give."""
    references = {each.model: each for each in record.accuracies if each.variant == REFERENCE}
    for result in record.results:
        own = [each for each in record.accuracies if each.key == result.key]
        reference = references.get(result.model)
        if result.check != "accuracy" or not own or reference is None:
            continue
        drops = [reference.figures.ap - each.figures.ap for each in own]
        right: dict[str, list[Any]] = {
            "reference_ap": [reference.figures.ap],
            "ap": [each.figures.ap for each in own],
            "ap50": [each.figures.ap50 for each in own],
            "ap_drop": [max(drop, 0.0) for drop in drops],
            "ap_gain": [max(-drop, 0.0) for drop in drops],
            "images": [each.images for each in own],
        }
        yield from _measured(result, right, "the COCO figures")


def _operating_points(record: Record) -> Iterator[Contradiction]:
    """Measures of what an app misses that the table of classes and sizes does not give."""
    of_key = {losses.key: losses for losses in record.operating_points}
    source = "the table of the operating point"
    for result in record.results:
        losses = of_key.get(result.key)
        if result.check != "operating_point" or losses is None:
            continue
        if not losses.rows:
            what = f"the operating point of {result.key}"
            yield Contradiction(what, source, "a row of all together", "no row")
            continue
        right = {name: [value] for name, value in losses.figures.items()}
        yield from _measured(result, right, source)


def _reference_differences(record: Record) -> Iterator[Contradiction]:
    """Measures of a given file's contract that the list of its differences does not give."""
    of_key = {each.key: each for each in record.reference_differences}
    for result in record.results:
        found = of_key.get(result.key)
        if result.check == "reference_contract" and found is not None:
            right = {name: [value] for name, value in found.figures.items()}
            yield from _measured(result, right, "the list of differences from the reference")


def _measured(
    result: CheckResult, right: Mapping[str, list[Any]], source: str
) -> Iterator[Contradiction]:
    for measure in result.measures:
        if measure.name in right and measure.value not in right[measure.name]:
            yield Contradiction(
                f"{measure.name} of {result.key}",
                source,
                " or ".join(map(str, right[measure.name])),
                str(measure.value),
            )


def _evidence(record: Record, files: Mapping[str, bytes]) -> Iterator[Contradiction]:
    """Evidence of other images than the record counts, or that gives another AP."""
    # NumPy is for evidence alone: without any, nothing waits for it.
    from validation.coco.matches import parse_matches
    from validation.record.detection_files import parse_detections

    # The file's own figures come before those of other flags, which keep no matches.
    accuracies = {each.key: each for each in reversed(record.accuracies)}
    for each in record.evidence:
        what, source = f"images of {each.key}", each.path
        try:
            data, path = files[each.path], PurePosixPath(each.path)
            if each.content is EvidenceContent.MATCHES:
                matches = parse_matches(data, path)
                images = len(matches.image_ids)
                yield from _of_matches(matches, accuracies.get(each.key), source)
            elif each.content is EvidenceContent.BASELINE_MATCHES:
                images = len(parse_matches(data, path).image_ids)
            else:
                images = len(parse_detections(data, path))
        except ValidationError as error:
            yield Contradiction(what, source, str(error), str(each.images))
            continue
        if images != each.images:
            yield Contradiction(what, source, str(images), str(each.images))


def _of_matches(
    matches: Matches, accuracy: Accuracy | None, source: str
) -> Iterator[Contradiction]:
    """An AP that the matches do not give."""
    from validation.coco.precision import mean_present, precision

    if accuracy is None:
        return
    found, area = precision(matches), matches.areas.index(_ALL_SIZES)
    right, got = mean_present(found[..., area]), accuracy.figures.ap
    if not math.isclose(right, got, abs_tol=_ROUNDING):
        yield Contradiction(f"AP of {accuracy.key}", source, str(right), str(got))


def _intervals(record: Record) -> Iterator[Contradiction]:
    """Intervals of measures that are not those of the difference in AP."""
    found = {each.key: each for each in record.ap_differences}
    for result in record.results:
        difference = found.get(result.key)
        if result.check != "accuracy" or difference is None:
            continue
        for measure in result.measures:
            ap = difference.ap
            right = None if ap is None else interval_of(measure.name, ap)
            if measure.interval != right:
                what = f"interval of {measure.name} of {result.key}"
                source = "the bootstrap of the difference in AP"
                yield Contradiction(what, source, str(right), str(measure.interval))


def _differences(record: Record, files: Mapping[str, bytes]) -> Iterator[Contradiction]:
    """Intervals that the matches do not give, and figures of accuracy that they do not."""
    if not record.ap_differences:
        return
    from validation.coco.intervals import recompute_from, same_difference

    for each in record.ap_differences:
        what, source = f"differences in AP of {each.key}", "the matches that the run kept"
        try:
            right = recompute_from(files, record, each.key)
        except ValidationError as error:
            yield Contradiction(what, source, str(error), str(each.ap))
            continue
        if not same_difference(right, each):
            yield Contradiction(what, source, str(right.ap), str(each.ap))
