"""The contract of an exported SSD: how it is fed and what its outputs mean.

Read from a graph by the export, carried beside every file made from it, and
checked against the files; the names are those of the OD API and of TFLite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from validation.specs.tensors import TensorSpec

# The names that the OD API's export_tflite_ssd_graph.py gives its graph's inputs and outputs.
INPUT_NAME = "normalized_input_image_tensor"
BOX_ENCODINGS_NAME = "raw_outputs/box_encodings"
CLASS_PREDICTIONS_NAME = "raw_outputs/class_predictions"
ANCHORS_NAME = "anchors"
POSTPROCESS_NAME = "TFLite_Detection_PostProcess"

# The outputs of the exported graph, in either of its forms; the op's outputs in its own order:
# boxes, classes, scores, count.
RAW_OUTPUTS = (BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME)
POSTPROCESS_OUTPUTS = (
    POSTPROCESS_NAME,
    *(f"{POSTPROCESS_NAME}:{index}" for index in (1, 2, 3)),
)
# What each of them is, in the same order.
DETECTION_ROLES = ("boxes", "classes", "scores", "count")

# The inputs and outputs of the OD API's inference graphs.
IMAGE_TENSOR = "image_tensor"
DETECTION_OUTPUTS = (
    "detection_boxes",
    "detection_scores",
    "detection_classes",
    "num_detections",
)

# Attributes that exporters before 2018-08 did not write, with what the op's kernel takes then.
KERNEL_DEFAULTS: Mapping[str, int | bool] = {
    "detections_per_class": 100,
    "use_regular_nms": False,
}

# The exporter's --max_detections default; the report shows what it costs.
EXPORTER_DEFAULT_MAX_DETECTIONS = 10

# Scale and offset, see `Preprocessing`: (2/255) x - 1 for all feature extractors of the OD API
# but the ResNets, which subtract the mean of each RGB channel.
Triple = tuple[float, float, float]
UNIT_RANGE: tuple[Triple, Triple] = ((2 / 255,) * 3, (1.0,) * 3)
CHANNEL_MEANS: tuple[Triple, Triple] = ((1.0,) * 3, (123.68, 116.779, 103.939))


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its image: resized, then ``pixel * scale - offset``.

    Args:
        height: Input height in pixels.
        width: Input width in pixels.
        scale: Factor of each RGB channel, pixels in [0, 255].
        offset: Subtracted from each scaled channel.
        align_corners: Of the bilinear resize; False in every zoo graph.
        half_pixel_centers: Of the bilinear resize; False in every TF1 graph.
    """

    height: int
    width: int
    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    align_corners: bool = False
    half_pixel_centers: bool = False


class Suppression(Protocol):
    """A model's own non-maximum suppression."""

    @property
    def score_threshold(self) -> float:
        """Lower scores are dropped."""

    @property
    def iou_threshold(self) -> float:
        """Overlap above which the lower score is dropped."""

    @property
    def max_detections_per_class(self) -> int:
        """Kept for each class."""

    @property
    def max_total_detections(self) -> int:
        """Kept in all."""


@dataclass(frozen=True)
class PostprocessAttributes:
    """The attributes of a TFLite_Detection_PostProcess node, under their own names.

    Args:
        max_detections: Slots in each output.
        max_classes_per_detection: Classes an anchor may give in fast NMS.
        nms_score_threshold: Lower scores never enter NMS.
        nms_iou_threshold: Overlap above which the lower score is dropped.
        num_classes: Classes without the background.
        y_scale: Divisor of the encoded centre y; x, h, w alike.
        x_scale: See y_scale.
        h_scale: See y_scale.
        w_scale: See y_scale.
        detections_per_class: Kept for each class in regular NMS.
        use_regular_nms: NMS for each class; False: one pass over the best class of an anchor.
    """

    max_detections: int
    max_classes_per_detection: int
    nms_score_threshold: float
    nms_iou_threshold: float
    num_classes: int
    y_scale: float
    x_scale: float
    h_scale: float
    w_scale: float
    detections_per_class: int
    use_regular_nms: bool

    @classmethod
    def of_model(
        cls, nms: Suppression, num_classes: int, scales: tuple[float, float, float, float]
    ) -> PostprocessAttributes:
        """What does in the op what a model does itself: NMS for each class.

        Args:
            nms: Of its graph or its config.
            num_classes: Without the background.
            scales: Of its box coder: y, x, height, width.
        """
        y_scale, x_scale, h_scale, w_scale = scales
        return cls(
            max_detections=nms.max_total_detections,
            max_classes_per_detection=1,
            nms_score_threshold=nms.score_threshold,
            nms_iou_threshold=nms.iou_threshold,
            num_classes=num_classes,
            y_scale=y_scale,
            x_scale=x_scale,
            h_scale=h_scale,
            w_scale=w_scale,
            detections_per_class=nms.max_detections_per_class,
            use_regular_nms=True,
        )


@dataclass(frozen=True)
class SsdContract:
    """Everything that a runtime, a check or an app must know of one exported SSD.

    Args:
        preprocessing: From image to input tensor.
        num_anchors: Rows of both raw outputs.
        num_classes: Columns of the class predictions, less the background.
        score_converter: SIGMOID, SOFTMAX or IDENTITY, already inside the graph.
        postprocess: Attributes of the post-processing node.
    """

    preprocessing: Preprocessing
    num_anchors: int
    num_classes: int
    score_converter: str
    postprocess: PostprocessAttributes


@dataclass(frozen=True)
class GraphSummary:
    """Summary of an exported graph, read back from the file.

    Args:
        inputs: Placeholders as (name, dtype, shape).
        outputs: Nodes that nothing reads.
        raw_outputs: The exporter's two raw outputs with the shapes that they run to.
        postprocess: Attributes of the post-processing node, None without it.
        postprocess_inputs: What the node reads, in its order.
        anchors: Shape of the anchors constant, empty without it.
        ops: How often each op occurs.
        variables: Names of variables left; a frozen graph has none.
        training_batch_norms: Batch norm nodes that still normalise by their batch.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[str, ...]
    raw_outputs: tuple[TensorSpec, ...]
    postprocess: PostprocessAttributes | None
    postprocess_inputs: tuple[str, ...]
    anchors: tuple[int, ...]
    ops: dict[str, int]
    variables: tuple[str, ...]
    training_batch_norms: int
