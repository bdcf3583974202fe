"""What says how a file is fed, and the arithmetic of normalisations."""

from __future__ import annotations

from dataclasses import dataclass

from validation.metadata.model_metadata import ModelMetadata
from validation.preprocess.feed import FeedWay, has_usable_scale
from validation.specs.contracts import Preprocessing
from validation.specs.input_stats import InputStats, Range
from validation.specs.tensors import TensorSpec

# The input of every extractor of the zoo but ResNet and VGG: [-1, 1].
USUAL = InputStats(127.5, 127.5)
# Who says it, where the file itself does.
OWN_METADATA = "its own metadata"
# Who says it, where only the reference does.
OF_REFERENCE = "not stated in the file; as the reference wants it"
AS_IT_IS = {"uint8": "the pixel as it is", "int8": "the pixel less 128"}


@dataclass(frozen=True)
class FeedSources:
    """Everything that says how a file is fed.

    Args:
        stats: What the caller states.
        asked: The way that the caller asks for, None leaves it open.
        metadata: Of the file.
        export: What the contract of its export wants.
        export_is_named: True where the caller names the export; else it lies beside the file.
        reference_states: True where `export` is of what the file is judged by.
        inner: What a float input is quantised to as the first thing in the file: the range that
            it was calibrated with; None for any other file.
    """

    stats: InputStats | None = None
    asked: FeedWay | None = None
    metadata: ModelMetadata | None = None
    export: Preprocessing | None = None
    export_is_named: bool = False
    reference_states: bool = False
    inner: Range | None = None


def normalised(height: int, width: int, stats: InputStats) -> Preprocessing:
    """``real = (pixel - mean) / std`` after the resize of TensorFlow 1, for all channels."""
    return Preprocessing(height, width, _rgb(1 / stats.std), _rgb(stats.mean / stats.std))


def own_range(spec: TensorSpec, height: int, width: int) -> Preprocessing | None:
    """What the bytes stand for by the input's own scale and zero point."""
    if not has_usable_scale(spec) or spec.scale is None or spec.zero_point is None:
        return None
    low = _lowest(spec)
    return Preprocessing(
        height, width, _rgb(spec.scale), _rgb(spec.scale * (spec.zero_point - low))
    )


def alike(one: Preprocessing, other: Preprocessing) -> bool:
    """True where two normalisations differ by rounding alone."""
    return all(
        abs((pixel * a - b) - (pixel * c - d)) * 255 <= 0.1 * max(abs(255 * a), abs(255 * c))
        for a, b, c, d in zip(one.scale, one.offset, other.scale, other.offset, strict=True)
        for pixel in (0, 255)
    )


def _lowest(spec: TensorSpec) -> int:
    return -128 if spec.dtype == "int8" else 0


def _rgb(value: float) -> tuple[float, float, float]:
    return value, value, value
