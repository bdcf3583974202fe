"""Which file a fault lies in that a subject shares with its reference."""

from __future__ import annotations

from dataclasses import dataclass

from validation.errors import NotProvided
from validation.record.diagnosis import Place
from validation.specs.references import ReferenceKind
from validation.workspace.context import CheckContext
from validation.zoo.archives import Archive


@dataclass(frozen=True)
class SharedPlaces:
    """Where the fault lies, by what is at fault.

    Args:
        layers: Thresholds, anchors, box coder: how raw outputs become detections.
        weights: What the network computes of an image.
        feed: Of the same, where the network is confirmed: then the images are others.
        confirms_layers: Two files state thresholds, anchors and layers.
        confirms_weights: Two files state the weights.
    """

    layers: Place
    weights: Place
    feed: Place
    confirms_layers: bool
    confirms_weights: bool

    @property
    def is_confirmed(self) -> bool:
        """Two files state everything."""
        return self.confirms_layers and self.confirms_weights


def shared_places(context: CheckContext) -> SharedPlaces:
    """The files that a shared fault may lie in.

    Args:
        context: A subject and its reference.
    """
    kind = context.reference.kind
    if kind is not ReferenceKind.GRAPH:
        return _all_in(Place.GRAPH if kind is ReferenceKind.SAVED_MODEL else Place.FILE)
    try:
        routes, archive = context.routes, context.build.archive
    except NotProvided:
        return _all_in(Place.GRAPH)
    layers, weights = _graph(archive), _graph(archive)
    if not has_graph(archive):
        layers, weights = Place.CONFIG, Place.CHECKPOINT
    is_confirmed = routes.confirms_layers and routes.confirms_weights
    return SharedPlaces(
        layers,
        weights,
        Place.LABELS if is_confirmed else weights,
        routes.confirms_layers,
        routes.confirms_weights,
    )


def _all_in(place: Place) -> SharedPlaces:
    return SharedPlaces(place, place, place, confirms_layers=False, confirms_weights=False)


def has_graph(archive: Archive) -> bool:
    """There is a graph of the training, or what was exported of one."""
    return any((archive.frozen_graph, archive.meta_graph, archive.tflite_graph))


def _graph(archive: Archive) -> Place:
    is_shipped = archive.frozen_graph is None and archive.tflite_graph is not None
    return Place.SHIPPED_GRAPH if is_shipped else Place.GRAPH
