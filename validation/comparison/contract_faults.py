"""What a graph's contents say is wrong with it, beside the measures that judge them."""

from __future__ import annotations

from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import ModelKey
from validation.specs.contracts import GraphSummary


def faults_of_summary(summary: GraphSummary, place: Place, key: ModelKey) -> list[Diagnosis]:
    """Batch norm that still normalises by its batch; the converter folds only the other form.

    Args:
        summary: Of an exported graph.
        place: Of the graph that was exported.
        key: Model and variant.
    """
    if not summary.training_batch_norms:
        return []
    return [
        Diagnosis(
            key.model,
            key.variant,
            FaultKind.OPERATOR_ATTRIBUTE,
            place,
            DiagnosedBy.CONTRACT,
            where="is_training of batch norm",
            expected=False,
            got=True,
            count=summary.training_batch_norms,
            file=key.file,
            next_step="export the graph for inference: is_training=False",
        )
    ]
