"""What a post-processing op makes detections of, and a fault in it with what undoes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.diagnosis.hypotheses import Cause
from validation.errors import ValidationError
from validation.postprocess.detections import to_detections
from validation.postprocess.op import detection_postprocess
from validation.record.detections import Detections
from validation.specs.contracts import PostprocessAttributes

_Array = NDArray[np.float32]
_NOTHING = Detections((), (), ())


@dataclass(frozen=True, eq=False)
class RawOutputs:
    """What the op makes detections of, for one image.

    Args:
        encodings: float32 [N, 4] as ty, tx, th, tw.
        scores: float32 [N, C]: num_classes, or one more with the background first.
        anchors: float32 [N, 4] as centre y, centre x, height, width.
        attributes: Of the op.
    """

    encodings: _Array
    scores: _Array
    anchors: _Array
    attributes: PostprocessAttributes

    @classmethod
    def of_image(
        cls, boxes: _Array, scores: _Array, anchors: _Array, attributes: PostprocessAttributes
    ) -> RawOutputs:
        """Of what a network gives for one image, with the batch and whatever is of size 1."""
        return cls(boxes.reshape(-1, 4), scores.reshape(-1, scores.shape[-1]), anchors, attributes)

    def with_attributes(self, **changed: Any) -> RawOutputs:
        """With other attributes of the op."""
        return dataclasses.replace(self, attributes=dataclasses.replace(self.attributes, **changed))

    def detections_from(self, min_score: float) -> Detections:
        """`detections` with scores from this on at the least."""
        lowest = max(min_score, self.attributes.nms_score_threshold)
        return self.with_attributes(nms_score_threshold=lowest).detections()

    def detections(self) -> Detections:
        """What the op detects; nothing where it refuses its inputs."""
        try:
            with np.errstate(all="ignore"):
                out = detection_postprocess(
                    np.ascontiguousarray(self.encodings, np.float32),
                    np.ascontiguousarray(self.scores, np.float32),
                    np.ascontiguousarray(self.anchors, np.float32),
                    self.attributes,
                )
        except ValidationError:
            return _NOTHING
        return to_detections(out)


Undo = Callable[[RawOutputs], RawOutputs]


@dataclass(frozen=True)
class RawHypothesis:
    """A fault of raw outputs, anchors or attributes.

    Args:
        cause: What is wrong.
        undo: Changes what one image gave.
    """

    cause: Cause
    undo: Undo
