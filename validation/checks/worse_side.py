"""Which of two sides that disagree the labels refute: a diagnosis goes to that one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from validation.checks.confirmed_parts import shared_places
from validation.checks.label_relation import some_labelled
from validation.diagnosis.agreement import Found, RestoreRules, is_gain, objects_found
from validation.record.diagnosis import Diagnosis, FaultKind
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext


def in_the_worse_side(
    context: CheckContext,
    found: Sequence[Diagnosis],
    reference: Found,
    candidate: Found,
    rules: RestoreRules,
) -> tuple[Diagnosis, ...]:
    """Diagnoses of a file, in its reference where the labels say that the file is right.

    A graph's own post-processing may be wrong, and the file, which has the op's, right.

    Args:
        context: Of the check.
        found: What explains the disagreement, as a fault of the file.
        reference: Detections of each image.
        candidate: Alike.
        rules: Say what is a gain on labels.
    """
    dataset = context.dataset
    if not found or dataset is None or context.reference.kind is not ReferenceKind.GRAPH:
        return tuple(found)
    own = some_labelled(context, dataset, reference.keys() & candidate.keys())
    theirs, ours = (objects_found(own, side) for side in (reference, candidate))
    if not own or not is_gain(theirs, ours, rules):
        return tuple(found)
    place = shared_places(context).layers
    return tuple(_of_reference(dataclasses.replace(each, place=place)) for each in found)


def _of_reference(diagnosis: Diagnosis) -> Diagnosis:
    """What was found of the file, said of what it differs from."""
    if diagnosis.fault is not FaultKind.CLASS_SHIFT:
        # An order of coordinates, undone, is the same order.
        return diagnosis
    return dataclasses.replace(diagnosis, expected=diagnosis.got, got=diagnosis.expected)
