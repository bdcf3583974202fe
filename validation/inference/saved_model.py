"""Detections of a SavedModel of the OD API, TensorFlow 1's or 2's, end to end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from validation.errors import GraphError, NotProvided, OutputMissing, first_few
from validation.preprocess.resize import resized_pixels
from validation.record.detections import Detections
from validation.runtimes.base import Runtime
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.specs.tensors import TensorSpec

RAW_BOXES, RAW_SCORES = "raw_detection_boxes", "raw_detection_scores"
_AS_IMAGES = "export it again with --input_type=image_tensor"


@dataclass(frozen=True)
class RawDetections:
    """What enters the NMS of a SavedModel, one row an anchor.

    Args:
        boxes: float32 [N, 4] as ymin, xmin, ymax, xmax, normalised: decoded and not clipped; or
            [I, N, 4] of several images.
        scores: float32 [N, C+1], converted, the background first; some releases leave its
            column out, [N, C]. Of several images with the same axis in front.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


class SavedModelDetector:
    """A SavedModel with its own resize, normalisation, anchors and NMS.

    One that was exported for images of one size gets each image resized to it, in whole
    numbers, as the signature takes bytes.

    Args:
        runtime: Takes one uint8 image [1, H, W, 3]; outputs are known by the OD API's names.
        where: The SavedModel, for messages.

    Raises:
        GraphError: Another input: floats, encoded images, tf.Example, several images, or several
            inputs.
        OutputMissing: Outputs of detection are not there.
    """

    def __init__(self, runtime: Runtime, where: object = None) -> None:
        self._runtime = runtime
        self._where = where
        self._input = _image_input(runtime.inputs, where)
        names = [spec.name for spec in runtime.outputs]
        missing = [name for name in DETECTION_OUTPUTS if name not in names]
        if missing:
            raise OutputMissing(
                "the SavedModel is no detector of the OD API",
                expected=", ".join(DETECTION_OUTPUTS),
                got=f"no {', '.join(missing)} among {first_few(names)}",
                where=where,
                next_step="name the SavedModel that exporter_main_v2.py or "
                "export_inference_graph.py wrote",
            )
        self.has_raw = {RAW_BOXES, RAW_SCORES} <= set(names)
        sides = self._input.shape[1:3]
        self.image_size = (sides[0], sides[1]) if len(sides) == 2 and min(sides) > 0 else None

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """See `Detector.detect`.

        Raises:
            GraphError: Class ids below 1: the exporters count from 1.
        """
        out = self._run(image)
        count = int(out["num_detections"].flat[0])
        # Both exporters have added the label offset themselves, and give floats.
        classes = out["detection_classes"][0, :count].astype(np.int64)
        if classes.size and classes.min() < 1:
            raise GraphError(
                "the SavedModel counts its classes from 0",
                expected="class ids from 1, as the OD API's exporters write them",
                got=f"class {int(classes.min())}",
                where=self._where,
                next_step="export it again with the OD API's exporter",
            )
        return Detections(
            boxes=out["detection_boxes"][0, :count],
            scores=out["detection_scores"][0, :count],
            classes=classes,
        )

    def raw(self, image: NDArray[np.uint8]) -> RawDetections:
        """Boxes and scores of every anchor, before the NMS.

        Raises:
            NotProvided: The SavedModel was exported without them.
        """
        if not self.has_raw:
            raise NotProvided(
                "the SavedModel gives no boxes and scores before its NMS",
                expected=f"outputs {RAW_BOXES} and {RAW_SCORES}",
                where=self._where,
                next_step="export it again with a release of the OD API from 2019 on",
            )
        out = self._run(image)
        return RawDetections(out[RAW_BOXES][0], out[RAW_SCORES][0])

    def _run(self, image: NDArray[np.uint8]) -> dict[str, np.ndarray]:
        if self.image_size is not None:
            image = resized_pixels(image, *self.image_size)
        return self._runtime.run({self._input.name: image[np.newaxis]})


def _image_input(inputs: tuple[TensorSpec, ...], where: object) -> TensorSpec:
    """The one input, where it is an image of bytes."""
    expected = "one input, uint8 [1, H, W, 3]"
    if len(inputs) != 1:
        raise GraphError(
            "the SavedModel takes another number of inputs",
            expected=expected,
            got=first_few(spec.name for spec in inputs) or "none",
            where=where,
            next_step=_AS_IMAGES,
        )
    (spec,) = inputs
    got = f"{spec.name}: {spec.dtype} {list(spec.shape)}"
    if spec.dtype == "string":
        raise GraphError(
            "the SavedModel takes encoded images or tf.Example, not pixels",
            expected=expected,
            got=got,
            where=where,
            next_step=_AS_IMAGES,
        )
    if spec.dtype != "uint8":
        raise GraphError(
            "the SavedModel takes numbers whose normalisation is not known, not pixels",
            expected=expected,
            got=got,
            where=where,
            next_step=_AS_IMAGES,
        )
    # A shape that is not stated fits any image.
    fits = not spec.shape or (
        len(spec.shape) == 4 and spec.shape[0] in (-1, 1) and spec.shape[3] in (-1, 3)
    )
    if not fits:
        raise GraphError(
            "the SavedModel takes no single RGB image",
            expected=expected,
            got=got,
            where=where,
            next_step=f"{_AS_IMAGES} and --input_shape=1,-1,-1,3",
        )
    return spec
