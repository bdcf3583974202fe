"""Where the ways to one model's graph disagree: compared part by part, before anything is run.

Each part is stated by several files of an archive. What most of them state is taken for right, and
the file that states another thing has the fault; where they are as many, the archive has it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from validation.arrays.pairs import same_values
from validation.comparison.anchor_levels import anchor_words, same_anchors
from validation.comparison.not_finite import not_finite_parts, without_not_finite
from validation.comparison.variable_faults import variable_fault
from validation.comparison.witnesses import Witness
from validation.export.graph_parts import GraphParts, Layer, Setting
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place

# Set by the exporter's command line and not by training: a shipped graph may have others.
FLAGS = (
    Setting.MAX_DETECTIONS,
    Setting.DETECTIONS_PER_CLASS,
    Setting.REGULAR_NMS,
    Setting.CLASSES_PER_DETECTION,
)
# Of a route that is built from the config these are this harness's knowledge of the extractor.
_OF_THE_EXTRACTOR = (
    Setting.SCALE,
    Setting.OFFSET,
    Setting.ALIGN_CORNERS,
    Setting.HALF_PIXEL_CENTERS,
)
# What another value of a setting is called.
KINDS = {
    Setting.INPUT_SIZE: FaultKind.RESIZE,
    Setting.SCALE: FaultKind.NORMALISATION,
    Setting.OFFSET: FaultKind.NORMALISATION,
    Setting.ALIGN_CORNERS: FaultKind.RESIZE,
    Setting.HALF_PIXEL_CENTERS: FaultKind.RESIZE,
    Setting.SCORE_CONVERTER: FaultKind.SCORES,
    Setting.NUM_CLASSES: FaultKind.OPERATOR_ATTRIBUTE,
    Setting.SCORE_THRESHOLD: FaultKind.SCORE_THRESHOLD,
    Setting.IOU_THRESHOLD: FaultKind.NMS,
    Setting.BOX_SCALES: FaultKind.BOX_SCALES,
    Setting.MAX_DETECTIONS: FaultKind.DETECTIONS,
    Setting.DETECTIONS_PER_CLASS: FaultKind.NMS,
    Setting.REGULAR_NMS: FaultKind.NMS,
    Setting.CLASSES_PER_DETECTION: FaultKind.NMS,
}
_RANGE_ENDS = ("/min", "/max")

_Stated = list[tuple[Witness, Any]]
_Same = Callable[[Any, Any], bool]


def route_differences(witnesses: Sequence[Witness], rounding: float) -> tuple[Diagnosis, ...]:
    """Every part that the files do not state alike: what, where, and in which of them.

    Of model and variant the entries say nothing. The same fault in several places is one entry.

    Args:
        witnesses: The archive's graph first; a part that one of them alone states is not compared,
            but a number that is not finite is a fault of the file that has it.
        rounding: Share of a number that is no difference.
    """
    bad = not_finite_parts(witnesses)
    witnesses = [without_not_finite(each) for each in witnesses]
    found = [
        *_averages(witnesses),
        *_settings(witnesses, rounding),
        *_anchors(witnesses, rounding),
        *_heads(witnesses),
        *_layers(witnesses),
        *_numbers(witnesses, rounding),
        *_variables(witnesses, rounding),
    ]
    return (*bad, *_grouped(found))


def is_flag(diagnosis: Diagnosis) -> bool:
    """True for a flag of the exporter, which a shipped graph may have set otherwise."""
    return diagnosis.place is Place.SHIPPED_GRAPH and diagnosis.where in FLAGS


@dataclass(frozen=True)
class _Difference:
    """One file that states another value than the others; None: they are as many."""

    witness: Witness | None
    expected: Any
    got: Any
    names: tuple[str, str]


def _differences(stated: _Stated, same: _Same) -> Iterator[_Difference]:
    groups: list[_Stated] = []
    for each in stated:
        known = next((group for group in groups if same(group[0][1], each[1])), None)
        if known is None:
            groups.append([each])
        else:
            known.append(each)
    if len(groups) < 2:
        return
    # Stable: of groups of one size the one with the archive's graph stays first.
    groups.sort(key=len, reverse=True)
    (right, expected), *_ = groups[0]
    if len(groups[0]) > len(groups[1]):
        for group in groups[1:]:
            for witness, value in group:
                yield _Difference(witness, expected, value, (right.name, witness.name))
        return
    other, got = groups[1][0]
    yield _Difference(None, expected, got, (right.name, other.name))


def _stated(witnesses: Iterable[Witness], part: Callable[[GraphParts], Any]) -> _Stated:
    """What each file states of one part, those left out that do not."""
    values = ((witness, part(witness.parts)) for witness in witnesses)
    return [(witness, value) for witness, value in values if value is not None]


def _entries(
    witnesses: Iterable[Witness], part: Callable[[GraphParts], Mapping[Any, Any]], key: Any
) -> _Stated:
    """What each file states under one name of a part."""
    values = ((witness, part(witness.parts).get(key)) for witness in witnesses)
    return [(witness, value) for witness, value in values if value is not None]


def _diagnosis(
    fault: FaultKind, difference: _Difference, where: str, expected: Any = None, got: Any = None
) -> Diagnosis:
    witness = difference.witness
    if witness is None:
        right, other = difference.names
        return _entry(fault, Place.ARCHIVE, f"{where} ({other} against {right})", expected, got)
    if witness.place is Place.ARCHIVE:
        where = f"{where} ({witness.name})"
    return _entry(fault, witness.place, where, expected, got)


def _entry(
    fault: FaultKind, place: Place, where: str, expected: Any = None, got: Any = None
) -> Diagnosis:
    return Diagnosis("", "", fault, place, DiagnosedBy.ROUTES, where, expected, got)


def _averages(witnesses: Sequence[Witness]) -> Iterator[Diagnosis]:
    stated = [(each, each.uses_averages) for each in witnesses if each.uses_averages is not None]
    for found in _differences(stated, lambda first, second: first is second):
        yield _diagnosis(
            FaultKind.MOVING_AVERAGES,
            found,
            "eval_config.use_moving_averages",
            found.expected,
            found.got,
        )


def _settings(witnesses: Sequence[Witness], rounding: float) -> Iterator[Diagnosis]:
    for setting in Setting:
        stated = _entries(witnesses, lambda parts: parts.settings, setting)
        if setting in _OF_THE_EXTRACTOR:
            stated = _without_rule(stated)
        for found in _differences(stated, partial(_same_setting, rounding=rounding)):
            found = _of_flag(found, stated) if setting in FLAGS else found
            yield _of_setting(setting, found)


def _without_rule(stated: _Stated) -> _Stated:
    """What the extractor's rule says counts only where one file alone says something else."""
    files = [each for each in stated if each[0].place is not Place.CONFIG]
    rules = [each for each in stated if each[0].place is Place.CONFIG]
    # Twice: of a rule and one file the file is wrong.
    return files if len(files) > 1 else [*rules, *rules, *files]


