"""Body: the raw .tflite against the exported graph in a TensorFlow session."""

from __future__ import annotations

from validation.checks.needs import as_the_op_reads, classes_of_the_reference, session_outputs
from validation.comparison.tensors import compare_tensors
from validation.record.lines import Entry
from validation.specs.contracts import CLASS_PREDICTIONS_NAME
from validation.workspace.context import CheckContext
from validation.workspace.model_inference import Arrays


def raw_parity(context: CheckContext) -> list[Entry]:
    """The raw outputs of the .tflite are those of the exported graph in a session."""
    images = context.parity_images
    expected, found = _same_columns(context, context.subject.raw_outputs(len(images)))
    result = compare_tensors(
        without_batch(expected),
        without_batch(found),
        policy=context.policy,
        key=context.key,
        images=[image.key for image in images],
    )
    return [result]


def _same_columns(context: CheckContext, found: Arrays) -> tuple[Arrays, Arrays]:
    """Both sides; without the background where one of them leaves its scores out."""
    expected = session_outputs(context)
    own, other = classes_of_the_reference(context), context.num_classes
    has_background = {
        side[CLASS_PREDICTIONS_NAME].shape[-1] > count
        for side, count in ((expected, own), (found, other))
    }
    if len(has_background) == 1:
        return expected, found
    return as_the_op_reads(expected, own), as_the_op_reads(found, other)


def without_batch(arrays: Arrays) -> Arrays:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}
