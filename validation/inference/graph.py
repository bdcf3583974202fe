"""Detections of an inference graph in TensorFlow: the archive's own, end to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from validation.errors import GraphError
from validation.record.detections import Detections
from validation.runtimes.base import Runtime
from validation.specs.contracts import IMAGE_TENSOR


class GraphDetector:
    """frozen_inference_graph.pb with its own resize, normalisation, anchors and NMS.

    Args:
        runtime: The graph with `DETECTION_OUTPUTS`, fed by image_tensor.
    """

    def __init__(self, runtime: Runtime) -> None:
        names = [spec.name for spec in runtime.inputs]
        if names != [IMAGE_TENSOR]:
            raise GraphError(
                "the inference graph takes another input", expected=IMAGE_TENSOR, got=names
            )
        self._runtime = runtime

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """See `Detector.detect`."""
        out = self._runtime.run({IMAGE_TENSOR: image[np.newaxis]})
        count = int(out["num_detections"][0])
        return Detections(
            boxes=out["detection_boxes"][0, :count],
            scores=out["detection_scores"][0, :count],
            # The graph has added the label offset itself, in float32.
            classes=out["detection_classes"][0, :count].astype(np.int64),
        )
