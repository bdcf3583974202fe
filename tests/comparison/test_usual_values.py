"""Values that one file alone states are held against those of the zoo."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from validation.comparison.usual_values import unusual_values
from validation.comparison.witnesses import Witness
from validation.export.graph_parts import GraphParts, Layer, Setting
from validation.record.diagnosis import DiagnosedBy, FaultKind, Place

_SETTINGS: dict[Setting, Any] = {
    Setting.SCALE: (2 / 255,) * 3,
    Setting.OFFSET: (1.0,) * 3,
    Setting.ALIGN_CORNERS: False,
    Setting.HALF_PIXEL_CENTERS: False,
    Setting.SCORE_CONVERTER: "SIGMOID",
    Setting.SCORE_THRESHOLD: float(np.float32(1e-8)),
    Setting.IOU_THRESHOLD: float(np.float32(0.6)),
    Setting.BOX_SCALES: (10.0, 10.0, 5.0, 5.0),
    Setting.MAX_DETECTIONS: 100,
    Setting.DETECTIONS_PER_CLASS: 100,
}
_LAYER = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"


def _anchors(*aspects: float, ratio: float = 1.0) -> np.ndarray:
    """One cell with an anchor of each aspect ratio; `ratio` of the input's sides."""
    rows = [(0.5, 0.5, 0.2 / a**0.5 * ratio, 0.2 * a**0.5) for a in aspects]
    return np.array(rows, np.float32)


def _parts(**changed: Any) -> GraphParts:
    usual = GraphParts(
        layers={_LAYER: Layer("Conv2D", (2, 2), "SAME", (1, 1), ("Relu6",))},
        epsilons={"FeatureExtractor/MobilenetV1/Conv2d_0/BatchNorm": float(np.float32(0.001))},
        settings=_SETTINGS,
        anchors=_anchors(1, 2, 0.5, 3, 1 / 3),
    )
    return dataclasses.replace(usual, **changed)


def _found(parts: GraphParts, place: Place = Place.CONFIG) -> list[tuple[FaultKind, Any]]:
    found = unusual_values([Witness(place, "file", parts)])
    assert all((each.by, each.place) == (DiagnosedBy.UNUSUAL, place) for each in found)
    return [(each.fault, each.got) for each in found]


def test_values_of_the_zoo_are_usual() -> None:
    """Also of an input that is not square, and of an extractor of which nothing is known."""
    assert _found(_parts()) == []
    assert _found(_parts(anchors=_anchors(1, 2, 0.5, ratio=0.75))) == []
    assert _found(_parts(anchors=_anchors(1, 0.55, 0.62, 1.25))) == []
    assert _found(_parts(layers={"FeatureExtractor/Own/weights": _layer("Selu")})) == []


def _layer(activation: str) -> Layer:
    return Layer("Conv2D", (1, 1), "SAME", (1, 1), (activation,))


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        (Setting.SCORE_CONVERTER, "SOFTMAX", FaultKind.SCORES),
        (Setting.SCORE_THRESHOLD, 0.3, FaultKind.SCORE_THRESHOLD),
        (Setting.IOU_THRESHOLD, 0.95, FaultKind.NMS),
        (Setting.IOU_THRESHOLD, 0.1, FaultKind.NMS),
        (Setting.BOX_SCALES, (10.0, 10.0, 4.0, 5.0), FaultKind.BOX_SCALES),
        (Setting.MAX_DETECTIONS, 10, FaultKind.DETECTIONS),
        (Setting.DETECTIONS_PER_CLASS, 1, FaultKind.NMS),
        (Setting.ALIGN_CORNERS, True, FaultKind.RESIZE),
    ],
)
def test_an_unusual_setting_is_named(setting: Setting, value: Any, fault: FaultKind) -> None:
    """With its value, by the file that states it."""
    assert _found(_parts(settings={**_SETTINGS, setting: value})) == [(fault, value)]


def test_an_unusual_layer_is_named() -> None:
    """Epsilon, activation, pixels, and an aspect ratio without the inverse."""
    assert _found(_parts(epsilons={"a": 0.1, "b": 0.001})) == [(FaultKind.EPSILON, 0.1)]
    assert _found(_parts(layers={_LAYER: _layer("Relu")})) == [(FaultKind.ACTIVATION, "Relu")]
    scaled = {**_SETTINGS, Setting.SCALE: (1 / 255,) * 3}
    ((fault, got),) = _found(_parts(settings=scaled))
    assert (fault, got) == (FaultKind.NORMALISATION, "pixel * 0.003921569 - 1")
    ((fault, got),) = _found(_parts(anchors=_anchors(1, 3, 0.5)))
    assert fault is FaultKind.ANCHORS
    assert "without the inverse" in got


def test_numbers_that_no_training_leaves_are_named() -> None:
    """Moving means of 0 and a class without filters, where one file alone states the weights."""
    kernel = np.ones((1, 1, 2, 6), np.float32)
    kernel[..., [2, 5]] = 0
    weights = GraphParts(
        variables={
            "a/BatchNorm/moving_mean": np.zeros(4),
            "b/BatchNorm/moving_mean": np.array([0.0, 0.1]),
            "Box/ClassPredictor/weights": kernel,
        }
    )
    config = Witness(Place.CONFIG, "c", _parts(settings={**_SETTINGS, Setting.NUM_CLASSES: 2}))
    checkpoint = Witness(Place.CHECKPOINT, "w", weights)
    means, lost = unusual_values([config, checkpoint])
    assert (means.fault, means.place) == (FaultKind.WEIGHTS, Place.CHECKPOINT)
    assert means.where.startswith("a/BatchNorm/moving_mean")
    assert (lost.fault, lost.where) == (
        FaultKind.CLASS_LOST,
        "class 2 of Box/ClassPredictor/weights",
    )
    assert unusual_values([config, checkpoint, checkpoint]) == ()


def test_what_two_files_state_is_confirmed() -> None:
    """However unusual; a file of weights alone confirms no layer."""
    odd = _parts(epsilons={"a": 0.1})
    config, graph = Witness(Place.CONFIG, "c", odd), Witness(Place.GRAPH, "g", odd)
    weights = Witness(Place.CHECKPOINT, "w", GraphParts(variables={"a": np.ones(1)}))
    assert unusual_values([config, graph]) == ()
    assert len(unusual_values([config, weights])) == 1


def test_options_of_the_exporter_are_no_unusual_values_of_a_shipped_graph() -> None:
    """What those cost is measured."""
    settings = {**_SETTINGS, Setting.MAX_DETECTIONS: 10}
    assert _found(_parts(settings=settings), Place.SHIPPED_GRAPH) == []
    assert len(_found(_parts(settings=settings), Place.GRAPH)) == 1
