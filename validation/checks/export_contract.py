"""The exported graph, read back and compared with what the OD API's exporter writes."""

from __future__ import annotations

from validation.comparison.structure import check_export_contract
from validation.record.lines import Entry
from validation.record.run import ArtefactRole
from validation.workspace.context import CheckContext


def export_contract(context: CheckContext) -> list[Entry]:
    """The exported graph has the exporter's names, shapes, dtypes and attributes."""
    export = context.exported
    result = check_export_contract(
        context.build.summary(add_postprocessing_op=not context.is_raw),
        export.contract,
        context.key,
        add_postprocessing_op=not context.is_raw,
    )
    return [context.artefact(ArtefactRole.EXPORTED_GRAPH, export.graph), result]
