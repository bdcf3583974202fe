"""Where a file that is not in parity parts from its reference: layer by layer, on a few images.

It explains a result and judges nothing, so it is looked for only where a check is not PASS.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.divergence_causes import Cause
from validation.diagnosis.first_divergence import (
    Divergence,
    Tolerance,
    find_first_divergence,
)
from validation.diagnosis.operators import OperatorGraph, read_operators
from validation.diagnosis.reference_values import FileValues, ReferenceValues, SessionValues
from validation.errors import NotProvided, ValidationError
from validation.policy.limits import Status
from validation.preprocess.feed import prepared_for
from validation.record.diagnosis import DiagnosedBy, Diagnosis, Place
from validation.record.divergence_words import describe_divergence
from validation.record.first_divergence import FirstDivergence
from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.specs.references import ReferenceKind
from validation.specs.variants import Scheme, variant_of
from validation.workspace.context import CheckContext
from validation.workspace.given_subject import GivenSubject, TfliteReference

_Feeds = NDArray[np.float32]
_FLOAT_FILE = "raw"
_SESSION = "the exported graph in a TensorFlow session"
_OWN_FLOAT = "the float file of the exported graph"
# Operators of TensorFlow that hold values and compute none.
_NO_LAYER = ("Const", "Placeholder")


def with_first_divergence(context: CheckContext, result: CheckResult) -> list[Entry]:
    """A result, and where it is not PASS the first layer that differs, with what differs in it.

    Args:
        context: Of the check.
        result: Of raw outputs or detections that were compared with the reference's.

    Returns:
        The result, its message completed, after what was found.
    """
    if result.status not in (Status.FAIL, Status.WARN):
        return [result]
    try:
        found, why = first_divergence(context)
    except ValidationError as error:
        return [_saying(result, f"layers were not compared: {error}")]
    if found is None:
        return [result]
    return [found, *_diagnoses(found, why), _saying(result, describe_divergence(found))]


def first_divergence(
    context: CheckContext,
) -> tuple[FirstDivergence | None, tuple[Cause, ...]]:
    """The first layer that differs from the reference's and what differs in it.

    Raises:
        ValidationError: The two sides cannot be compared layer by layer.
    """
    graph = read_operators(context.subject.path)
    tolerance = Tolerance(
        context.policy.setting("layer_float_share"), context.policy.setting("layer_steps")
    )
    found: list[Divergence | None] = []
    with _reference(context, graph) as (reference, origin):
        for feeds, reference_feeds in _feeds(context, graph):
            found.append(find_first_divergence(graph, reference, feeds, reference_feeds, tolerance))
            if found[-1] is None:
                break
        images = len(feeds)
    # Fed otherwise than it is meant to be, a file differs from its first layer on.
    last = None if None in found else max(found, key=_place)
    if last is None:
        return None, ()
    key = context.key
    return FirstDivergence(
        model=key.model,
        variant=key.variant,
        reference=origin,
        index=last.layer.index,
        op=last.layer.op,
        tensor=last.tensor,
        counterpart=last.counterpart,
        matched=last.matched,
        local=last.local,
        accumulated=last.accumulated,
        allowed=last.allowed,
        in_steps=last.in_steps,
        layers=last.layers,
        differing=last.differing,
        images=images,
        file=key.file,
    ), last.causes


def _place(found: Divergence | None) -> int:
    return 0 if found is None else found.layer.index


def _diagnoses(found: FirstDivergence, why: tuple[Cause, ...]) -> list[Diagnosis]:
    layer = found.counterpart or found.tensor
    if found.tensor != layer:
        layer = f"{layer} ({found.tensor} in the file)"
    return [
        Diagnosis(
            model=found.model,
            variant=found.variant,
            fault=cause.fault,
            place=Place.FILE,
            by=DiagnosedBy.LAYERS,
            where=f"{layer}: {cause.attribute}" if cause.attribute else layer,
            expected=cause.expected,
            got=cause.got,
            count=found.differing,
            measure="" if cause.undone is None else "local error of the layer",
            before=None if cause.undone is None else found.local,
            after=cause.undone,
            ties=cause.ties,
            file=found.file,
        )
        for cause in why
    ]


def _saying(result: CheckResult, what: str) -> CheckResult:
    message = f"{result.message}; {what}" if result.message else what
    return dataclasses.replace(result, message=message)


@contextlib.contextmanager
def _reference(
    context: CheckContext, graph: OperatorGraph
) -> Iterator[tuple[ReferenceValues, str]]:
    """What the layers are compared with, and what it is called."""
    reference = context.reference
    if isinstance(reference, TfliteReference):
        yield FileValues(read_operators(reference.path)), reference.path.name
    elif reference.kind is not ReferenceKind.GRAPH:
        raise NotProvided("the reference has no layers that are read here")
    elif context.given is not None or variant_of(context.key.variant).scheme is not Scheme.FLOAT:
        yield FileValues(read_operators(context.build.tflite(_FLOAT_FILE))), _OWN_FLOAT
    else:
        from validation.runtimes.session import SessionRuntime

        definition, nodes = _nodes(context, graph)
        with SessionRuntime(definition, nodes) as runtime:
            yield SessionValues(runtime, nodes), _SESSION


def _nodes(context: CheckContext, graph: OperatorGraph) -> tuple[object, list[str]]:
    """The exported graph, and its nodes that the file's tensors are called after."""
    from validation.export.graph_io import read_graph

    path = context.build.exported(add_postprocessing_op=False).graph
    definition = read_graph(path)
    called = {
        name
        for operator in graph.moving
        for index in operator.outputs
        for name in graph.names[index].split(";")
    }
    nodes = [
        node.name for node in definition.node if node.name in called and node.op not in _NO_LAYER
    ]
    if not nodes:
        raise NotProvided("no tensor of the file is called after a node of the graph")
    return definition, nodes


def _feeds(context: CheckContext, graph: OperatorGraph) -> Iterator[tuple[_Feeds, _Feeds]]:
    """What the file and its reference are fed: the same real values, then each its own.

    Each its own only where both are float and want pixels otherwise, as where one of them
    normalises them inside.
    """
    count = min(int(context.policy.setting("layer_images")), len(context.images))
    judged_by = context.judged_by
    wanted = (
        _stacked(judged_by.subject, count)
        if isinstance(judged_by, TfliteReference)
        else context.inference.feeds(count)
    )
    size = graph.model.graph.tensors[graph.inputs[0]].shape
    if size is not None and wanted.shape[1:] == tuple(map(int, size)):
        yield wanted, wanted
    given = context.given
    if given is None or given.file.inputs[0].scale is not None:
        return
    own = _stacked(given, count)
    if own.shape != wanted.shape or not np.array_equal(own, wanted):
        yield own, wanted


def _stacked(given: GivenSubject, count: int) -> _Feeds:
    prepared = prepared_for(given.preprocessing, given.way)
    return given.runs.feeds.stacked(given.runs.images[:count], prepared, given.shared_size)
