"""Flags that a shipped tflite_graph.pb was exported with, beside those of its evaluation."""

from __future__ import annotations

import dataclasses

from validation.comparison.evidence_rules import ChangedFlag
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.types import Accuracy
from validation.workspace.context import CheckContext
from validation.workspace.model_build import EVALUATION

_DETECTIONS = "max_detections"


def shipped_flags(context: CheckContext) -> tuple[ChangedFlag, ...]:
    """Attributes of the file's op that are not those of the evaluation; empty where all are."""
    if not context.has_shipped_flags:
        return ()
    shipped = dataclasses.asdict(context.exported.contract.postprocess)
    evaluated = dataclasses.asdict(context.build.exported(EVALUATION).contract.postprocess)
    return tuple(
        ChangedFlag(name, shipped[name], evaluated[name])
        for name in shipped
        if shipped[name] != evaluated[name]
    )


def cost_of_flags(context: CheckContext, shipped: Accuracy, evaluated: Accuracy) -> list[Diagnosis]:
    """What AP the file has as it ships, and with the flags of the evaluation.

    Args:
        context: Of a file with the flags of a shipped graph.
        shipped: Of the file.
        evaluated: Of the same with the other flags.
    """
    flags = shipped_flags(context)
    detections = [each for each in flags if each.name == _DETECTIONS]
    others = [each for each in flags if each.name != _DETECTIONS]
    key = context.key
    first = (detections or others)[0]
    return [
        Diagnosis(
            key.model,
            key.variant,
            FaultKind.DETECTIONS if detections else FaultKind.NMS,
            Place.SHIPPED_GRAPH,
            DiagnosedBy.HYPOTHESIS,
            where=", ".join(each.name for each in flags),
            expected=first.evaluated,
            got=first.shipped,
            measure="AP",
            before=shipped.figures.ap,
            after=evaluated.figures.ap,
            # All flags are undone together: which of them costs it is not known.
            ties=(FaultKind.NMS,) if detections and others else (),
        )
    ]
