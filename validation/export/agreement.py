"""Graph and pipeline.config must tell the same story about one model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from validation.errors import GraphConfigMismatch
from validation.export.ssd_reading import SsdReading
from validation.pipeline.config import PipelineConfig

# Path of a field below model.ssd, what a graph says of it, and what a config says.
Told = tuple[str, object, object]

_NMS = "post_processing.batch_non_max_suppression"
_NAMES = {"box_coder": "box_coder scales (y, x, h, w)"}


def require_agreement(
    reading: SsdReading, num_classes: int, config: PipelineConfig, where: str
) -> None:
    """Compare what an inference graph and a config say of one model.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    size, nms = reading.preprocessing, reading.nms
    told: list[Told] = [
        ("num_classes", num_classes, config.num_classes),
        ("image_resizer", (size.height, size.width), config.input_size),
        ("box_coder", reading.box_coder_scales, config.box_coder_scales),
        ("post_processing.score_converter", reading.score_converter, config.score_converter),
        (f"{_NMS}.score_threshold", nms.score_threshold, config.score_threshold),
        (f"{_NMS}.iou_threshold", nms.iou_threshold, config.iou_threshold),
        (
            f"{_NMS}.max_detections_per_class",
            nms.max_detections_per_class,
            config.max_detections_per_class,
        ),
        (f"{_NMS}.max_total_detections", nms.max_total_detections, config.max_total_detections),
    ]
    require_same(told, config, where, what="graph and pipeline.config")


def require_same(told: Iterable[Told], config: PipelineConfig, where: str, *, what: str) -> None:
    """Compare what a graph and a config say; every disagreement is named with both values.

    Floats are equal when they are the same float32: the graph stores no more.

    Args:
        told: Path of a field below model.ssd, what the graph says, what the config says.
        config: Knows the line of a field.
        where: File name for messages.
        what: The two that are compared.

    Raises:
        GraphConfigMismatch: At least one value differs.
    """
    differing = [
        f"{_NAMES.get(path, path.rpartition('.')[2])}: graph {graph}, config {text} "
        f"({config.where(f'model.ssd.{path}')})"
        for path, graph, text in told
        if not np.array_equal(np.asarray(graph, _kind(graph)), np.asarray(text, _kind(graph)))
    ]
    if differing:
        raise GraphConfigMismatch(
            f"{what} disagree",
            got="; ".join(differing),
            where=where,
            next_step="use the pipeline.config that the graph was exported with",
        )


def _kind(value: object) -> type:
    return str if isinstance(value, str) else np.float32
