"""The flags of the OD API's exporter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportOptions:
    """The exporter's flags.

    Args:
        add_postprocessing_op: False ends the graph in the two raw outputs.
        max_detections: Output slots; None takes the model's own max_total_detections.
        detections_per_class: For regular NMS; None takes the model's own value.
        max_classes_per_detection: For fast NMS.
        use_regular_nms: NMS for each class, as the OD API itself does it.
    """

    add_postprocessing_op: bool = True
    max_detections: int | None = None
    detections_per_class: int | None = None
    max_classes_per_detection: int = 1
    use_regular_nms: bool = True
