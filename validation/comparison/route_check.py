"""What the routes to one model come to: parts that differ, then what two routes compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from validation.comparison.route_differences import is_flag
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.diagnosis import Diagnosis, FaultKind
from validation.record.diagnosis_words import describe_diagnosis
from validation.record.types import CheckResult, Measure, ModelKey

_CHECK = "route_parity"
_SAID = 3
_EQUAL_PARTS = (
    "preprocessing, weights, operators, anchors and post-processing of the routes were compared "
    "and are equal, and raw outputs differ: look at how the operators are connected"
)

_DIFFERENT = "the archive's files describe different models"


def check_routes(
    found: Sequence[Diagnosis],
    compared: Sequence[str],
    outputs: CheckResult | None,
    policy: Policy,
    key: ModelKey,
) -> CheckResult:
    """All files state the same parts, and two routes compute the same.

    Args:
        found: Parts that the files do not state alike.
        compared: Names of the files.
        outputs: Raw outputs and anchors of two routes compared; None where one can be run.
        policy: Has the limits.
        key: Model and variant.
    """
    flags = sum(map(is_flag, found))
    parts = {"differing_parts": len(found) - flags, "differing_flags": flags}
    measures = Measure.limited(parts, policy, _CHECK, key)
    said = f"compared: {', '.join(compared)}" if compared else "nothing else to compare it with"
    if outputs is None:
        return _with_cause(CheckResult.judged(_CHECK, key, measures, message=said), found)
    if not outputs.measures:
        # They could not be compared at all, and that is a failure whatever the parts are.
        return _with_cause(dataclasses.replace(outputs, measures=measures), found)
    message = f"{outputs.message}; {said}"
    if outputs.status is Status.FAIL and not found:
        message = f"{_EQUAL_PARTS}; {message}"
    judged = (*outputs.measures, *measures)
    result = CheckResult.judged(_CHECK, key, judged, where=outputs.where, message=message)
    return _with_cause(result, found)


def could_not_be_run(found: Sequence[Diagnosis], error: object, key: ModelKey) -> CheckResult:
    """The parts that differ are why one of the routes cannot be run."""
    return _with_cause(CheckResult.failed(_CHECK, key, str(error)), found)


def _with_cause(result: CheckResult, found: Sequence[Diagnosis]) -> CheckResult:
    """What is wrong goes before what it does to the outputs."""
    if not found:
        return result
    words = "; ".join(map(describe_diagnosis, found[:_SAID]))
    more = f"; and {len(found) - _SAID} more" if len(found) > _SAID else ""
    is_of_one = all(each.fault is FaultKind.NOT_FINITE for each in found)
    what = "the archive's own numbers" if is_of_one else _DIFFERENT
    message = f"{what}: {words}{more}; {result.message}"
    return dataclasses.replace(result, message=message)
