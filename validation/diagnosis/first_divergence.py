"""The first layer at which a .tflite parts from its reference, and whether by itself.

Both sides run on the same images. Each layer's value is compared with the reference's (the
accumulated error), and each layer alone is fed with the reference's values (the local error): where
everything that it reads agrees and what it writes does not, the layer itself is otherwise. What
is quantised agrees with nothing exactly. There each operator is compared with itself, with the
float counterpart's constants rounded to its own scales: its bits allow no other result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.divergence_causes import Cause, LocalError, Trial, causes
from validation.diagnosis.layer_distance import Distance
from validation.diagnosis.operators import Operator, OperatorGraph
from validation.diagnosis.reference_values import IMAGE, Flow, ReferenceValues
from validation.diagnosis.tensor_matches import Match, match_layers
from validation.diagnosis.tensor_values import TensorValues
from validation.diagnosis.undone import SingleLayer
from validation.diagnosis.value_samples import Sampler
from validation.record.first_divergence import MatchedBy

_Floats = NDArray[np.float32]
# Whole steps in real units are not quite whole.
_ROUNDING = 1e-3
_NO_MATCH = Match(IMAGE, MatchedBy.NOTHING)


@dataclass(frozen=True)
class Tolerance:
    """What rounding explains.

    Args:
        share: Of a float tensor's largest value: another order of sums.
        steps: Of a quantised tensor: its own rounding, and that of its constants.
    """

    share: float
    steps: float


@dataclass(frozen=True)
class Divergence:
    """The first layer that differs by itself.

    Args:
        layer: The operator.
        tensor: Name of what it writes.
        counterpart: The reference's name of it; empty where nothing corresponds.
        matched: How that was found.
        local: Error of the operator alone; None where it could not be fed.
        accumulated: Error in the file's own run; None without counterpart.
        allowed: What rounding explains.
        in_steps: Errors are in steps; otherwise shares of the largest value.
        layers: How many operators were compared.
        differing: How many of them differ by themselves.
        causes: What differs in it, each undone and run again; empty where nothing was proved.
    """

    layer: Operator
    tensor: str
    counterpart: str
    matched: MatchedBy
    local: float | None
    accumulated: float | None
    allowed: float
    in_steps: bool
    layers: int
    differing: int
    causes: tuple[Cause, ...]


def find_first_divergence(
    graph: OperatorGraph,
    reference: ReferenceValues,
    feeds: _Floats,
    reference_feeds: _Floats,
    tolerance: Tolerance,
) -> Divergence | None:
    """None where no layer was found that differs by itself.

    Args:
        graph: The file.
        reference: What its layers are compared with. Of a quantised file, a .tflite.
        feeds: float32 [I, 1, H, W, 3], real values for the file's input; at least one image.
        reference_feeds: The same images as the reference is fed them.
        tolerance: What rounding explains.

    Raises:
        ConversionError: A file that LiteRT does not run.
        FeedError: The feeds do not fit.
        GraphError: The reference does not run.
    """
    return _Search(graph, reference, feeds, reference_feeds, tolerance).first()


@dataclass
class _Layer:
    """One layer with what is measured of it.

    Args:
        operator: The operator.
        match: Its value in the reference.
        accumulated: Of the file's own run.
        local: Alone; None where it cannot be fed.
    """

    operator: Operator
    match: Match
    accumulated: Distance
    local: LocalError | None = None

    @property
    def tensor(self) -> int:
        return self.operator.outputs[0]


class _Search:
    def __init__(
        self,
        graph: OperatorGraph,
        reference: ReferenceValues,
        feeds: _Floats,
        reference_feeds: _Floats,
        tolerance: Tolerance,
    ) -> None:
        self._graph, self._reference, self._tolerance = graph, reference, tolerance
        self._feeds = tuple(zip(feeds, reference_feeds, strict=True))
        self._run, self._flow = TensorValues(graph.model.content), Flow(graph)
        self._is_quantised = is_quantised(self._run)
        self._matches = self._matched()
        self._layers = {
            each.outputs[0]: _Layer(
                each,
                self._matches.get(each.outputs[0], _NO_MATCH),
                Distance(self._run.specs[each.outputs[0]].scale),
            )
            for each in self._flow.layers
        }

    def first(self) -> Divergence | None:
        self._accumulate()
        suspects = self._suspects()
        self._try(suspects)
        differing = [each for each in suspects if self._differs(each)]
        if not differing:
            return None
        return self._divergence(differing[0], len(differing))

    def _matched(self) -> Mapping[int, Match]:
        own, known = (
            Sampler(each.outputs[0] for each in self._flow.layers),
            Sampler(self._reference.names),
        )
        for _ in self._images():
            own.add(self._run.value)
            known.add(self._reference.value)
        same = None if self._is_quantised else self._tolerance.share
        return match_layers(self._flow, own.samples(), self._reference, known.samples(), same)

    def _accumulate(self) -> None:
        for _ in self._images():
            for layer in self._layers.values():
                if layer.match.key != IMAGE:
                    layer.accumulated.add(
                        self._reference.value(layer.match.key), self._run.value(layer.tensor)
                    )

    def _agrees(self, tensor: int) -> bool:
        """The image, or a float value that is the reference's but for rounding."""
        if tensor == IMAGE:
            return True
        layer = self._layers.get(tensor)
        return (
            layer is not None
            and layer.match.key != IMAGE
            and layer.accumulated.largest_error <= self._tolerance.share
        )

    def _suspects(self) -> list[_Layer]:
        """Layers that may have spoilt the outputs, in the order of execution.

        Of a float file those from which what differs reaches an end: a value that the reference
        does not have, because it fuses otherwise, spoils nothing where what is made of it agrees.
        """
        if self._is_quantised:
            return list(self._layers.values())
        waiting = [each for each in self._flow.ends if not self._agrees(each)]
        spoilt: set[int] = set()
        while waiting:
            layer = self._layers.get(waiting.pop())
            if layer is None or layer.tensor in spoilt:
                continue
            spoilt.add(layer.tensor)
            sources = self._flow.sources(layer.operator)
            waiting += [each for each in sources if not self._agrees(each)]
        return [layer for tensor, layer in self._layers.items() if tensor in spoilt]

    def _try(self, suspects: list[_Layer]) -> None:
        """Feed each suspect with the reference's values."""
        for layer in suspects:
            if self._can_be_fed(layer):
                layer.local = LocalError(
                    self._single(layer), layer.accumulated.step, by_its_bits=self._is_quantised
                )
        for _ in self._images():
            for layer in suspects:
                if layer.local is not None:
                    wanted = self._reference.value(layer.match.key)
                    layer.local.add(self._fed(layer.operator), wanted)

    def _can_be_fed(self, layer: _Layer) -> bool:
        sources = self._flow.sources(layer.operator)
        return layer.match.key != IMAGE and all(each in self._matches for each in sources)

    def _single(self, layer: _Layer) -> SingleLayer:
        flow = self._reference.flow
        if flow is None:
            return SingleLayer(self._graph, layer.operator)
        other = flow.layer(layer.match.key)
        return SingleLayer(self._graph, layer.operator, flow.graph, other)

    def _causes(self, layer: _Layer) -> tuple[Cause, ...]:
        """What differs in a layer, each undone."""
        if layer.local is None:
            return ()
        single = self._single(layer)
        trial = Trial(single, layer.accumulated.step, by_its_bits=self._is_quantised)
        for _ in self._images():
            trial.add(self._fed(layer.operator), self._reference.value(layer.match.key))
        return causes(trial, layer.operator, single.other, self._allowed(layer))

    def _images(self) -> Iterator[None]:
        """Both sides after their run on each image."""
        for feed, reference_feed in self._feeds:
            self._run.run(feed)
            self._reference.run(reference_feed)
            yield

    def _fed(self, operator: Operator) -> list[_Floats]:
        """What the reference has of the values that an operator reads; the file's own image."""
        fed = []
        for index in self._graph.moving_inputs(operator):
            source = self._flow.source(index)
            fed.append(
                self._run.value(index)
                if source == IMAGE
                else self._reference.value(self._matches[source].key)
            )
        return fed

    def _allowed(self, layer: _Layer) -> float:
        in_steps = layer.accumulated.step is not None
        return self._tolerance.steps if in_steps else self._tolerance.share

    def _differs(self, layer: _Layer) -> bool:
        """By itself: alone it is off by more than rounding, or nothing can be said but that."""
        if layer.local is not None:
            local = layer.local.value
            if local is None:
                return False
            # One weight of a thousand moves a result by less than a step, and is no rounding.
            allowed = self._allowed(layer) * (1 + _ROUNDING)
            return local > allowed or (local > 0 and layer.local.has_other_codes)
        # Quantised, a value without counterpart is a matter of what was fused. A float one may be
        # right: what reads it is the first that is known to be wrong, unless nothing does.
        is_known = layer.match.key != IMAGE or layer.tensor in self._flow.ends
        return not self._is_quantised and is_known and self._reads_what_agrees(layer)

    def _reads_what_agrees(self, layer: _Layer) -> bool:
        """All that a layer is computed of agrees, where the reference has it."""
        waiting = list(self._flow.sources(layer.operator))
        while waiting:
            tensor = waiting.pop()
            source = self._layers.get(tensor)
            if source is not None and source.match.key == IMAGE:
                waiting += self._flow.sources(source.operator)
            elif not self._agrees(tensor):
                return False
        return True

    def _divergence(self, layer: _Layer, differing: int) -> Divergence:
        has_match = layer.match.key != IMAGE
        names = self._graph.names
        return Divergence(
            layer=layer.operator,
            tensor=names[layer.tensor].partition(";")[0],
            counterpart=self._reference.names[layer.match.key].partition(";")[0]
            if has_match
            else "",
            matched=layer.match.by,
            local=None if layer.local is None else layer.local.value,
            accumulated=layer.accumulated.largest_error if has_match else None,
            allowed=self._allowed(layer),
            in_steps=layer.accumulated.step is not None,
            layers=len(self._layers),
            differing=differing,
            causes=self._causes(layer),
        )


def is_quantised(run: TensorValues) -> bool:
    """True where any number of the file is kept in fewer bits than float32."""
    return any(
        spec.scale is not None or spec.dtype in ("int8", "uint8", "int16", "float16")
        for spec in run.specs.values()
    )
