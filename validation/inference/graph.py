"""Detections of an inference graph in TensorFlow: the archive's own, end to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from validation.errors import GraphError
from validation.preprocess.resize import resized_pixels
from validation.record.detections import Detections
from validation.runtimes.base import Runtime
from validation.specs.contracts import IMAGE_TENSOR


class GraphDetector:
    """frozen_inference_graph.pb with its own resize, normalisation, anchors and NMS.

    A graph that was exported for images of one size gets each image resized to it, in whole
    numbers, as image_tensor takes bytes.

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
        sides = runtime.inputs[0].shape[1:3]
        self.image_size = (sides[0], sides[1]) if len(sides) == 2 and min(sides) > 0 else None

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """See `Detector.detect`."""
        if self.image_size is not None:
            image = resized_pixels(image, *self.image_size)
        out = self._runtime.run({IMAGE_TENSOR: image[np.newaxis]})
        count = int(out["num_detections"][0])
        return Detections(
            boxes=out["detection_boxes"][0, :count],
            scores=out["detection_scores"][0, :count],
            # The graph has added the label offset itself, in float32.
            classes=out["detection_classes"][0, :count].astype(np.int64),
        )
