"""What checks use: products and runs that several of them share, each a function of the context."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from validation.comparison.decoded_outputs import same_columns
from validation.export.exported import ExportedGraph
from validation.export.fake_quant_facts import FakeQuantFacts
from validation.record.detections import Detections
from validation.specs.contracts import CLASS_PREDICTIONS_NAME, GraphSummary
from validation.specs.variants import variant_of
from validation.tflite.facts import TfliteFile
from validation.workspace.context import CheckContext
from validation.workspace.sides import Arrays


def reference_graph(context: CheckContext) -> Path:
    """The inference graph that the model is judged by."""
    return context.build.reference_graph


def reference_origin(context: CheckContext) -> str:
    """Where that graph comes from, and the one size that it takes images of, if it is one."""
    return context.build.reference_origin


def exported_graph(context: CheckContext) -> ExportedGraph:
    """The model's exported graph in the form that the variant has: with the op, or raw."""
    return context.build.exported(add_postprocessing_op=not context.is_raw)


def graph_summary(context: CheckContext) -> GraphSummary:
    """The contents of the exported graph."""
    return context.build.summary(add_postprocessing_op=not context.is_raw)


def fake_quant_facts(context: CheckContext) -> FakeQuantFacts:
    """What the FakeQuant nodes of the graph of uint8 say."""
    return context.build.fake_quant_facts()


def tflite(context: CheckContext) -> Path:
    """The file under test."""
    return context.subject.path


def first_runs(context: CheckContext) -> None:
    """The file under test, run once with each number of threads that it is timed with."""
    for threads in {
        int(context.policy.setting("timing_threads")),
        int(context.policy.setting("timing_beside_threads")),
    }:
        if threads:
            context.subject.timed_call(threads)()


def raw_tflite(context: CheckContext) -> Path:
    """The file with the same body as the one under test, ending in the raw outputs."""
    if context.given is not None:
        return context.given.heads[0]
    return context.build.tflite(variant_of(context.key.variant).raw_variant)


def float_counterpart(context: CheckContext) -> TfliteFile | None:
    """The float file that ends as a quantised variant does; None for a float variant."""
    if not variant_of(context.key.variant).is_quantised:
        return None
    return context.build.tflite_file("raw" if context.is_raw else "float")


def reference_detections(context: CheckContext) -> Mapping[str, Detections]:
    """What the reference detects, by image."""
    return context.reference.detections()


def candidate_detections(context: CheckContext) -> Mapping[str, Detections]:
    """Detections of the file under test, by image."""
    return context.subject.detections()


def session_outputs(context: CheckContext) -> Arrays:
    """Raw outputs of the reference, [I, 1, N, ...]: of a graph in a TensorFlow session."""
    return context.reference.raw_outputs(len(context.parity_images))


def raw_outputs(context: CheckContext) -> Arrays:
    """Raw outputs of the file under test on the same images, [I, 1, N, ...]."""
    return context.subject.raw_outputs(len(context.parity_images))


def without_batch(arrays: Arrays) -> Arrays:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}


def both_raw_outputs(context: CheckContext) -> tuple[Arrays, Arrays]:
    """`session_outputs` and `raw_outputs`; the background only where both have it."""
    expected, found = session_outputs(context), raw_outputs(context)
    same = same_columns(
        expected[CLASS_PREDICTIONS_NAME], found[CLASS_PREDICTIONS_NAME], context.num_classes
    )
    if same is None:
        return expected, found
    ours, theirs = same
    return {**expected, CLASS_PREDICTIONS_NAME: ours}, {**found, CLASS_PREDICTIONS_NAME: theirs}
