"""Which file a fault lies in that a subject shares with its reference."""

from __future__ import annotations

from dataclasses import dataclass

from validation.errors import NotProvided
from validation.record.diagnosis import Place
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext
from validation.workspace.reference import place_of_export


@dataclass(frozen=True)
class SharedPlaces:
    """Where the fault lies, by what is at fault.

    Args:
        layers: Thresholds, anchors, box coder: how raw outputs become detections.
        weights: What the network computes of an image.
        confirms_layers: Two files state thresholds, anchors and layers.
        confirms_weights: Two files state the weights.
    """

    layers: Place
    weights: Place
    confirms_layers: bool
    confirms_weights: bool

    @property
    def is_confirmed(self) -> bool:
        """Two files state everything."""
        return self.confirms_layers and self.confirms_weights

    @property
    def feed(self) -> Place:
        """Of what the network is fed: of one that is confirmed the labelled images are others."""
        return Place.LABELS if self.is_confirmed else self.weights


def shared_places(context: CheckContext) -> SharedPlaces:
    """The files that a shared fault may lie in.

    Args:
        context: A subject and its reference.
    """
    kind = context.reference.kind
    if kind is not ReferenceKind.GRAPH:
        return _all_in(Place.GRAPH if kind is ReferenceKind.SAVED_MODEL else Place.FILE)
    try:
        routes, layers = context.routes, place_of_export(context.build.archive)
    except NotProvided:
        return _all_in(Place.GRAPH)
    weights = Place.CHECKPOINT if layers is Place.CONFIG else layers
    return SharedPlaces(layers, weights, routes.confirms_layers, routes.confirms_weights)


def _all_in(place: Place) -> SharedPlaces:
    return SharedPlaces(place, place, confirms_layers=False, confirms_weights=False)
