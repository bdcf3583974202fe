"""What a conversion asks for, and the converter's settings for each scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import tensorflow as tf

from validation.calibration.feeding import Calibration
from validation.specs.contracts import INPUT_NAME, POSTPROCESS_OUTPUTS, RAW_OUTPUTS, Preprocessing
from validation.specs.input_stats import InputStats, default_stats
from validation.specs.variants import Scheme, variant_of


class Source(StrEnum):
    """What a scheme is made from."""

    ANY = "any graph"
    FLOAT = "a graph without FakeQuant nodes"
    FAKE_QUANT = "a graph with FakeQuant nodes"


@dataclass(frozen=True)
class SchemeSettings:
    """Settings of tf.compat.v1.lite.TFLiteConverter; None leaves its default.

    Args:
        source: What it is made from.
        optimise: optimizations = [DEFAULT]: quantise after training.
        supported_type: The only one in target_spec.supported_types.
        supported_ops: The only ones in target_spec.supported_ops.
        inference_type: Of the arithmetic, where the graph has the ranges.
        input_type: Of the input; images are bytes, so uint8 where the body is of 8 bits.
        raw_output_type: Of the raw outputs; the op's own outputs are always float32.
        needs_stats: quantized_input_stats must say which real values uint8 encodes.
        needs_images: Ranges come from representative images.
    """

    source: Source = Source.ANY
    optimise: bool = False
    supported_type: Any = None
    supported_ops: Any = None
    inference_type: Any = None
    input_type: Any = None
    raw_output_type: Any = None
    needs_stats: bool = False
    needs_images: bool = False

    def apply(self, converter: Any, *, raw: bool) -> None:
        """Set them on a converter."""
        if self.optimise:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if self.supported_type is not None:
            converter.target_spec.supported_types = [self.supported_type]
        if self.supported_ops is not None:
            converter.target_spec.supported_ops = [self.supported_ops]
        if self.inference_type is not None:
            converter.inference_type = self.inference_type
        if self.input_type is not None:
            converter.inference_input_type = self.input_type
        if raw and self.raw_output_type is not None:
            converter.inference_output_type = self.raw_output_type


SETTINGS: Mapping[Scheme, SchemeSettings] = {
    Scheme.FLOAT: SchemeSettings(),
    Scheme.FLOAT16: SchemeSettings(Source.FLOAT, optimise=True, supported_type=tf.float16),
    Scheme.DYNAMIC: SchemeSettings(Source.FLOAT, optimise=True),
    Scheme.INT8: SchemeSettings(
        Source.FLOAT,
        optimise=True,
        supported_ops=tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        input_type=tf.uint8,
        raw_output_type=tf.int8,
        needs_images=True,
    ),
    # Not an optimisation to the converter: it only does what the graph says.
    Scheme.UINT8: SchemeSettings(Source.FAKE_QUANT, inference_type=tf.uint8, needs_stats=True),
}


@dataclass(frozen=True)
class Conversion:
    """What to convert, under tflite_convert's names.

    Args:
        input_arrays: Names of the placeholders.
        output_arrays: Names of the output tensors.
        input_shapes: A shape for each input, in place of the placeholder's own.
        allow_custom_ops: The post-processing op is one, so True is the rule.
        scheme: Number format of the file.
        input_stats: mean_values and std_dev_values; uint8 needs them.
        calibration: Representative images; int8 needs them.
    """

    input_arrays: tuple[str, ...]
    output_arrays: tuple[str, ...]
    input_shapes: dict[str, tuple[int, ...]] | None = None
    allow_custom_ops: bool = True
    scheme: Scheme = Scheme.FLOAT
    input_stats: InputStats | None = None
    calibration: Calibration | None = None


def conversion_of(
    variant: str,
    *,
    preprocessing: Preprocessing | None = None,
    input_stats: InputStats | None = None,
    calibration: Calibration | None = None,
) -> Conversion:
    """The conversion that makes a variant.

    Args:
        variant: Its name.
        preprocessing: Of the extractor: mean and std follow from it where none are given.
        input_stats: For uint8, other than the preprocessing's own.
        calibration: For int8.

    Raises:
        UsageError: Unknown variant.
        ConversionError: No mean and std follow from the preprocessing.
    """
    known = variant_of(variant)
    if SETTINGS[known.scheme].needs_stats and input_stats is None and preprocessing is not None:
        input_stats = default_stats(preprocessing)
    return Conversion(
        (INPUT_NAME,),
        POSTPROCESS_OUTPUTS if known.add_postprocessing_op else RAW_OUTPUTS,
        scheme=known.scheme,
        input_stats=input_stats,
        calibration=calibration,
    )
