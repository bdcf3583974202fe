"""The anchors that a file's post-processing op reads, in real units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.preprocess.quantise import dequantise
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import read_anchors


@dataclass(frozen=True, eq=False)
class OpAnchors:
    """Anchors of one file.

    Args:
        values: float32 [N, 4] in centre form: y, x, height, width.
        stored: As the file has them.
        spec: What they are stored as.
    """

    values: NDArray[np.float32]
    stored: NDArray[Any]
    spec: TensorSpec

    @property
    def step(self) -> float:
        """Distance of two neighbours where the stored numbers are largest; 0 for float32."""
        if self.spec.scale is not None:
            return self.spec.scale
        if self.stored.dtype != np.float16:
            return 0.0
        with np.errstate(invalid="ignore"):  # a damaged table may hold anything
            return float(np.max(np.abs(np.spacing(self.stored)), initial=0))


def op_anchors(path: Path) -> OpAnchors:
    """Read the anchors of a .tflite file; see `read_anchors`.

    Raises:
        ArtefactMissing, ConversionError: See `read_anchors`.
    """
    stored, spec = read_anchors(path)
    return OpAnchors(dequantise(stored, spec).astype(np.float32), stored, spec)
