"""What the file under test and its reference give on the images of the session."""

from __future__ import annotations

from collections.abc import Mapping

from validation.comparison.decoded_outputs import same_columns
from validation.record.detections import Detections
from validation.specs.contracts import CLASS_PREDICTIONS_NAME
from validation.workspace.context import CheckContext
from validation.workspace.sides import Arrays


def reference_detections(context: CheckContext) -> Mapping[str, Detections]:
    """What the reference detects, by image."""
    return context.reference.detections()


def candidate_detections(context: CheckContext) -> Mapping[str, Detections]:
    """Detections of the file under test, by image."""
    return context.subject.detections()


def reference_outputs(context: CheckContext) -> Arrays:
    """Raw outputs of the reference, [I, 1, N, ...]: of a graph in a TensorFlow session."""
    return context.reference.raw_outputs(len(context.parity_images))


def raw_outputs(context: CheckContext) -> Arrays:
    """Raw outputs of the file under test on the same images, [I, 1, N, ...]."""
    return context.subject.raw_outputs(len(context.parity_images))


def without_batch(arrays: Arrays) -> Arrays:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}


def both_raw_outputs(context: CheckContext) -> tuple[Arrays, Arrays]:
    """`reference_outputs` and `raw_outputs`; the background only where both have it."""
    expected, found = reference_outputs(context), raw_outputs(context)
    same = same_columns(
        expected[CLASS_PREDICTIONS_NAME], found[CLASS_PREDICTIONS_NAME], context.num_classes
    )
    if same is None:
        return expected, found
    ours, theirs = same
    return {**expected, CLASS_PREDICTIONS_NAME: ours}, {**found, CLASS_PREDICTIONS_NAME: theirs}
