"""The faults of a .tflite file, by another file of the same model that says what is right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from validation.comparison.anchor_changes import anchor_difference, differing_rows
from validation.comparison.difference_rules import DifferenceRules
from validation.diagnosis.constant_faults import constant_faults
from validation.diagnosis.detector_nodes import detector_nodes
from validation.diagnosis.file_diff import FileDiff
from validation.diagnosis.found_fault import found_fault, grouped
from validation.diagnosis.structure_faults import structure_faults
from validation.errors import first_few
from validation.record.diagnosis import Diagnosis, FaultKind
from validation.record.difference_facts import AnchorChange
from validation.record.difference_words import anchor_rows

_ANCHORS = 2
_FEW = 4


def file_diagnoses(diff: FileDiff, rules: DifferenceRules) -> tuple[Diagnosis, ...]:
    """What was done to the second file, one entry a fault; of no subject yet.

    Args:
        diff: The file under test is the second.
        rules: Say what is rounding of anchors.

    Returns:
        Nothing where the two are of different models.
    """
    if not diff.is_one_model:
        return ()
    nodes, of_second = detector_nodes(diff.first), detector_nodes(diff.second)
    return grouped(
        [
            *constant_faults(diff, nodes),
            *_anchors(diff, nodes.op, rules),
            *structure_faults(diff, nodes, of_second),
        ]
    )


def _anchors(diff: FileDiff, op: int | None, rules: DifferenceRules) -> Iterator[Diagnosis]:
    if op is None or op not in diff.pairs:
        return
    tensors = [
        side.nodes[at].weights.get(_ANCHORS)
        for side, at in ((diff.first, op), (diff.second, diff.pairs[op]))
    ]
    stored = [
        None if tensor is None else side.constants.read(tensor)
        for side, tensor in zip((diff.first, diff.second), tensors, strict=True)
    ]
    if stored[0] is None or stored[1] is None:
        return
    tables = [each.real.astype(np.float32) for each in stored if each is not None]
    if any(table.ndim != 2 or table.shape[1] != 4 for table in tables):
        return
    step = max(float(each.step.max(initial=0)) for each in stored if each is not None)
    facts = anchor_difference(*tables, step=step, rules=rules)
    if facts is None:
        return
    if facts.change is AnchorChange.COUNT:
        yield found_fault(
            FaultKind.ANCHORS, "anchors", got=f"{facts.got} instead of {facts.expected}"
        )
        return
    where, got = "anchors", anchor_rows(facts)
    if facts.change is AnchorChange.SOME_ROWS:
        rows = np.flatnonzero(differing_rows(*tables, step=step, rules=rules))
        where = f"row {first_few([str(each) for each in rows], _FEW)}"
        got += f", at {where}"
    yield found_fault(FaultKind.ANCHORS, where, got=got)
