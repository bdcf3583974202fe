"""How near quantised values come to float ones: what a record keeps, by output and by layer."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record.types import OfVariant
from validation.specs.tensors import TensorSpec

# What arrays without a difference get: float32 itself, with 24 bits, holds about as much
# (6.02 dB a bit and a little). A finite figure can be judged and written as JSON.
SQNR_CEILING_DB = 150.0

# Half the power.
_ALIKE_DB = 3.0


@dataclass(frozen=True)
class ErrorStatistics:
    """How near one tensor comes to its float values, over all values of all images.

    Args:
        values: How many were compared.
        low: Smallest float value.
        high: Largest float value.
        rmse: Root of the mean squared difference, in real units.
        sqnr_db: Power of the signal about its mean over the power of the difference, in dB,
            within +-`SQNR_CEILING_DB`. About its mean, because 0 dB is then what a tensor
            gets that stands still there; a common offset, as after a ReLU, says nothing.
        cosine: Of the angle between the two as vectors.
        rmse_in_steps: RMSE over the quantisation step, None for a float tensor. Rounding
            alone gives 1/sqrt(12) = 0.289: W. R. Bennett, Spectra of Quantized Signals,
            Bell System Technical Journal 27 (1948); TensorFlow's quantisation debugger
            gives the same figure as ``rmse/scale``.
        saturated: Share of values held at an end of the dtype while the float value lies
            more than a step beyond it. Not every value at an end: zeros after a ReLU stand
            there, and scores of 1.0, for which TFLite's sigmoid has 255/256. None for a
            float tensor.
        beyond_one_step: Share of values off by more than one step, None for a float tensor.
    """

    values: int
    low: float
    high: float
    rmse: float
    sqnr_db: float
    cosine: float
    rmse_in_steps: float | None = None
    saturated: float | None = None
    beyond_one_step: float | None = None


@dataclass(frozen=True)
class OutputError:
    """What quantisation costs at one output of the model.

    Args:
        tensor: As the quantised file has it.
        error: Against the float reference.
        constant: True when it is the same for every image, though the reference is not.
    """

    tensor: TensorSpec
    error: ErrorStatistics
    constant: bool


@dataclass(frozen=True)
class LayerError:
    """What quantisation costs at one operator of a .tflite file.

    Args:
        index: In the order of execution, 0 for the model's input.
        op: TFLite's name of the operator, or ``INPUT``.
        tensor: What it writes.
        counterpart: Name of the same tensor in the float file, empty where none was found.
        arriving_db: SQNR of the worst of what it reads, in the quantised file's own run;
            None where that has no counterpart.
        accumulated: Of what it writes, in the quantised file's own run; None without
            counterpart.
        local: Of what it writes when it is fed the float counterpart's values; None where one of
            the two has no counterpart.
    """

    index: int
    op: str
    tensor: TensorSpec
    counterpart: str = ""
    arriving_db: float | None = None
    accumulated: ErrorStatistics | None = None
    local: ErrorStatistics | None = None


@dataclass(frozen=True)
class QuantisationCost(OfVariant):
    """Where one quantised file loses what: its outputs, then its layers.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        reference: What its outputs were compared with; the layers, with the float counterpart.
        images: How many images the outputs were compared on.
        layer_images: How many the layers were compared on.
        outputs: In the file's order.
        layers: In the order of execution; empty where none was asked for.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    reference: str
    images: int
    layer_images: int
    outputs: tuple[OutputError, ...]
    layers: tuple[LayerError, ...] = ()
    file: str = ""


def worst_layer(layers: tuple[LayerError, ...]) -> LayerError | None:
    """The operator that loses most by itself; None where no local error is known.

    Of those that lose about as much, the first: what an operator reads was rounded, or cut
    off, by the one before it, and its own local error holds that loss too.

    Args:
        layers: In the order of execution.
    """
    known = [(layer.local.sqnr_db, layer) for layer in layers if layer.local is not None]
    least = min((decibels for decibels, _ in known), default=0.0)
    return next((layer for decibels, layer in known if decibels <= least + _ALIKE_DB), None)


def representable(spec: TensorSpec) -> tuple[float, float] | None:
    """Smallest and largest real value that a quantised tensor can hold; None for float."""
    if spec.scale is None:
        return None
    unsigned = spec.dtype.startswith("u")
    codes = 2 ** int(spec.dtype.removeprefix("u").removeprefix("int"))
    lowest = 0 if unsigned else -codes // 2
    zero_point = spec.zero_point or 0
    return (lowest - zero_point) * spec.scale, (lowest + codes - 1 - zero_point) * spec.scale
