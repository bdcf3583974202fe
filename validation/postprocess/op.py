"""The TFLite_Detection_PostProcess op, ported to NumPy.

TensorFlow cannot run this op, so without a port nothing could compare with it. The
semantics are those of TFLite's kernel (detection_postprocess.cc) as LiteRT 2.3 ships
it. What one has to know when comparing with the op itself:

- Boxes are not clipped to [0, 1].
- A score at nms_score_threshold is in; an overlap at nms_iou_threshold survives.
- Each output has max_detections * max_classes_per_detection slots. Fast NMS gives
  every box max_classes_per_detection neighbouring slots but counts it once; regular
  NMS uses the first max_detections slots, one each. ``valid`` tells which slots hold
  a detection; with one class for each detection these are the first ``count``.
- Past those, regular NMS writes zeros into the first max_detections slots. All else is
  left as the memory was: garbage from the op, zeros here.
- Order among equal scores is exact: lower class (regular NMS), then lower anchor. Only
  with max_classes_per_detection > 1 is the order of an anchor's equal classes the C++
  library's own (std::partial_sort, not stable), and so is which of them are left out
  when not all fit; here the lower class comes first.
- Fast NMS with NaN among an anchor's scores is undefined in the op; here NaN never wins.
- All this is the op on one thread. With T > 1 threads, regular NMS in LiteRT 2.3 never
  looks at the zero-based class T (https://github.com/tensorflow/tensorflow/issues/56058),
  and classes are merged in the order in which the threads took them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.errors import FeedError, GraphError
from validation.postprocess.decode import decode_boxes
from validation.postprocess.nms import Selection, fast_nms, regular_nms
from validation.specs.contracts import PostprocessAttributes


@dataclass(frozen=True)
class PostprocessOutput:
    """The op's four outputs, and which slots mean something.

    Args:
        boxes: float32 [1, S, 4] as ymin, xmin, ymax, xmax; zeros where not valid.
        classes: float32 [1, S], zero-based and without background; zeros where not valid.
        scores: float32 [1, S]; zeros where not valid.
        count: The op's num_detections: boxes, not slots.
        valid: bool [S]: slots that hold a detection.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.float32]
    scores: NDArray[np.float32]
    count: int
    valid: NDArray[np.bool_]


def detection_postprocess(
    box_encodings: NDArray[np.float32],
    class_predictions: NDArray[np.float32],
    anchors: NDArray[np.float32],
    attributes: PostprocessAttributes,
) -> PostprocessOutput:
    """What TFLite_Detection_PostProcess makes of a model's raw outputs.

    Args:
        box_encodings: float32 [1, N, 4] or [N, 4] as ty, tx, th, tw.
        class_predictions: float32 scores [1, N, C] or [N, C]; C is num_classes, or one
            more when the first column is the background.
        anchors: float32 [N, 4] as centre y, centre x, height, width.
        attributes: As the node has them.

    Returns:
        All slots, the unused ones zero.

    Raises:
        FeedError: Shapes or dtypes that do not fit each other, or boxes inside out.
        GraphError: Attributes that the op refuses as well.
    """
    _check_attributes(attributes)
    encodings, scores = _check_arrays(box_encodings, class_predictions, anchors, attributes)
    boxes = decode_boxes(encodings, anchors, attributes)
    _check_boxes(boxes)
    nms = regular_nms if attributes.use_regular_nms else fast_nms
    return _fill(boxes, nms(boxes, scores, attributes), attributes)


def _fill(
    boxes: NDArray[np.float32], selection: Selection, attributes: PostprocessAttributes
) -> PostprocessOutput:
    """Put each detection into its slot."""
    each = attributes.max_classes_per_detection
    slots = attributes.max_detections * each
    count, used = selection.classes.shape
    stride = 1 if attributes.use_regular_nms else each
    target = (np.arange(count)[:, np.newaxis] * stride + np.arange(used)).ravel()

    out_boxes = np.zeros((1, slots, 4), np.float32)
    out_classes = np.zeros((1, slots), np.float32)
    out_scores = np.zeros((1, slots), np.float32)
    valid = np.zeros(slots, np.bool_)
    out_boxes[0, target] = boxes[selection.anchors.repeat(used)]
    out_classes[0, target] = selection.classes.ravel()
    out_scores[0, target] = selection.scores.ravel()
    valid[target] = True
    return PostprocessOutput(out_boxes, out_classes, out_scores, count, valid)


def _check_attributes(attributes: PostprocessAttributes) -> None:
    for name in (
        "max_detections",
        "max_classes_per_detection",
        "num_classes",
        "detections_per_class",
    ):
        if getattr(attributes, name) < 1:
            raise GraphError(
                "the post-processing node cannot run",
                expected=f"{name} of 1 or more",
                got=getattr(attributes, name),
                next_step="export the graph with other post-processing options",
            )
    if not 0 < attributes.nms_iou_threshold <= 1:
        raise GraphError(
            "the post-processing node cannot run",
            expected="nms_iou_threshold in (0, 1]",
            got=attributes.nms_iou_threshold,
            next_step="check iou_threshold in the model's pipeline.config",
        )


def _check_arrays(
    box_encodings: NDArray[np.float32],
    class_predictions: NDArray[np.float32],
    anchors: NDArray[np.float32],
    attributes: PostprocessAttributes,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Encodings [N, 4] and scores [N, num_classes], background gone.

    Raises:
        FeedError: Shapes or dtypes that do not fit each other.
    """
    number = anchors.shape[0] if anchors.ndim == 2 else -1
    columns = class_predictions.shape[-1] if class_predictions.ndim else -1
    background = columns - attributes.num_classes
    arrays = {
        "box_encodings": box_encodings,
        "class_predictions": class_predictions,
        "anchors": anchors,
    }
    fits = (
        box_encodings.shape in ((1, number, 4), (number, 4))
        and class_predictions.shape in ((1, number, columns), (number, columns))
        and anchors.shape == (number, 4)
        and background in (0, 1)
        and all(array.dtype == np.float32 for array in arrays.values())
    )
    if not fits:
        raise FeedError(
            "arrays that do not fit the post-processing",
            expected=f"float32 box_encodings [1, N, 4], class_predictions [1, N, "
            f"{attributes.num_classes} or {attributes.num_classes + 1}], anchors [N, 4]",
            got=", ".join(
                f"{name} {array.dtype} {list(array.shape)}" for name, array in arrays.items()
            ),
            next_step="dequantise and check the order of the raw outputs",
        )
    scores = class_predictions.reshape(number, columns)[:, background:]
    return box_encodings.reshape(number, 4), scores


def _check_boxes(boxes: NDArray[np.float32]) -> None:
    """The op stops at a box whose sides are swapped; NaN passes."""
    inverted = (boxes[:, 0] > boxes[:, 2]) | (boxes[:, 1] > boxes[:, 3])
    if inverted.any():
        first = int(inverted.argmax())
        raise FeedError(
            "decoded boxes are inside out",
            expected="ymin <= ymax and xmin <= xmax",
            got=f"{np.count_nonzero(inverted)} such boxes, the first is {boxes[first].tolist()}",
            where=f"anchor {first}",
            next_step="check that every anchor has a positive height and width",
        )
