"""Graph and pipeline.config must tell the same story about one model."""

from __future__ import annotations

import numpy as np

from validation.errors import GraphConfigMismatch
from validation.export.ssd_reading import SsdReading
from validation.pipeline.config import PipelineConfig


def require_agreement(
    reading: SsdReading, num_classes: int, config: PipelineConfig, where: str
) -> None:
    """Compare what both say; every disagreement is named with both values.

    Floats are equal when they are the same float32: the graph stores no more.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    size = reading.preprocessing
    pairs: list[tuple[str, object, object]] = [
        ("num_classes", num_classes, config.num_classes),
        ("image_resizer", (size.height, size.width), config.input_size),
        ("box_coder scales (y, x, h, w)", reading.box_coder_scales, config.box_coder_scales),
        ("score_converter", reading.score_converter, config.score_converter),
        ("score_threshold", reading.nms.score_threshold, config.score_threshold),
        ("iou_threshold", reading.nms.iou_threshold, config.iou_threshold),
        (
            "max_detections_per_class",
            reading.nms.max_detections_per_class,
            config.max_detections_per_class,
        ),
        ("max_total_detections", reading.nms.max_total_detections, config.max_total_detections),
    ]
    differing = [
        f"{name}: graph {graph}, config {text}"
        for name, graph, text in pairs
        if not np.array_equal(np.asarray(graph, _kind(graph)), np.asarray(text, _kind(graph)))
    ]
    if differing:
        raise GraphConfigMismatch(
            "graph and pipeline.config disagree",
            got="; ".join(differing),
            where=where,
            next_step="use the pipeline.config that the graph was exported with",
        )


def _kind(value: object) -> type:
    return str if isinstance(value, str) else np.float32
