"""Files made elsewhere, made of one that is at hand: what other exporters and other hands leave."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.tflite.facts import describe
from validation.tflite.model import read_model
from validation.tflite.rewriting import with_anchors, with_attributes


def other_op(
    source: Path, target: Path, anchors: NDArray[np.float32] | None = None, **attributes: Any
) -> Path:
    """A copy whose post-processing op has other attributes, by name, or other anchors."""
    model = read_model(source)
    own = describe(model).postprocess
    assert own is not None
    content = with_attributes(model, dataclasses.replace(own, **attributes))
    if anchors is not None:
        content = with_anchors(read_model(content), anchors)
    target.write_bytes(content)
    return target
