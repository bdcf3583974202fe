"""Values that one file alone states and that no SSD of the TF1 zoo has.

Where no second file confirms a value, what is usual is the only thing to hold it against. An
unusual value may be right: it is listed, and no figure follows from it.
"""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.comparison.route_differences import FLAGS, KINDS
from validation.comparison.witnesses import Witness
from validation.export.graph_parts import GraphParts, Layer, Setting, Variables
from validation.files.structured import read_toml
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.specs.formula import format_formula

_TABLE = Path(__file__).with_name("usual_values.toml")
# One ratio that was changed leaves itself and its inverse alone.
_CHANGED = 2


@dataclass(frozen=True)
class _Activations:
    layers: str
    usual: tuple[str, ...]


# Fault, where, what is usual, what there is, and in how many places.
_Found = tuple[FaultKind, str, Any, Any, int]


@dataclass(frozen=True)
class _Normalisation:
    scale: tuple[float, float, float]
    offset: tuple[float, float, float]


@dataclass(frozen=True)
class _Usual:
    rounding: float
    aspect_rounding: float
    epsilon: float
    score_converter: str
    box_scales: tuple[float, float, float, float]
    iou_threshold: float
    iou_thresholds: tuple[float, float]
    score_threshold: float
    most_score_threshold: float
    detections: int
    few_detections: int
    normalisations: tuple[_Normalisation, ...]
    activations: tuple[_Activations, ...]


def unusual_values(witnesses: Sequence[Witness]) -> tuple[Diagnosis, ...]:
    """What one file alone says of thresholds, anchors and layers, and no model of the zoo has.

    Of model and variant the entries say nothing.

    Args:
        witnesses: The files of an archive that state parts of the graph.
    """
    found: list[Diagnosis] = []
    stating = [each for each in witnesses if each.parts.settings or each.parts.layers]
    if len(stating) == 1:
        (witness,) = stating
        parts = witness.parts
        found += _diagnoses(
            witness.place,
            (
                *_of_settings(parts, witness.place),
                *_of_epsilons(parts),
                *_of_activations(parts.layers),
                *_of_anchors(parts.anchors),
            ),
        )
    weighing = [each for each in witnesses if each.parts.variables]
    if len(weighing) == 1:
        (witness,) = weighing
        classes = [each.parts.settings.get(Setting.NUM_CLASSES) for each in stating]
        found += _diagnoses(
            witness.place, _of_variables(witness.parts.variables, next(iter(classes), None))
        )
    return tuple(found)


def _diagnoses(place: Place, found: Iterable[_Found]) -> list[Diagnosis]:
    return [
        Diagnosis("", "", fault, place, DiagnosedBy.UNUSUAL, where, expected, got, count)
        for fault, where, expected, got, count in found
    ]


def _of_settings(parts: GraphParts, place: Place) -> Iterator[_Found]:
    usual, settings = _usual(), parts.settings
    for setting, expected in _unlike(settings, usual):
        if setting in FLAGS and place is Place.SHIPPED_GRAPH:
            # Options of the exporter: what they cost is measured.
            continue
        yield KINDS[setting], setting.value, expected, settings[setting], 1
    scale, offset = settings.get(Setting.SCALE), settings.get(Setting.OFFSET)
    if scale is None or offset is None:
        return
    known = [(each.scale, each.offset) for each in usual.normalisations]
    if not any(_near(scale, one) and _near(offset, other) for one, other in known):
        got, expected = format_formula(scale, offset), format_formula(*known[0])
        yield FaultKind.NORMALISATION, "preprocessing", expected, got, 1


def _unlike(settings: Mapping[Setting, Any], usual: _Usual) -> Iterator[tuple[Setting, Any]]:
    """Each setting that is unusual, with what is usual."""
    low, high = (
        end + sign * usual.rounding for end, sign in zip(usual.iou_thresholds, (-1, 1), strict=True)
    )
    detections = (lambda value: bool(value > usual.few_detections), usual.detections)
    rules: Mapping[Setting, tuple[Callable[[Any], bool], Any]] = {
        Setting.ALIGN_CORNERS: (lambda value: not value, False),
        Setting.HALF_PIXEL_CENTERS: (lambda value: not value, False),
        Setting.SCORE_CONVERTER: (
            lambda value: bool(value == usual.score_converter),
            usual.score_converter,
        ),
        Setting.SCORE_THRESHOLD: (
            lambda value: bool(value <= usual.most_score_threshold),
            usual.score_threshold,
        ),
        Setting.IOU_THRESHOLD: (lambda value: bool(low <= value <= high), usual.iou_threshold),
        Setting.BOX_SCALES: (lambda value: _near(value, usual.box_scales), usual.box_scales),
        Setting.MAX_DETECTIONS: detections,
        Setting.DETECTIONS_PER_CLASS: detections,
    }
    for setting, (is_usual, expected) in rules.items():
        value = settings.get(setting)
        if value is not None and not is_usual(value):
            yield setting, expected


