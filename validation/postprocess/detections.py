"""From the post-processing op's four arrays to detections, as an app reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.errors import FeedError
from validation.postprocess.op import PostprocessOutput
from validation.record.detections import Detections


def to_detections(output: PostprocessOutput, label_offset: int = 1) -> Detections:
    """The first ``count`` slots of the port's output; see `detections_from_op`."""
    return detections_from_op(
        output.boxes, output.classes, output.scores, output.count, label_offset
    )


def detections_from_op(
    boxes: ArrayLike,
    classes: ArrayLike,
    scores: ArrayLike,
    count: ArrayLike,
    label_offset: int = 1,
) -> Detections:
    """The first ``count`` slots, with label-map ids for classes.

    An app that goes by ``count`` reads no others, so with max_classes_per_detection > 1
    it misses the later slots, and so does this.

    Args:
        boxes: [1, S, 4] or [S, 4] as ymin, xmin, ymax, xmax.
        classes: [1, S] or [S], zero-based without background, whole numbers in any dtype.
        scores: [1, S] or [S].
        count: One number, in an array or alone.
        label_offset: Added to each class; label maps begin at 1 and the op at 0.

    Raises:
        FeedError: Shapes that differ, a count beyond the slots, or a class that is no
            whole number of 0 or more.
    """
    box_rows, class_row, score_row = _rows(
        np.asarray(boxes), np.asarray(classes), np.asarray(scores)
    )
    number = _count(np.asarray(count), slots=score_row.size)
    labels = class_row[:number].astype(np.float64)
    # NaN and infinity fail the first comparison as well.
    whole = (labels >= 0) & (np.floor(labels) == labels) & np.isfinite(labels)
    if not whole.all():
        slot = int(whole.argmin())
        raise FeedError(
            "a detection's class is not a class number",
            expected="a whole number of 0 or more",
            got=labels[slot],
            where=f"detection_classes, slot {slot} of {number}",
            next_step="check the order of the model's outputs",
        )
    return Detections(
        boxes=box_rows[:number],
        scores=score_row[:number],
        classes=labels.astype(np.int64) + label_offset,
    )


def _rows(
    boxes: NDArray[Any], classes: NDArray[Any], scores: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The three arrays without their batch axis.

    Raises:
        FeedError: They do not have the same number of slots.
    """
    slots = scores.shape[-1] if scores.ndim else -1
    if not (
        boxes.shape in ((1, slots, 4), (slots, 4))
        and classes.shape in ((1, slots), (slots,))
        and scores.shape in ((1, slots), (slots,))
    ):
        raise FeedError(
            "the post-processing's outputs do not fit each other",
            expected="boxes [1, S, 4], classes [1, S], scores [1, S]",
            got=f"boxes {list(boxes.shape)}, classes {list(classes.shape)}, "
            f"scores {list(scores.shape)}",
            next_step="check the order of the model's outputs",
        )
    return boxes.reshape(slots, 4), classes.reshape(slots), scores.reshape(slots)


def _count(count: NDArray[Any], slots: int) -> int:
    value = float(count.reshape(-1)[0]) if count.size == 1 else float("nan")
    if not 0 <= value <= slots or not value.is_integer():
        raise FeedError(
            "the number of detections cannot be",
            expected=f"one whole number from 0 to {slots}",
            got=count.tolist(),
            where="num_detections",
            next_step="check the order of the model's outputs",
        )
    return int(value)
