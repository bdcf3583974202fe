"""A given file and a SavedModel of TensorFlow 2 on the same pixels, a row an anchor."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.checks.both_sides import without_batch
from validation.comparison.contract_differences import SideFacts
from validation.comparison.decoded_outputs import DecodedSides, same_columns
from validation.comparison.difference_rules import DifferenceRules
from validation.comparison.implied_coding import implied_coding
from validation.errors import NotProvided
from validation.inference.saved_model import RawDetections
from validation.postprocess.decode import decode_boxes
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME
from validation.workspace.given_subject import GivenSubject
from validation.workspace.saved_model_reference import RawRuns, SavedModelReference
from validation.workspace.sides import Arrays


@dataclass(frozen=True)
class SavedModelSides:
    """What both sides give.

    Args:
        runs: Of the SavedModel, [I, N, ...].
        raw: Of the file on the same pixels, [I, N, ...]; as many anchors.
    """

    runs: RawRuns
    raw: Arrays

    def scores(self, num_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Of the SavedModel and of the file; None where one has another number of classes."""
        return same_columns(self.runs.resized.scores, self.raw[CLASS_PREDICTIONS_NAME], num_classes)

    def implied(self, facts: SideFacts, own: SideFacts, rules: DifferenceRules) -> SideFacts:
        """What a SavedModel states, with the anchors and box scales that its boxes imply.

        Args:
            facts: Of the SavedModel, which states neither.
            own: Of the file; an implied scale that is nearly one of these is that one.
            rules: Say how near that is.
        """
        coding = implied_coding(
            self.raw[BOX_ENCODINGS_NAME],
            self.runs.resized.boxes,
            rounding=rules.implied_rounding,
            scale_share=rules.implied_scale,
        )
        if coding is None:
            words = "no anchors and box scales make its boxes of the file's encodings"
            return dataclasses.replace(facts, why={**facts.why, "anchors": words})
        known = own.box_scales or coding.scales
        scales = tuple(
            stated if math.isclose(each, stated, rel_tol=rules.implied_scale) else each
            for each, stated in zip(coding.scales, known, strict=True)
        )
        return dataclasses.replace(
            facts, anchors=coding.anchors, anchor_step=rules.implied_rounding, scales=scales
        )

    def decoded(self, given: GivenSubject) -> DecodedSides:
        """Of the same pixels, the file's decoded by its own anchors and box scales."""
        return DecodedSides(self.runs.resized, _decoded(given, self.raw))

    def decoded_of_stored(self, given: GivenSubject, count: int) -> DecodedSides | None:
        """Of the first images, resized by each side; None where the SavedModel resizes none."""
        if self.runs.stored is None:
            return None
        raw = without_batch(given.raw_outputs(count))
        return DecodedSides(self.runs.stored, _decoded(given, raw))


def saved_model_sides(
    given: GivenSubject, reference: SavedModelReference, count: int
) -> SavedModelSides:
    """Run both sides on the first images.

    Raises:
        NotProvided: One of them has nothing before its NMS, or not as many rows as the other.
    """
    size = given.preprocessing.height, given.preprocessing.width
    runs = reference.raw_runs(count, size)
    raw = without_batch(given.raw_outputs(count, runs.size))
    expected, got = raw[BOX_ENCODINGS_NAME].shape[1], runs.resized.boxes.shape[1]
    if expected != got:
        raise NotProvided(
            "the SavedModel's raw boxes are not one for each anchor of the file, so the body was "
            "not compared by itself",
            expected=f"{expected} rows",
            got=f"{got}: rows that its NMS left, or those of other anchors",
            where=reference.path.name,
            next_step="judge the file by another .tflite or an inference graph as well",
        )
    return SavedModelSides(runs, raw)


def _decoded(given: GivenSubject, raw: Arrays) -> RawDetections:
    anchors, attributes = given.anchors, given.postprocess
    boxes = [decode_boxes(each, anchors, attributes) for each in raw[BOX_ENCODINGS_NAME]]
    return RawDetections(np.stack(boxes), raw[CLASS_PREDICTIONS_NAME])
