"""Numbers of an archive's files that are NaN or infinite."""

from __future__ import annotations

import numpy as np
import pytest

from validation.comparison.route_differences import route_differences
from validation.comparison.witnesses import Witness
from validation.export.graph_parts import GraphParts, Setting
from validation.record.diagnosis import FaultKind, Place
from validation.record.diagnosis_words import describe_diagnosis

_SOUND = np.arange(6, dtype=np.float32)
_ROUNDING = 1e-6


def _bad(value: float = np.nan) -> np.ndarray:
    values = _SOUND.copy()
    values[2] = value
    return values


def _graph(values: np.ndarray, place: Place = Place.GRAPH) -> Witness:
    return Witness(place, place.value, GraphParts(variables={"layer/weights": values}))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", [Place.GRAPH, Place.CHECKPOINT])
def test_the_file_that_has_them_is_named(value: float, bad: Place) -> None:
    """Whichever comes first; the finite side is right, and no factor is claimed."""
    places = (Place.GRAPH, Place.CHECKPOINT)
    witnesses = [_graph(_bad(value) if each is bad else _SOUND, each) for each in places]
    (found,) = route_differences(witnesses, _ROUNDING)
    assert (found.fault, found.place) == (FaultKind.NOT_FINITE, bad)
    assert "first at layer/weights (1 of 6 values)" in describe_diagnosis(found)


def test_one_file_alone_is_enough() -> None:
    """No other file states the number."""
    (found,) = route_differences([_graph(_bad())], _ROUNDING)
    assert (found.fault, found.place) == (FaultKind.NOT_FINITE, Place.GRAPH)


def test_what_all_files_have_is_the_archives() -> None:
    """None of them is the one that is wrong; both are named."""
    witnesses = [_graph(_bad(), each) for each in (Place.GRAPH, Place.CHECKPOINT)]
    (found,) = route_differences(witnesses, _ROUNDING)
    assert (found.fault, found.place) == (FaultKind.NOT_FINITE, Place.ARCHIVE)
    assert found.where.endswith("in inference graph and checkpoint)")


@pytest.mark.parametrize(
    "parts",
    [
        GraphParts(anchors=np.full((3, 4), np.nan, np.float32)),
        GraphParts(settings={Setting.OFFSET: (1.0, np.nan, 1.0)}),
        GraphParts(epsilons={"layer/BatchNorm": np.inf}),
        GraphParts(variables={"layer/act_quant/max": np.array(np.nan)}),
        GraphParts(not_finite={"layer/weights_folded": 2}),
    ],
    ids=["anchors", "setting", "epsilon", "range", "other constant"],
)
def test_every_number_is_looked_at(parts: GraphParts) -> None:
    """Not variables alone."""
    (found,) = route_differences([Witness(Place.SHIPPED_GRAPH, "shipped", parts)], _ROUNDING)
    assert (found.fault, found.place) == (FaultKind.NOT_FINITE, Place.SHIPPED_GRAPH)


def test_other_differences_are_still_found() -> None:
    """Of the numbers that are finite."""
    parts = [
        GraphParts(variables={"first": first, "second": second})
        for first, second in ((_SOUND, _SOUND), (_bad(), _SOUND * 2))
    ]
    places = (Place.GRAPH, Place.CHECKPOINT)
    witnesses = [Witness(*both) for both in zip(places, places, parts, strict=True)]
    found = route_differences(witnesses, _ROUNDING)
    kinds = [each.fault for each in found]
    assert kinds == [FaultKind.NOT_FINITE, FaultKind.WEIGHTS_FACTOR]
