"""The detections of one image, as arrays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from validation.errors import RecordError


@dataclass(frozen=True, eq=False, init=False)
class Detections:
    """The detections of one image, valid ones only, in the model's own order.

    The arrays are read-only copies. They are float64 because every figure is computed in it
    and a model's float32 widens to it exactly.

    Args:
        boxes: float64 [N, 4] as ymin, xmin, ymax, xmax, each normalised to the image's side.
        scores: float64 [N], each in [0, 1].
        classes: int64 [N], label-map ids (1 is the first class).

    Raises:
        RecordError: The three do not describe the same detections, or a class id is not an
            integer.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __init__(self, boxes: ArrayLike, scores: ArrayLike, classes: ArrayLike) -> None:
        ids = np.asarray(classes)
        if ids.size and ids.dtype.kind not in "iu":
            raise RecordError("class ids that are not integers", expected="int", got=ids.dtype)
        corners = _read_only(boxes, np.float64)
        corners = corners if corners.size else corners.reshape(0, 4)
        arrays = corners, _read_only(scores, np.float64), _read_only(ids, np.int64)
        counts = [len(array) if array.ndim else 0 for array in arrays]
        if len(set(counts)) != 1:
            raise RecordError(
                "detections of unequal length",
                got=f"{counts[0]} boxes, {counts[1]} scores, {counts[2]} classes",
            )
        shapes = [array.shape for array in arrays]
        if shapes != [(counts[0], 4), (counts[0],), (counts[0],)]:
            raise RecordError(
                "detections of another shape",
                expected="boxes [N, 4], scores [N], classes [N]",
                got=", ".join(str(list(shape)) for shape in shapes),
            )
        for name, array in zip(("boxes", "scores", "classes"), arrays, strict=True):
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Number of detections."""
        return len(self.scores)

    def __eq__(self, other: object) -> bool:
        """The same values in the same order; NaN equals nothing."""
        if not isinstance(other, Detections):
            return NotImplemented
        return (
            np.array_equal(self.boxes, other.boxes)
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.classes, other.classes)
        )

    def take(self, which: slice | NDArray[Any]) -> Detections:
        """Some of them: a slice, indices in the order wanted, or a mask."""
        return Detections(self.boxes[which], self.scores[which], self.classes[which])

    @property
    def is_finite(self) -> bool:
        """No NaN and no infinity among boxes and scores."""
        return bool(np.isfinite(self.scores).all() and np.isfinite(self.boxes).all())


def all_finite(found: Collection[Detections]) -> bool:
    """No NaN and no infinity on any of some images, looked for in all at once."""
    return bool(
        np.isfinite(np.concatenate([*(each.scores for each in found), np.empty(0)])).all()
        and np.isfinite(np.concatenate([*(each.boxes for each in found), np.empty((0, 4))])).all()
    )


def _read_only(values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """The values as a read-only array; a copy unless it is one already."""
    array = np.asarray(values)
    if array.dtype != dtype or array.flags.writeable:
        array = array.astype(dtype)
        array.setflags(write=False)
    return array
