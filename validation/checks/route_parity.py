"""Two routes to one model: the archive's own graph, and the one built from pipeline.config."""

from __future__ import annotations

import dataclasses

from validation.checks.both_sides import reference_outputs, without_batch
from validation.comparison.tensors import compare_tensors
from validation.errors import ConfigError
from validation.export.exported import ExportedGraph, read_anchors
from validation.policy.limits import Status
from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.specs.contracts import ANCHORS_NAME
from validation.workspace.context import CheckContext
from validation.workspace.sides import Arrays

NO_CONFIG = "the archive has no pipeline.config, so there is no second route to compare with"


def route_parity(context: CheckContext) -> list[Entry]:
    """The archive's graph and the one that its pipeline.config describes are one model.

    Judged in TensorFlow on both sides, so that a disagreement is not blamed on TFLite.
    """
    if reason := no_second_route(context):
        return [CheckResult.unknown("route_parity", context.key, reason)]
    own = _with_anchors(
        reference_outputs(context), context.build.exported(add_postprocessing_op=False)
    )
    result = compare_tensors(
        own, second_route(context), policy=context.policy, key=context.key, check="route_parity"
    )
    if result.status is Status.FAIL:
        cause = f"checkpoint and config disagree with the inference graph: {_half(result)}"
        result = dataclasses.replace(result, message=f"{cause}; {result.message}")
    return [result]


def no_second_route(context: CheckContext) -> str:
    """Why there is no other graph to compare with; empty where there is one."""
    if context.build.archive.pipeline_config is None:
        return NO_CONFIG
    try:
        context.build.built_export()
    except ConfigError as error:
        return f"no second route: {error}"
    return ""


def second_route(context: CheckContext) -> Arrays:
    """Raw outputs and anchors of the graph that pipeline.config describes, in a session."""
    built = context.build.built_export()
    count = len(context.parity_images)
    return _with_anchors(context.inference.session_raw_outputs(count, built), built)


def _half(result: CheckResult) -> str:
    """Which of the two to look at: anchors come from the config alone, raw outputs do not."""
    beyond = {
        measure.name.startswith(ANCHORS_NAME)
        for measure in result.measures
        if measure.status is Status.FAIL
    }
    if beyond == {True}:
        return "only the anchors differ, so look at anchor_generator in pipeline.config"
    if beyond == {False}:
        return "the anchors agree, so look at the weights of the checkpoint"
    return "anchors and raw outputs differ, or cannot be compared"


def _with_anchors(outputs: Arrays, export: ExportedGraph) -> Arrays:
    return {**without_batch(outputs), ANCHORS_NAME: read_anchors(export)}
