"""The .tflite file, read back from its flatbuffer."""

from __future__ import annotations

from validation.checks.judged_files import files_beside, judged_file
from validation.comparison.structure import check_tflite_contract
from validation.errors import ValidationError
from validation.policy.limits import Status
from validation.record.lines import Entry
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.variants import variant_of
from validation.tflite.facts import TfliteFile
from validation.workspace.context import CheckContext


def tflite_contract(context: CheckContext) -> list[Entry]:
    """The .tflite file has the names, order, shapes, dtypes and op attributes it must have."""
    path = context.subject.path
    with TfliteRuntime(path) as runtime:
        outputs = runtime.outputs
    result = check_tflite_contract(
        context.build.tflite_file(context.key.variant),
        outputs,
        context.exported.contract,
        context.key,
        policy=context.policy,
        input_stats=context.build.stats_of(context.key.variant),
        float_counterpart=_float_counterpart(context),
    )
    judged = judged_file(context, path)
    try:
        beside = files_beside(context, judged)
    except ValidationError:
        # Of a file that is not what it must be, the result says more.
        if result.status is not Status.FAIL:
            raise
        beside = []
    return [judged, *beside, result]


def _float_counterpart(context: CheckContext) -> TfliteFile | None:
    """The float file that ends as a quantised variant does; None for a float variant."""
    if not variant_of(context.key.variant).is_quantised:
        return None
    return context.build.tflite_file("raw" if context.is_raw else "float")
