"""Body: the raw outputs of the .tflite against the reference's, in a session or before its NMS."""

from __future__ import annotations

from validation.checks.both_sides import both_raw_outputs, without_batch
from validation.checks.first_divergence import with_first_divergence
from validation.checks.saved_model_sides import saved_model_sides
from validation.comparison.decoded_outputs import compare_decoded
from validation.comparison.tensors import compare_tensors
from validation.record.lines import Entry
from validation.workspace.context import CheckContext
from validation.workspace.given_subject import GivenSubject
from validation.workspace.saved_model_reference import SavedModelReference


def raw_parity(context: CheckContext) -> list[Entry]:
    """The raw outputs of the .tflite are the reference's: a graph's in a session, another file's.

    A SavedModel of TensorFlow 2 has them decoded, with which the file's are compared decoded too.
    """
    reference = context.reference
    if isinstance(reference, SavedModelReference) and context.given is not None:
        return [_decoded(context, context.given, reference)]
    images = context.parity_images
    expected, found = both_raw_outputs(context)
    result = compare_tensors(
        without_batch(expected),
        without_batch(found),
        policy=context.policy,
        key=context.key,
        images=[image.key for image in images],
    )
    return with_first_divergence(context, result)


def _decoded(context: CheckContext, given: GivenSubject, reference: SavedModelReference) -> Entry:
    images = context.parity_images
    sides = saved_model_sides(given, reference, len(images))
    return compare_decoded(
        sides.decoded(given),
        sides.decoded_of_stored(given, len(images)),
        given.num_classes,
        sides.runs.size,
        policy=context.policy,
        key=context.key,
        images=[image.key for image in images],
    )
