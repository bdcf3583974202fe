"""A file's raw outputs, decoded, against what enters a SavedModel's NMS: a row an anchor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.comparison.tensors import compare_tensors
from validation.inference.saved_model import RawDetections
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.types import CheckResult, Measure, ModelKey

CHECK = "raw_parity"
_Floats = NDArray[np.float32]
_BOXES, _SCORES = "decoded_boxes", "class_predictions"
_OWN = "own_resize"


@dataclass(frozen=True)
class DecodedSides:
    """Both sides on the same images, boxes normalised and scores converted.

    Args:
        expected: Of the SavedModel, [I, N, ...].
        got: Of the file, decoded by its own anchors and box scales.
    """

    expected: RawDetections
    got: RawDetections


def same_columns(
    expected: NDArray[Any], got: NDArray[Any], num_classes: int
) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Scores of the classes that both sides have; the background's where both have it.

    Args:
        expected: [..., C] or, with the background first, [..., C + 1].
        got: Alike.
        num_classes: C of the file.

    Returns:
        None where a side has another number of classes.
    """
    spare = [side.shape[-1] - num_classes for side in (expected, got)]
    if not set(spare) <= {0, 1}:
        return None
    dropped = [each - min(spare) for each in spare]
    return expected[..., dropped[0] :], got[..., dropped[1] :]


def compare_decoded(
    same_pixels: DecodedSides,
    own_resize: DecodedSides | None,
    num_classes: int,
    size: tuple[int, int],
    *,
    policy: Policy,
    key: ModelKey,
    images: Sequence[object],
) -> CheckResult:
    """Judge boxes and scores of every anchor, and say what the resize adds.

    Boxes longer than the image are compared in units of their own longest side: what one step of
    an encoding moves grows with them.

    Args:
        same_pixels: Both sides fed the same pixels.
        own_resize: Each side with a resize of its own; None where the reference has none.
        num_classes: Of the file.
        size: Height and width of those pixels.
        policy: Has the limits of ``decoded_boxes_max_abs_diff`` and
            ``class_predictions_max_abs_diff``, and of ``own_resize_<these>``.
        key: The thing under test.
        images: What to call each row of the leading axis.
    """
    arrays = _arrays(same_pixels, num_classes)
    if arrays is None:
        columns = same_pixels.expected.scores.shape[-1]
        text = (
            f"the SavedModel gives {columns} scores an anchor, the file has {num_classes} classes"
        )
        return CheckResult.failed(CHECK, key, text, where=_SCORES)
    result = compare_tensors(*arrays, policy=policy, key=key, images=images)
    if not result.measures:
        return result
    words = [result.message, f"both sides were fed the same pixels, {size[0]}x{size[1]}"]
    # Where the body differs, the same difference with another resize says nothing more.
    own: tuple[Measure, ...] = ()
    if own_resize is not None and result.status is not Status.FAIL:
        own = _own_measures(own_resize, num_classes, policy, key)
    if own_resize is None:
        words.append(
            "the SavedModel takes no other size: stored images are resized for it in whole "
            "numbers, which end to end moves boxes and scores a little"
        )
    if any(each.status is not Status.PASS for each in own):
        words.append("the SavedModel resizes stored images otherwise than the file is fed here")
    return CheckResult.judged(
        CHECK, key, (*result.measures, *own), where=result.where, message="; ".join(words)
    )


def _arrays(
    sides: DecodedSides, num_classes: int
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]] | None:
    scores = same_columns(sides.expected.scores, sides.got.scores, num_classes)
    if scores is None:
        return None
    unit = _units(sides.expected.boxes)
    boxes = sides.expected.boxes / unit, sides.got.boxes / unit
    expected, got = ({_BOXES: box, _SCORES: each} for box, each in zip(boxes, scores, strict=True))
    return expected, got


def _units(boxes: _Floats) -> _Floats:
    """The longest side of each box, 1 where that is shorter than the image."""
    sides: _Floats = np.maximum(boxes[..., 2:] - boxes[..., :2], 1).max(axis=-1, keepdims=True)
    return sides


def _own_measures(
    sides: DecodedSides, num_classes: int, policy: Policy, key: ModelKey
) -> tuple[Measure, ...]:
    arrays = _arrays(sides, num_classes)
    if arrays is None:
        return ()
    found = {
        f"{_OWN}_{name}_max_abs_diff": float(np.abs(arrays[0][name] - arrays[1][name]).max())
        for name in arrays[0]
    }
    return Measure.limited(found, policy, CHECK, key)
