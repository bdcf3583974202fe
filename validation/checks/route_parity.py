"""Every route to a model that its archive has: its parts compared, then what they compute."""

from __future__ import annotations

from validation.checks.both_sides import reference_outputs, without_batch
from validation.comparison.route_check import check_routes, could_not_be_run
from validation.comparison.tensors import compare_tensors
from validation.errors import ValidationError
from validation.export.exported import ExportedGraph, read_anchors
from validation.record.diagnosis import Diagnosis, FaultKind, of_subject
from validation.record.lines import Entry
from validation.record.stopped import diagnoses_of_error
from validation.record.types import CheckResult
from validation.specs.contracts import ANCHORS_NAME
from validation.workspace.context import CheckContext
from validation.workspace.routes import RouteFindings, second_route
from validation.workspace.sides import Arrays

_CHECK = "route_parity"


def route_parity(context: CheckContext) -> list[Entry]:
    """All files of the archive that describe the model's graph describe one model.

    Judged in TensorFlow on both sides, so that a disagreement is not blamed on TFLite.
    """
    findings = context.routes
    found = list(of_subject(findings.diagnoses, context.key))
    if not found and (findings.config_error or not findings.compared):
        return _without_findings(context, findings)
    return [*found, _judged(context, findings, found)]


def _without_findings(context: CheckContext, findings: RouteFindings) -> list[Entry]:
    """Nothing was compared, or not what the config says."""
    if findings.config_error:
        # An error that is not the config's own ends the check, and names checkpoint or graph.
        try:
            context.build.built_export()
        except ValidationError as error:
            if not findings.config_is_unsupported:
                raise
            # What this harness cannot build is no fault of the config.
            faults = [
                each
                for each in diagnoses_of_error(error, context.key, _CHECK)
                if each.fault is not FaultKind.UNSUPPORTED
            ]
            unknown = CheckResult.unknown(_CHECK, context.key, f"no second route: {error}")
            return [*faults, unknown]
    reasons = "; ".join([*findings.missing_in_words(), *findings.unreadable])
    return [CheckResult.unknown(_CHECK, context.key, f"there is no second route: {reasons}")]


def _judged(context: CheckContext, findings: RouteFindings, found: list[Diagnosis]) -> CheckResult:
    try:
        outputs = _outputs(context, findings)
    except ValidationError as error:
        if not found:
            raise
        return could_not_be_run(found, error, context.key)
    return check_routes(found, findings.compared, outputs, context.policy, context.key)


def _outputs(context: CheckContext, findings: RouteFindings) -> CheckResult | None:
    """Raw outputs and anchors of two routes compared; None where one alone can be run."""
    build = context.build
    second = second_route(build.name, build.archive, build.built_export, findings, build.work)
    if second is None:
        return None
    own = _with_anchors(
        reference_outputs(context), context.build.exported(add_postprocessing_op=False)
    )
    other = context.inference.session_raw_outputs(len(context.parity_images), second)
    return compare_tensors(
        own,
        _with_anchors(other, second),
        policy=context.policy,
        key=context.key,
        check=_CHECK,
    )


def _with_anchors(outputs: Arrays, export: ExportedGraph) -> Arrays:
    return {**without_batch(outputs), ANCHORS_NAME: read_anchors(export)}
