"""Where a file that is not in parity parts from its reference: layer by layer, on a few images.

It explains a result and judges nothing, so it is looked for only where a check is not PASS.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from validation.diagnosis.tensor_matches import nodes_of
from validation.errors import NotProvided, ValidationError
from validation.files.digest import file_sha256
from validation.files.structured import unstructure
from validation.policy.limits import Status
from validation.preprocess.feed import prepared_for
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind, Place
from validation.record.divergence_words import describe_divergence
from validation.record.first_divergence import FirstDivergence
from validation.record.installed import installed_version
from validation.record.lines import Entry
from validation.record.run import Stage
from validation.record.types import CheckResult
from validation.specs.references import ReferenceKind
from validation.specs.variants import Scheme, variant_of
from validation.workspace.context import CheckContext
from validation.workspace.given_subject import GivenSubject, TfliteReference
from validation.workspace.products import code_sha256

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
    has_layers = context.reference.kind in (ReferenceKind.GRAPH, ReferenceKind.TFLITE)
    if result.status not in (Status.FAIL, Status.WARN) or not has_layers:
        return [result]
    try:
        found = first_divergence(context)
    except ValidationError as error:
        return [_saying(result, f"layers were not compared: {error}")]
    if found.divergence is None:
        return [result]
    said = _saying(result, describe_divergence(found.divergence))
    return [found.divergence, *_diagnoses(found.divergence, found.causes), said]


@dataclass(frozen=True)
class _Found:
    """What was found in a file, as it is kept for its other checks.

    Args:
        divergence: None where no layer differs by itself.
        causes: What differs in it.
    """

    divergence: FirstDivergence | None = None
    causes: tuple[Cause, ...] = ()


def first_divergence(context: CheckContext) -> _Found:
    """The first layer that differs from the reference's and what differs in it.

    Raises:
        ValidationError: The two sides cannot be compared layer by layer.
    """
    side = _reference(context)
    feeds = tuple(_feeds(context))
    tolerance = Tolerance(
        share=context.policy.setting("layer_float_share"),
        steps=context.policy.setting("layer_steps"),
    )
    made_from = {
        "key": unstructure(context.key),
        "file": file_sha256(context.subject.path),
        "reference": file_sha256(side.path),
        "feeds": [hashlib.sha256(each.tobytes()).hexdigest() for pair in feeds for each in pair],
        "tolerance": unstructure(tolerance),
        "litert": installed_version("ai-edge-litert"),
        "code": code_sha256("arrays", "diagnosis", "record", "runtimes"),
    }

    def find(_: Path) -> _Found:
        return _found(context, side, feeds, tolerance)

    step = f"first layer of {context.key.label} that differs"
    return context.work.facts(context.key.model, Stage.LAYERS, step, made_from, _Found, find)


def _found(
    context: CheckContext,
    side: _Side,
    feeds: Sequence[tuple[_Feeds, _Feeds]],
    tolerance: Tolerance,
) -> _Found:
    if not feeds:
        raise NotProvided("the file and its reference take images of other sizes")
    graph = read_operators(context.subject.path)
    first: list[Divergence] = []
    with side.opened(graph) as reference:
        for own, wanted in feeds:
            found = find_first_divergence(graph, reference, own, wanted, tolerance)
            if found is None:
                return _Found()
            first.append(found)
    # Fed otherwise than it is meant to be, a file differs from its first layer on.
    last = max(first, key=lambda each: each.layer.index)
    return _Found(_entry(context, side.origin, last, len(feeds[0][0])), last.causes)


def _entry(context: CheckContext, origin: str, found: Divergence, images: int) -> FirstDivergence:
    return FirstDivergence(
        model=context.key.model,
        variant=context.key.variant,
        reference=origin,
        index=found.layer.index,
        op=found.layer.op,
        tensor=found.tensor,
        counterpart=found.counterpart,
        matched=found.matched,
        local=found.local,
        accumulated=found.accumulated,
        allowed=found.allowed,
        in_steps=found.in_steps,
        layers=found.layers,
        differing=found.differing,
        images=images,
        file=context.key.file,
    )


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
            where=f"{layer}: {cause.attribute}"
            if cause.fault is FaultKind.OPERATOR_ATTRIBUTE and cause.attribute
            else layer,
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


@dataclass(frozen=True)
class _Side:
    """What the layers are compared with.

    Args:
        path: Its file.
        origin: What it is called.
    """

    path: Path
    origin: str

    @contextlib.contextmanager
    def opened(self, graph: OperatorGraph) -> Iterator[ReferenceValues]:  # noqa: ARG002
        """Ready to be run beside a file."""
        yield FileValues(read_operators(self.path))


class _Session(_Side):
    @contextlib.contextmanager
    def opened(self, graph: OperatorGraph) -> Iterator[ReferenceValues]:
        """The nodes that the file's tensors are called after."""
        from validation.export.graph_io import read_graph
        from validation.runtimes.session import SessionRuntime

        definition = read_graph(self.path)
        called = {
            name
            for operator in graph.moving
            for index in operator.outputs
            for name in nodes_of(graph.names[index])
        }
        nodes = [
            node.name
            for node in definition.node
            if node.name in called and node.op not in _NO_LAYER
        ]
        if not nodes:
            raise NotProvided("no tensor of the file is called after a node of the graph")
        with SessionRuntime(definition, nodes) as runtime:
            yield SessionValues(runtime, nodes)


def _reference(context: CheckContext) -> _Side:
    reference = context.reference
    if isinstance(reference, TfliteReference):
        return _Side(reference.path, reference.path.name)
    if context.given is None and variant_of(context.key.variant).scheme is Scheme.FLOAT:
        return _Session(context.build.exported(add_postprocessing_op=False).graph, _SESSION)
    return _Side(context.build.tflite(_FLOAT_FILE), _OWN_FLOAT)


def _feeds(context: CheckContext) -> Iterator[tuple[_Feeds, _Feeds]]:
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
    if wanted.shape[1:] == context.subject.file.inputs[0].shape:
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
