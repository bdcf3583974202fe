"""The exported graph, read back and compared with what the OD API's exporter writes."""

from __future__ import annotations

from validation.checks.check import Check
from validation.checks.needs import exported_graph, graph_summary
from validation.comparison.structure import check_export_contract
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole
from validation.workspace.context import CheckContext
from validation.workspace.products import file_sha256


def export_contract(context: CheckContext) -> list[Entry]:
    """The exported graph has the exporter's names, shapes, dtypes and attributes."""
    export = exported_graph(context)
    result = check_export_contract(
        graph_summary(context),
        export.contract,
        context.key,
        add_postprocessing_op=not context.is_raw,
    )
    about = Artefact(
        context.key.model,
        ArtefactRole.EXPORTED_GRAPH,
        context.key.variant,
        export.graph.name,
        file_sha256(export.graph),
        export.graph.stat().st_size,
    )
    return [about, result]


CHECK = Check("export_contract", export_contract, needs=(exported_graph, graph_summary))
