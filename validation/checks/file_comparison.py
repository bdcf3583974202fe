"""A given file that a check does not pass, compared part by part with the reference's own file.

The conversion of a graph takes seconds, and a float file that passes has nothing to explain; a
quantised one is compared always.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.file_diagnoses import file_diagnoses
from validation.diagnosis.file_diff import file_diff
from validation.errors import ValidationError, first_few
from validation.files.digest import file_sha256
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.diagnosis import Diagnosis, FaultKind, of_subject
from validation.record.diagnosis_words import describe_diagnosis
from validation.record.lines import Entry
from validation.record.types import CheckResult, Measure
from validation.specs.references import ReferenceKind
from validation.specs.variants import Scheme, variant_of
from validation.workspace.context import CheckContext

_FEW = 2
_SCALES = (FaultKind.QUANTISED_RANGE, FaultKind.NORMALISATION)


def faults_of_file(context: CheckContext, entries: Sequence[Entry]) -> tuple[Diagnosis, ...]:
    """What was done to the file under test, where a check found that something was.

    Args:
        context: Of the check.
        entries: That it gave.

    Returns:
        Nothing where the check passed or compared nothing, or without another file to compare with.
    """
    results = [each for each in entries if isinstance(each, CheckResult)]
    if context.given is None or not any(map(_found_something, results)):
        return ()
    try:
        reference = _reference_file(context)
        found = () if reference is None else _with(context, reference)
    except ValidationError:
        # What cannot be converted or read is said by the checks themselves.
        return ()
    return of_subject((*found, *_of_scales(context, found)), context.key)


def with_differing_parts(context: CheckContext, result: CheckResult) -> CheckResult:
    """The result of a given quantised file, with how much was done to its constants and operators.

    Eight bits hide what is done to a few weights from every figure of the outputs: a layer of four
    bits costs less than what another calibration does.
    """
    if context.given is None or not result.measures:
        return result
    try:
        reference = _reference_file(context)
        found = () if reference is None else _with(context, reference)
    except ValidationError as error:
        return dataclasses.replace(
            result, message=f"{result.message}; constants were not compared: {error}"
        )
    return result if reference is None else parts_judged(result, found, context.policy)


def parts_judged(result: CheckResult, found: Sequence[Diagnosis], policy: Policy) -> CheckResult:
    """A result with the number of parts that are not those of the reference's own file.

    Args:
        result: Of the outputs.
        found: What was done to the file.
        policy: Has the limit of ``differing_parts``.
    """
    parts = {"differing_parts": sum(each.count for each in found)}
    measures = Measure.limited(parts, policy, result.check, result.key)
    message = result.message
    if found:
        words = [describe_diagnosis(each) for each in found]
        message = f"{message}; other than the reference's own file: {first_few(words, _FEW)}"
    return CheckResult.judged(
        result.check,
        result.key,
        (*result.measures, *measures),
        where=result.where,
        message=message,
    )


def _found_something(result: CheckResult) -> bool:
    """What is UNKNOWN without a measure was not compared at all."""
    return result.status is not Status.PASS and (
        result.status is not Status.UNKNOWN or bool(result.measures)
    )


def _with(context: CheckContext, reference: Path) -> tuple[Diagnosis, ...]:
    subject = context.subject.path
    key = file_sha256(reference), file_sha256(subject)
    return _compared(reference, subject, key, DifferenceRules.of(context.policy))


def _of_scales(context: CheckContext, found: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
    """Where nothing else differs, scales beside those of a calibration made here."""
    form = variant_of(context.key.variant)
    is_of_graph = context.reference.kind is ReferenceKind.GRAPH
    if found or form.scheme is not Scheme.INT8 or not is_of_graph:
        return ()
    try:
        others = _with(context, context.build.tflite(form.name))
    except ValidationError:  # there are no images to calibrate with
        return ()
    return tuple(each for each in others if each.fault in _SCALES)


@functools.lru_cache(maxsize=4)
def _compared(
    reference: Path,
    subject: Path,
    key: tuple[str, str],  # noqa: ARG001 - of the bytes, which several checks compare
    rules: DifferenceRules,
) -> tuple[Diagnosis, ...]:
    return file_diagnoses(file_diff(reference, subject), rules)


def _reference_file(context: CheckContext) -> Path | None:
    """Another .tflite as it is; of a graph its conversion, with floats where those say as much.

    Scales of computed tensors are the graph's own only where it was trained with them.
    """
    reference = context.reference
    if reference.kind is ReferenceKind.TFLITE:
        return reference.path
    if reference.kind is not ReferenceKind.GRAPH:
        return None
    form = variant_of(context.key.variant)
    trained_so = form.scheme is Scheme.UINT8 and context.build.entry.quantised
    if trained_so:
        return context.build.tflite(form.name)
    return context.build.tflite("float" if form.add_postprocessing_op else "raw")
