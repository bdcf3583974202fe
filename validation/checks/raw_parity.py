"""Body: the raw .tflite against the exported graph in a TensorFlow session."""

from __future__ import annotations

from validation.checks.needs import raw_outputs, session_outputs
from validation.comparison.tensors import compare_tensors
from validation.record.lines import Entry
from validation.workspace.context import CheckContext
from validation.workspace.sides import Arrays


def raw_parity(context: CheckContext) -> list[Entry]:
    """The raw outputs of the .tflite are those of the exported graph in a session."""
    images = context.parity_images
    result = compare_tensors(
        without_batch(session_outputs(context)),
        without_batch(raw_outputs(context)),
        policy=context.policy,
        key=context.key,
        images=[image.key for image in images],
    )
    return [result]


def without_batch(arrays: Arrays) -> Arrays:
    """[I, 1, N, C] to [I, N, C]: the batch of one says nothing."""
    return {name: array[:, 0] for name, array in arrays.items()}
