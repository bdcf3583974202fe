"""What constants that differ mean for a detector."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from validation.arrays.relations import Change, Relation
from validation.diagnosis.detector_nodes import DetectorNodes, column_order, columns_of
from validation.diagnosis.file_diff import ConstantFact, FileDiff
from validation.diagnosis.found_fault import (
    BIAS,
    INPUTS,
    KERNEL,
    KERNELS,
    OUTPUTS,
    Named,
    axis_name,
    found_fault,
)
from validation.diagnosis.widespread_faults import (
    fault_of_all,
    is_rounded,
    rounding_faults,
)
from validation.errors import first_few
from validation.record.diagnosis import Diagnosis, FaultKind, Place
from validation.record.formatting import number, plural

_RGB = "RGB"
_BOX = ("y", "x", "h", "w")
_FEW = 4
# A bias that is lower by so much takes a score from anything to next to nothing.
_LOST = 5.0
# Rounding of a factor that is none.
_ONE = 1e-3


def constant_faults(diff: FileDiff, nodes: DetectorNodes) -> Iterator[Diagnosis]:
    """One fault for each thing that was done, but for the anchors."""
    facts = [
        fact
        for fact in diff.constants
        if fact.node != nodes.op and fact.relation.change is not Change.NONE
    ]
    every = [fact for fact in diff.constants if fact.node != nodes.op]
    namer = Named(diff)
    wrong = [fact for fact in facts if fact.relation.change is Change.NOTHING_RIGHT]
    for fact in wrong:
        where = f"{plural(fact.relation.differing, 'value')} of {namer.constant(fact)}"
        yield found_fault(FaultKind.NOT_FINITE, where, place=Place.ARCHIVE)
    facts = [fact for fact in facts if fact not in wrong]
    rounds = sum(fact.relation.change is Change.ROUNDED for fact in facts)
    rounded = [fact for fact in facts if is_rounded(fact, all_are=rounds > len(facts) / 2)]
    yield from rounding_faults(rounded, namer, len(every))
    facts = [fact for fact in facts if fact not in rounded]
    whole = fault_of_all(facts, every, namer)
    if whole is not None:
        yield whole
        return
    by_node: dict[int, dict[int, ConstantFact]] = {}
    for fact in facts:
        by_node.setdefault(fact.node, {})[fact.place] = fact
    reordered = {
        node: _as_order(each[KERNEL]).order for node, each in by_node.items() if KERNEL in each
    }
    for node, found in by_node.items():
        judge = _NodeFaults(diff, nodes, namer, node, found, reordered)
        yield from judge.faults()


class _NodeFaults:
    """Of one node that has constants of its own."""

    def __init__(
        self,
        diff: FileDiff,
        nodes: DetectorNodes,
        namer: Named,
        node: int,
        facts: dict[int, ConstantFact],
        reordered: dict[int, tuple[int, ...]],
    ) -> None:
        self._diff, self._nodes, self._namer, self._node = diff, nodes, namer, node
        self._facts, self._reordered = facts, reordered
        self._op = namer.op(node)

    def faults(self) -> Iterator[Diagnosis]:
        """Kernel and bias together where one thing was done to both."""
        kernel, bias = self._facts.get(KERNEL), self._facts.get(BIAS)
        if self._op not in KERNELS:
            kernel = bias = None
        if kernel is not None:
            fault = self._of_kernel(kernel, bias)
            if fault is not None:
                yield fault
            if bias is not None and not self._goes_with(kernel.relation, bias.relation):
                yield self._plain(bias)
        elif bias is not None:
            yield self._plain(bias)
        for place, fact in self._facts.items():
            if self._op not in KERNELS or place not in (KERNEL, BIAS):
                yield self._plain(fact)

    def _goes_with(self, kernel: Relation, bias: Relation) -> bool:
        """The bias was moved or scaled as its channels were."""
        if kernel.change in (Change.ORDER, Change.REVERSED):
            order = kernel.order or tuple(range(bias.size))[::-1]
            return bias.order == order or (
                bias.change is Change.REVERSED and order == tuple(range(bias.size))[::-1]
            )
        if kernel.change is bias.change is Change.FACTOR:
            return abs(kernel.values[0] - bias.values[0]) <= _ONE * abs(kernel.values[0])
        # Batch norm is folded into both.
        return kernel.change is Change.CHANNEL_FACTORS or kernel.change is Change.OTHER

    def _of_kernel(self, fact: ConstantFact, bias: ConstantFact | None) -> Diagnosis | None:
        relation = _as_order(fact)
        if relation.change is Change.ORDER:
            return self._of_order(fact, relation)
        is_first = self._node in self._nodes.images
        scales = relation.change is Change.FACTOR or (
            relation.change is Change.CHANNEL_FACTORS
            and axis_name(self._op, relation.axis) == INPUTS
        )
        whole_layer = bias is not None and bias.relation.change is Change.FACTOR
        if is_first and scales and not whole_layer:
            return found_fault(
                FaultKind.NORMALISATION,
                self._namer.constant(fact),
                expected="pixels times 1",
                got=f"pixels times {', '.join(map(number, relation.values))} in the first kernel",
                ties=(FaultKind.WEIGHTS_FACTOR,),
            )
        return self._plain(fact)

    def _of_order(self, fact: ConstantFact, relation: Relation) -> Diagnosis | None:
        axis, order = relation.axis, relation.order
        named = axis_name(self._op, axis)
        if self._node in self._nodes.images and (found := self._of_channels(relation)):
            return found
        sources = [each for each, _ in self._diff.first.nodes[self._node].sources]
        if named == INPUTS and any(self._reordered.get(each) == order for each in sources):
            # What writes them was reordered alike: nothing more is wrong here.
            return None
        if named == OUTPUTS and self._node in self._nodes.classes:
            columns = column_order(order, self._nodes.num_columns)
            if columns is not None:
                return _of_classes(columns, self._namer.constant(fact))
        if named == OUTPUTS and self._node in self._nodes.boxes:
            columns = column_order(order, len(_BOX))
            if columns is not None:
                return found_fault(
                    FaultKind.BOX_AXES,
                    self._namer.constant(fact),
                    expected=list(_BOX),
                    got=[_BOX[each] for each in columns],
                )
        return self._plain(fact)

    def _of_channels(self, relation: Relation) -> Diagnosis | None:
        """Of the image: the first kernel reads them last, a depthwise one writes them in turn."""
        order: tuple[int, ...] | None = relation.order
        if self._op == "DEPTHWISE_CONV_2D" and relation.axis == 3 and len(relation.order) % 3 == 0:
            each = len(relation.order) // 3
            order = tuple(source // each for source in relation.order[::each])
            made = tuple(source * each + copy for source in order for copy in range(each))
            readers = self._diff.first.readers().get(self._node, ())
            is_read_so = any(self._reordered.get(each) == relation.order for each in readers)
            order = order if made == relation.order and is_read_so else None
        elif axis_name(self._op, relation.axis) != INPUTS:
            return None
        if order is None or len(order) != len(_RGB):
            return None
        got = "".join(_RGB[source] for source in order)
        where = f"axis {relation.axis} of the first kernel"
        return found_fault(FaultKind.CHANNELS, where, expected=_RGB, got=f"{got} by {where}")

    def _lost_classes(self, fact: ConstantFact) -> str:
        """Classes whose filters are zero, or whose bias no filter makes up for."""
        relation = fact.relation
        if self._node not in self._nodes.classes:
            return ""
        if relation.change is Change.CHANNEL_FACTORS and relation.axis == 0:
            places = [at for at, each in enumerate(relation.values) if abs(each - 1) > _ONE]
            is_lost = bool(places) and all(abs(relation.values[at]) < _ONE for at in places)
        else:
            places = list(relation.places) if fact.place == BIAS else []
            ours, theirs = self._read(fact) if places else ([], [])
            is_lost = bool(places) and all(theirs[at] < ours[at] - _LOST for at in places)
        columns = columns_of(places, self._nodes.num_columns) if is_lost else ()
        return f"class {', '.join(map(str, columns))}" if columns else ""

    def _read(self, fact: ConstantFact) -> tuple[Any, Any]:
        """Real values of a constant in both files."""
        diff = self._diff
        tensors = (
            diff.first.nodes[fact.node].weights[fact.place],
            diff.second.nodes[diff.pairs[fact.node]].weights[fact.place],
        )
        sides = zip((diff.first, diff.second), tensors, strict=True)
        ours, theirs = (side.constants.read(tensor) for side, tensor in sides)
        return (() if ours is None else ours.real), (() if theirs is None else theirs.real)

    def _plain(self, fact: ConstantFact) -> Diagnosis:
        """By what was done alone."""
        relation, named = fact.relation, self._namer.constant(fact)
        lost = self._lost_classes(fact)
        if lost:
            return found_fault(FaultKind.CLASS_LOST, lost)
        if fact.exchanged_with is not None:
            got = f"that of {self._namer.node(fact.exchanged_with)}"
            return found_fault(FaultKind.WEIGHTS_PERMUTED, named, got=got)
        if relation.change is Change.NOT_FINITE:
            where = f"{plural(relation.differing, 'value')} of {named}"
            return found_fault(FaultKind.NOT_FINITE, where)
        axis = axis_name(self._op, relation.axis) if fact.place == KERNEL else "channels"
        if relation.change in (Change.REVERSED, Change.ORDER, Change.AXES, Change.SHUFFLED):
            return found_fault(FaultKind.WEIGHTS_PERMUTED, named, got=self._moved(fact, axis))
        if relation.change is Change.FACTOR:
            return found_fault(
                FaultKind.WEIGHTS_FACTOR, named, expected=1.0, got=relation.values[0]
            )
        if relation.change is Change.CHANNEL_FACTORS:
            return self._factors(relation, named, axis)
        return found_fault(FaultKind.WEIGHTS, f"{named}, {self._values(fact, axis)}")

    def _moved(self, fact: ConstantFact, axis: str) -> str:
        relation = fact.relation
        if relation.change is Change.REVERSED:
            return f"{axis} reversed (axis {relation.axis})"
        if relation.change is Change.SHUFFLED:
            return "the same values in other places"
        if relation.change is Change.AXES:
            other = axis_name(self._op, relation.other_axis)
            return f"{axis} and {other} exchanged (axes {relation.axis} and {relation.other_axis})"
        moved = [(at, each) for at, each in enumerate(relation.order) if at != each]
        pairs = first_few([f"{at} is {each}" for at, each in moved], _FEW)
        return f"{axis} (axis {relation.axis}): {pairs}"

    def _factors(self, relation: Relation, named: str, axis: str) -> Diagnosis:
        changed = [
            (at, each) for at, each in enumerate(relation.values) if abs(each - 1) > _ONE
        ] or list(enumerate(relation.values))
        if len(changed) <= _FEW:
            places = ", ".join(str(at) for at, _ in changed)
            where = f"{self._place_words([at for at, _ in changed], axis, places)} of the {named}"
            values = sorted({float(f"{each:.4g}") for _, each in changed})
            got: float | list[float] | str = values[0] if len(values) == 1 else values
        else:
            where = f"{len(changed)} of {len(relation.values)} {axis} of the {named}"
            values = [each for _, each in changed]
            low, high = min(values), max(values)
            is_one = math.isclose(low, high, rel_tol=_ONE)
            got = low if is_one else f"{number(low)} to {number(high)}"
        return found_fault(FaultKind.WEIGHTS_FACTOR, where, expected=1.0, got=got)

    def _values(self, fact: ConstantFact, axis: str) -> str:
        relation = fact.relation
        if fact.is_absent:
            return "which is absent"
        if relation.change is Change.ZERO:
            return "all of them 0"
        if relation.change is Change.CUT:
            return (
                f"{relation.differing:,} of {plural(relation.size, 'value')} cut off by its range"
            )
        if relation.change is Change.OFFSET:
            return f"every value {relation.values[0]:+.4g}"
        if relation.change is Change.CHANNEL_OFFSETS:
            moved = [(at, each) for at, each in enumerate(relation.values) if abs(each) > 1e-9]
            return (
                f"{axis} shifted: {first_few([f'{at} by {each:+.4g}' for at, each in moved], _FEW)}"
            )
        if relation.change is Change.SOME:
            counts = f"{relation.differing:,} of {plural(relation.size, 'value')}"
            if not relation.places or len(fact.shape) < 2:
                shown = first_few([str(each) for each in relation.places], _FEW)
                return f"{counts} (at {shown})" if relation.places else counts
            shown = first_few([str(each) for each in relation.places], _FEW)
            return f"{counts}, in {self._place_words(relation.places, axis, shown)}"
        share = (
            "" if math.isinf(relation.error) else f", by {100 * relation.error:.3g} % of their size"
        )
        return f"{relation.differing:,} of {plural(relation.size, 'value')}{share}"

    def _place_words(self, places: Sequence[int], axis: str, shown: str) -> str:
        """Channels of a class predictor are classes."""
        if axis == OUTPUTS and self._node in self._nodes.classes:
            columns = columns_of(places, self._nodes.num_columns)
            if columns and len(columns) <= _FEW:
                return f"those of class {', '.join(map(str, columns))}"
        return f"{axis.removesuffix('s') if len(places) == 1 else axis} {shown}"


def _as_order(fact: ConstantFact) -> Relation:
    """What is reversed is in another order."""
    relation = fact.relation
    if relation.change is not Change.REVERSED or relation.axis is None:
        return relation
    order = tuple(range(fact.shape[relation.axis]))[::-1]
    return replace(relation, change=Change.ORDER, order=order)


def _of_classes(columns: Sequence[int], where: str) -> Diagnosis:
    """Column 0 is the background's; class numbers begin behind it."""
    moved = [(at, each) for at, each in enumerate(columns) if at != each]
    steps = {each - at for at, each in moved}
    if len(steps) == 1 and len(moved) >= _FEW:
        (step,) = steps
        return found_fault(FaultKind.CLASS_SHIFT, where, expected="+0", got=f"{-step:+d}")
    classes = len(columns) - 1
    # Around the end: the last becomes the first.
    turned = {(each - at) % classes for at, each in moved}
    if len(turned) == 1 and len(moved) == classes and columns[0] == 0 and classes > _FEW:
        (step,) = turned
        step = step if step <= classes // 2 else step - classes
        return found_fault(FaultKind.CLASS_SHIFT, where, expected="+0", got=f"{-step:+d}")
    got = first_few([f"class {at} has the filters of {each}" for at, each in moved], _FEW)
    return found_fault(FaultKind.CLASS_ORDER, where, got=got)
