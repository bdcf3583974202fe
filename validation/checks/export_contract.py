"""The exported graph, read back and compared with what the OD API's exporter writes."""

from __future__ import annotations

from validation.comparison.contract_faults import faults_of_summary
from validation.comparison.structure import check_export_contract
from validation.record.lines import Entry
from validation.record.run import ArtefactRole
from validation.workspace.context import CheckContext
from validation.workspace.reference import place_of_export


def export_contract(context: CheckContext) -> list[Entry]:
    """The exported graph has the exporter's names, shapes, dtypes and attributes."""
    export = context.exported
    summary = context.build.summary(add_postprocessing_op=not context.is_raw)
    result = check_export_contract(
        summary, export.contract, context.key, add_postprocessing_op=not context.is_raw
    )
    place = place_of_export(context.build.archive)
    faults = faults_of_summary(summary, place, context.key)
    return [context.artefact(ArtefactRole.EXPORTED_GRAPH, export.graph), *faults, result]
