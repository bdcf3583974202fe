"""From box encodings to boxes: the inverse of the OD API's box coder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from validation.specs.contracts import PostprocessAttributes


def decode_boxes(
    encodings: NDArray[np.float32],
    anchors: NDArray[np.float32],
    attributes: PostprocessAttributes,
) -> NDArray[np.float32]:
    """Corner boxes of encodings relative to their anchors, not clipped to the image.

    With encodings (ty, tx, th, tw) and anchors (y, x, h, w)::

        centre = t / scale * size + anchor centre
        half   = 0.5 * exp(t / scale) * size

    the faster-rcnn box coder (Ren et al. 2015, section 3.1.2). TFLite's kernel works
    in double precision, rounds centre and half to float32, and adds those in float32;
    so does this, for else an overlap just at the NMS threshold would fall otherwise.

    Args:
        encodings: float32 [N, 4] as ty, tx, th, tw.
        anchors: float32 [N, 4] as centre y, centre x, height, width.
        attributes: Gives y_scale, x_scale, h_scale, w_scale.

    Returns:
        float32 [N, 4] as ymin, xmin, ymax, xmax; an overflow is inf, NaN stays NaN.
    """
    # The op's attributes are C floats.
    centre_scale = np.array([attributes.y_scale, attributes.x_scale], np.float32)
    size_scale = np.array([attributes.h_scale, attributes.w_scale], np.float32)
    encoded = encodings.astype(np.float64)
    anchor = anchors.astype(np.float64)
    # What overflows here is the model's answer, to be reported and not to be warned of.
    with np.errstate(over="ignore", invalid="ignore"):
        centre = encoded[:, :2] / centre_scale.astype(np.float64) * anchor[:, 2:] + anchor[:, :2]
        half = 0.5 * np.exp(encoded[:, 2:] / size_scale.astype(np.float64)) * anchor[:, 2:]
        centre_single = centre.astype(np.float32)
        half_single = half.astype(np.float32)
        return np.concatenate([centre_single - half_single, centre_single + half_single], axis=1)
