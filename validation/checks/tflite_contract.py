"""The .tflite file, read back from its flatbuffer."""

from __future__ import annotations

from validation.checks.needs import exported_graph, float_counterpart, tflite
from validation.comparison.structure import check_tflite_contract
from validation.record.lines import Entry
from validation.record.run import ArtefactRole
from validation.runtimes.tflite import TfliteRuntime
from validation.workspace.context import CheckContext


def tflite_contract(context: CheckContext) -> list[Entry]:
    """The .tflite file has the names, order, shapes, dtypes and op attributes it must have."""
    path = tflite(context)
    with TfliteRuntime(path) as runtime:
        outputs = runtime.outputs
    result = check_tflite_contract(
        context.build.tflite_file(context.key.variant),
        outputs,
        exported_graph(context).contract,
        context.key,
        policy=context.policy,
        input_stats=context.build.stats_of(context.key.variant),
        float_counterpart=float_counterpart(context),
    )
    return [context.artefact(ArtefactRole.TFLITE, path), result]