def _of_flag(found: _Difference, stated: _Stated) -> _Difference:
    """Flags are the shipped graph's own where it and another file differ."""
    for witness, value in stated:
        if found.witness is None and witness.place is Place.SHIPPED_GRAPH:
            others = [each for each in stated if each[0] is not witness]
            first, expected = others[0]
            return _Difference(witness, expected, value, (first.name, witness.name))
    return found


def _of_setting(setting: Setting, found: _Difference) -> Diagnosis:
    expected, got = found.expected, found.got
    if KINDS[setting] in (FaultKind.NORMALISATION, FaultKind.RESIZE):
        expected, got = (f"{setting} {_listed(each)}" for each in (expected, got))
    return _diagnosis(KINDS[setting], found, setting, expected, got)


def _listed(value: Any) -> str:
    if isinstance(value, tuple):
        once = value[:1] if len(set(value)) == 1 else value
        return ", ".join(f"{each:.6g}" for each in once)
    return str(value)


def _same_setting(first: Any, second: Any, rounding: float) -> bool:
    if isinstance(first, str | bool):
        return bool(first == second)
    return bool(np.allclose(first, second, rtol=rounding, atol=0))


def _anchors(witnesses: Sequence[Witness], rounding: float) -> Iterator[Diagnosis]:
    stated = _stated(witnesses, lambda parts: parts.anchors)
    for found in _differences(stated, partial(same_anchors, rounding=rounding)):
        words = anchor_words(found.expected, found.got, rounding)
        yield _diagnosis(FaultKind.ANCHORS, found, "anchors", None, words)


def _heads(witnesses: Sequence[Witness]) -> Iterator[Diagnosis]:
    names = _names(each.parts.heads for each in witnesses)
    for name in names:
        stated = _entries(witnesses, lambda parts: parts.heads, name)
        for found in _differences(stated, lambda first, second: first == second):
            expected, got = _order(found.expected, found.got)
            yield _diagnosis(FaultKind.CONCATENATION, found, name, expected, got)


