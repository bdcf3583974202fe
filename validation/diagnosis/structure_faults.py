"""What attributes, operators, wiring and scales that differ mean for a detector."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from validation.arrays.relations import Change
from validation.diagnosis.dataflow import Padding
from validation.diagnosis.detector_nodes import DetectorNodes
from validation.diagnosis.file_diff import AttributeFact, FileDiff, OperatorFact, WiringFact
from validation.diagnosis.found_fault import Named, found_fault
from validation.record.diagnosis import Diagnosis, FaultKind
from validation.specs.contracts import DETECTION_ROLES

_CONVERTERS = ("LOGISTIC", "SOFTMAX")
_ARITHMETIC = ("MUL", "ADD", "SUB", "DIV")
_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")
_OF_THE_OP = {
    "max_detections": FaultKind.DETECTIONS,
    "detections_per_class": FaultKind.NMS,
    "max_classes_per_detection": FaultKind.NMS,
    "use_regular_nms": FaultKind.NMS,
    "nms_iou_threshold": FaultKind.NMS,
    "nms_score_threshold": FaultKind.SCORE_THRESHOLD,
}
# Which kind of NMS reads an attribute that the other does not.
_READ_BY_REGULAR = {"detections_per_class": True, "max_classes_per_detection": False}
# Axes of a batch of images.
_MIRRORED = {(1,): FaultKind.MIRRORED, (2,): FaultKind.MIRRORED, (3,): FaultKind.CHANNELS}


def structure_faults(
    diff: FileDiff, nodes: DetectorNodes, of_second: DetectorNodes
) -> Iterator[Diagnosis]:
    """One fault for each fact that is not of a constant.

    Args:
        diff: Two files.
        nodes: Of the first.
        of_second: Of the second.
    """
    namer = Named(diff)
    yield from _attributes(diff, nodes, namer)
    for fact in diff.operators:
        yield _operator(fact, diff, nodes, of_second, namer)
    yield from _wiring(diff, nodes, namer)
    changed = {each.node for each in diff.constants if each.relation.change is not Change.NONE}
    for quantised in diff.quantised:
        if quantised.reader in changed:
            continue  # its constants are not what they were, so they say nothing of what it reads
        spec, first = quantised.second, quantised.first
        where = f"what {namer.node(quantised.node)} writes"
        if quantised.node < 0:
            where = "the input"
        expected: Any = None
        if first is not None:
            expected = _scale_words(first.scale, first.zero_point)
        elif quantised.implied is not None:
            expected = f"scale {quantised.implied:.6g}, by which its own bias is kept"
        else:
            expected = "the zero point of its other ReLUs, which begin at the lowest number"
        got = _scale_words(spec.scale, spec.zero_point)
        kind = FaultKind.NORMALISATION if quantised.node < 0 else FaultKind.QUANTISED_RANGE
        yield found_fault(kind, where, expected=expected, got=got)


def _scale_words(scale: float | None, zero_point: int | None) -> str:
    return f"scale {scale or 0:.6g}, zero point {zero_point}"


def _attributes(diff: FileDiff, nodes: DetectorNodes, namer: Named) -> Iterator[Diagnosis]:
    of_op = [fact for fact in diff.attributes if fact.node == nodes.op]
    scales = [fact for fact in of_op if fact.name in _SCALES]
    if scales and nodes.op is not None:
        ours, theirs = (
            [float(side.nodes[at].attributes[name]) for name in _SCALES]
            for side, at in ((diff.first, nodes.op), (diff.second, diff.pairs[nodes.op]))
        )
        where = ", ".join(fact.name for fact in scales)
        yield found_fault(FaultKind.BOX_SCALES, where, expected=ours, got=theirs)
    for fact in of_op:
        if fact not in scales and _is_read(fact, diff):
            kind = _OF_THE_OP.get(fact.name, FaultKind.OPERATOR_ATTRIBUTE)
            yield found_fault(kind, fact.name, expected=fact.first, got=fact.second)
    for fact in diff.attributes:
        if fact.node == nodes.op:
            continue
        if fact.name == "activation":
            kind, where = FaultKind.ACTIVATION, namer.node(fact.node)
        else:
            where = f"{fact.name} of {namer.op(fact.node)} {namer.node(fact.node)}"
            kind = FaultKind.OPERATOR_ATTRIBUTE
        yield found_fault(kind, where, expected=_plain(fact.first), got=_plain(fact.second))


def _is_read(fact: AttributeFact, diff: FileDiff) -> bool:
    """One kind of NMS leaves alone what only the other reads."""
    if fact.name not in _READ_BY_REGULAR:
        return True
    sides = diff.first.nodes[fact.node], diff.second.nodes[diff.pairs[fact.node]]
    regular = {bool(side.attributes.get("use_regular_nms")) for side in sides}
    return regular == {_READ_BY_REGULAR[fact.name]}


def _plain(value: Any) -> Any:
    """As a record keeps it."""
    if isinstance(value, Padding):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _operator(
    fact: OperatorFact,
    diff: FileDiff,
    nodes: DetectorNodes,
    of_second: DetectorNodes,
    namer: Named,
) -> Diagnosis:
    ours = None if fact.first is None else diff.first.nodes[fact.first]
    theirs = None if fact.second is None else diff.second.nodes[fact.second]
    is_converter = [
        node is not None and node.op in _CONVERTERS and at in side.score_path
        for node, at, side in ((ours, fact.first, nodes), (theirs, fact.second, of_second))
    ]
    if ours is not None and theirs is not None:
        kind = FaultKind.SCORES if any(is_converter) else FaultKind.OPERATOR_EXCHANGED
        return found_fault(kind, ours.name, expected=ours.op, got=theirs.op)
    if ours is not None and fact.first is not None:
        if is_converter[0]:
            return found_fault(FaultKind.SCORES, ours.name, expected=ours.op, got=f"no {ours.op}")
        return found_fault(FaultKind.OPERATOR_MISSING, ours.name, expected=ours.op)
    if theirs is None or fact.second is None:
        raise ValueError("an operator of neither file")
    where = namer.of_second(fact.second)
    if is_converter[1]:
        counts = [
            Counter(side.nodes[at].op for at in path.score_path)[theirs.op]
            for side, path in ((diff.first, nodes), (diff.second, of_second))
        ]
        words = [f"{theirs.op} {_times(count)}" for count in counts]
        return found_fault(FaultKind.SCORES, where, expected=words[0], got=words[1])
    if fact.second in of_second.images:
        of_image = _of_the_image(theirs.op, theirs.attributes.get("input 1"))
        if of_image is not None:
            return found_fault(
                of_image, where, expected="the image as it is", got=f"{theirs.op} of it"
            )
    return found_fault(FaultKind.OPERATOR_ADDED, where, got=theirs.op)


def _times(count: int) -> str:
    return {0: "nowhere", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _of_the_image(op: str, axes: Any) -> FaultKind | None:
    """What an operator between image and network does."""
    if op in _ARITHMETIC:
        return FaultKind.NORMALISATION
    if op == "REVERSE_V2":
        return _MIRRORED.get(axes)
    return {"TRANSPOSE": FaultKind.TRANSPOSED, "GATHER": FaultKind.CHANNELS}.get(op)


def _wiring(diff: FileDiff, nodes: DetectorNodes, namer: Named) -> Iterator[Diagnosis]:
    moved: list[WiringFact] = []
    for fact in diff.wiring:
        if fact.node is None:
            yield from _outputs(fact, nodes, namer)
        elif namer.op(fact.node) == "CONCATENATION" and Counter(fact.first) == Counter(fact.second):
            sides = [[namer.source(each) for each in side] for side in (fact.first, fact.second)]
            yield found_fault(
                FaultKind.CONCATENATION, namer.node(fact.node), expected=sides[0], got=sides[1]
            )
        else:
            moved.append(fact)
    if not moved:
        return
    fact = moved[0]
    pairs = itertools.zip_longest(fact.first, fact.second)
    differing = ((one, other) for one, other in pairs if one != other)
    ours, theirs = next(differing, (None, None))
    yield found_fault(
        FaultKind.OPERATOR_ORDER,
        f"{namer.op(fact.node or 0)} {namer.node(fact.node or 0)} reads",
        expected=namer.source(ours),
        got=namer.source(theirs),
        count=len(moved),
    )


def _outputs(fact: WiringFact, nodes: DetectorNodes, namer: Named) -> Iterator[Diagnosis]:
    if Counter(fact.first) != Counter(fact.second):
        return
    sides = [
        [_role(each, nodes, namer) for each in side if each is not None]
        for side in (fact.first, fact.second)
    ]
    yield found_fault(FaultKind.OUTPUT_ORDER, "outputs", expected=sides[0], got=sides[1])


def _role(source: tuple[int, int], nodes: DetectorNodes, namer: Named) -> str:
    node, slot = source
    if node == nodes.op and slot < len(DETECTION_ROLES):
        return DETECTION_ROLES[slot]
    return namer.source(source)