def _of_epsilons(parts: GraphParts) -> Iterator[_Found]:
    usual = _usual().epsilon
    others = {scope: value for scope, value in parts.epsilons.items() if not _near(value, usual)}
    if others:
        scope, value = next(iter(others.items()))
        yield FaultKind.EPSILON, scope, usual, value, len(others)


def _of_activations(layers: Mapping[str, Layer]) -> Iterator[_Found]:
    for rule in _usual().activations:
        others = {
            name: layer.activations
            for name, layer in layers.items()
            if fnmatch.fnmatchcase(name, rule.layers)
            and layer.activations
            and not set(layer.activations) <= set(rule.usual)
        }
        if others:
            name, activations = next(iter(others.items()))
            got = " and ".join(each or "none" for each in activations)
            yield FaultKind.ACTIVATION, name, rule.usual[0], got, len(others)


def _of_anchors(anchors: NDArray[np.float32] | None) -> Iterator[_Found]:
    """An aspect ratio without the inverse one: a generator of the zoo has both or neither."""
    if anchors is None or not (np.isfinite(anchors).all() and (anchors[:, 2:] > 0).all()):
        return
    same = _usual().aspect_rounding
    aspects = np.unique(np.round(np.log(anchors[:, 3] / anchors[:, 2]), 3))
    # Of an input that is not square all ratios have one factor more.
    middle = (aspects.min() + aspects.max()) / 2 if _is_symmetric(aspects, same) else 0.0
    alone = [
        float(np.exp(each))
        for each in (aspects - middle).tolist()
        if abs(each) > same and not np.isclose(aspects - middle, -each, rtol=0, atol=same).any()
    ]
    has_square = bool((np.abs(aspects - middle) <= same).any())
    # Anchors that were fitted to a data set have all kinds of ratios.
    if has_square and 1 <= len(alone) <= _CHANGED:
        got = ", ".join(f"{each:.3g}" for each in alone)
        words = f"aspect ratio {got} without the inverse"
        yield FaultKind.ANCHORS, "anchors", None, words, 1


def _of_variables(variables: Variables, num_classes: int | None) -> Iterator[_Found]:
    """Numbers that no training leaves: moving means of 0, and a class without filters."""
    for name, values in variables.items():
        if name.endswith(_MEANS) and values.size > 1 and not values.any():
            yield FaultKind.WEIGHTS, f"{name} ({values.size} values of 0)", None, None, 1
        if num_classes and _is_class_kernel(name, values, num_classes):
            filters = values.reshape(-1, values.shape[-1] // (num_classes + 1), num_classes + 1)
            lost = np.flatnonzero(~filters[..., 1:].any(axis=(0, 1))) + 1
            if 0 < len(lost) < num_classes:
                classes = ", ".join(map(str, lost))
                yield FaultKind.CLASS_LOST, f"class {classes} of {name}", None, None, len(lost)


_MEANS = "moving_mean"
_CLASS_KERNEL = "ClassPredictor/weights"


def _is_class_kernel(name: str, values: NDArray[Any], num_classes: int) -> bool:
    is_whole = values.ndim > 1 and values.shape[-1] % (num_classes + 1) == 0
    return name.endswith(_CLASS_KERNEL) and is_whole


def _is_symmetric(aspects: NDArray[np.float64], same: float) -> bool:
    middle = (aspects.min() + aspects.max()) / 2
    turned = np.sort(2 * middle - aspects)
    return bool(np.allclose(turned, aspects, rtol=0, atol=same))


def _near(value: Any, usual: Any) -> bool:
    return bool(np.allclose(value, usual, rtol=_usual().rounding, atol=0))


@functools.cache
def _usual() -> _Usual:
    return read_toml(_TABLE, _Usual)