def _order(expected: tuple[str, ...], got: tuple[str, ...]) -> tuple[str, str]:
    """Both orders by the shortest names that tell the parts apart."""
    scopes = {each: each.partition("/")[0] for each in (*expected, *got) if "level" not in each}
    short = scopes if len(set(scopes.values())) == len(scopes) else {}
    first, second = (
        ", ".join(short.get(each, each) for each in order) for order in (expected, got)
    )
    return first, second


_FIELDS: dict[str, Callable[[Layer], Any]] = {
    "op": lambda layer: layer.op,
    "strides": lambda layer: layer.strides,
    "padding": lambda layer: layer.padding,
    "dilations": lambda layer: layer.dilations,
    "inputs": lambda layer: layer.sources,
}


def _layers(witnesses: Sequence[Witness]) -> Iterator[Diagnosis]:
    def equal(first: Any, second: Any) -> bool:
        return bool(first == second)

    for name in _names(each.parts.layers for each in witnesses):
        stated = _entries(witnesses, lambda parts: parts.layers, name)
        for name_of, read in _FIELDS.items():
            for found in _differences([(each, read(layer)) for each, layer in stated], equal):
                fault = FaultKind.OPERATOR_ATTRIBUTE
                yield _diagnosis(fault, found, f"{name_of} of {name}", found.expected, found.got)
        used = [(each, layer.activations) for each, layer in stated]
        for found in _differences(used, equal):
            expected, got = map(_activation_words, (found.expected, found.got))
            yield _diagnosis(FaultKind.ACTIVATION, found, name, expected, got)


def _activation_words(names: tuple[str, ...]) -> str:
    return " and ".join(each or "none" for each in names)


def _numbers(witnesses: Sequence[Witness], rounding: float) -> Iterator[Diagnosis]:
    for scope in _names(each.parts.epsilons for each in witnesses):
        stated = _entries(witnesses, lambda parts: parts.epsilons, scope)
        for found in _differences(stated, partial(_same_setting, rounding=rounding)):
            yield _diagnosis(FaultKind.EPSILON, found, scope, found.expected, found.got)
    for scope in _names(each.parts.fake_quant for each in witnesses):
        stated = _entries(witnesses, lambda parts: parts.fake_quant, scope)
        for name_of in ("num_bits", "narrow_range"):
            values = [(each, getattr(form, name_of)) for each, form in stated]
            for found in _differences(values, lambda first, second: first == second):
                fault = FaultKind.OPERATOR_ATTRIBUTE
                yield _diagnosis(fault, found, f"{name_of} of {scope}", found.expected, found.got)


def _variables(witnesses: Sequence[Witness], rounding: float) -> Iterator[Diagnosis]:
    for name in _names(each.parts.variables for each in witnesses):
        stated = _entries(witnesses, lambda parts: parts.variables, name)
        for found in _differences(stated, partial(same_values, rounding=rounding)):
            yield _of_variable(name, found, rounding)


def _of_variable(name: str, found: _Difference, rounding: float) -> Diagnosis:
    expected, got = np.asarray(found.expected), np.asarray(found.got)
    if name.endswith(_RANGE_ENDS) and expected.size == got.size == 1:
        kind = FaultKind.FAKE_QUANT_RANGE
        return _diagnosis(kind, found, name, float(expected), float(got))
    fault = variable_fault(expected, got, rounding)
    where = f"{name} ({fault.words})" if fault.words else name
    return _diagnosis(fault.fault, found, where, fault.expected, fault.got)


def _names(mappings: Iterable[Iterable[str]]) -> list[str]:
    """Every key once, in the order in which they are met."""
    return list(dict.fromkeys(name for each in mappings for name in each))


def _grouped(found: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """The same fault in many places once, with how many."""
    groups: dict[Any, Diagnosis] = {}
    for each in found:
        # Weights of many variables differ by other values each.
        is_one = each.fault in (FaultKind.WEIGHTS, FaultKind.NOT_FINITE)
        values = () if is_one else (str(each.expected), str(each.got))
        key = (each.fault, each.place, *values)
        if each.where in FLAGS:
            key = (*key, each.where)
        known = groups.get(key)
        groups[key] = each if known is None else dataclasses.replace(known, count=known.count + 1)
    return tuple(groups.values())
