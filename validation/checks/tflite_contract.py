"""The .tflite file, read back from its flatbuffer."""

from __future__ import annotations

from validation.checks.check import Check
from validation.checks.needs import exported_graph, float_counterpart, tflite
from validation.comparison.structure import check_tflite_contract
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole
from validation.runtimes.tflite import TfliteRuntime
from validation.workspace.context import CheckContext
from validation.workspace.products import file_sha256


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
        input_stats=context.build.input_stats(context.key.variant),
        float_counterpart=float_counterpart(context),
    )
    about = Artefact(
        context.key.model,
        ArtefactRole.TFLITE,
        context.key.variant,
        path.name,
        file_sha256(path),
        path.stat().st_size,
    )
    return [about, result]


CHECK = Check("tflite_contract", tflite_contract, needs=(exported_graph, tflite, float_counterpart))
