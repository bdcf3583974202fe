"""What an exported SSD promises to whoever feeds it and reads it.

Read from a graph by the export, carried beside every file made from it, and
checked against the files; the names are those of the OD API and of TFLite.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from validation.errors import GraphError

# The names that the OD API's export_tflite_ssd_graph.py gives its graph's ends.
INPUT_NAME = "normalized_input_image_tensor"
BOX_ENCODINGS_NAME = "raw_outputs/box_encodings"
CLASS_PREDICTIONS_NAME = "raw_outputs/class_predictions"
ANCHORS_NAME = "anchors"
POSTPROCESS_NAME = "TFLite_Detection_PostProcess"

# The exporter's --max_detections default; the cost of it is told in the report.
EXPORTER_DEFAULT_MAX_DETECTIONS = 10


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

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for the file beside an exported graph."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> SsdContract:
        """Read what `to_dict` wrote.

        Raises:
            GraphError: Fields missing or left over.
        """
        try:
            fields = dict(table)
            steps = dict(fields.pop("preprocessing"))
            steps["scale"] = tuple(steps["scale"])
            steps["offset"] = tuple(steps["offset"])
            attributes = PostprocessAttributes(**fields.pop("postprocess"))
            return cls(preprocessing=Preprocessing(**steps), postprocess=attributes, **fields)
        except (KeyError, TypeError, ValueError) as error:
            raise GraphError(
                "the contract of an exported graph cannot be read",
                got=error,
                next_step="export the graph again",
            ) from error
