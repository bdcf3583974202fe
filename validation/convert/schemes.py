"""What the converter is told for each scheme, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import tensorflow as tf

from validation.specs.variants import Scheme


class Source(StrEnum):
    """What a scheme is made from."""

    ANY = "any graph"
    FLOAT = "a graph without FakeQuant nodes"
    FAKE_QUANT = "a graph with FakeQuant nodes"


@dataclass(frozen=True)
class Recipe:
    """Settings of tf.compat.v1.lite.TFLiteConverter; None leaves its default.

    Args:
        source: What it is made from.
        optimise: optimizations = [DEFAULT]: quantise after training.
        supported_type: The only one in target_spec.supported_types.
        supported_ops: The only ones in target_spec.supported_ops.
        inference_type: Of the arithmetic, where the graph itself says the ranges.
        input_type: Of the input; images are bytes, so uint8 where the body is of 8 bits.
        raw_output_type: Of the raw outputs; the op's own outputs are always float32.
        needs_stats: quantized_input_stats must say what uint8 stands for.
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

    def instruct(self, converter: Any, *, raw: bool) -> None:
        """Set what the recipe says on a converter."""
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


RECIPES: Mapping[Scheme, Recipe] = {
    Scheme.FLOAT: Recipe(),
    Scheme.FLOAT16: Recipe(Source.FLOAT, optimise=True, supported_type=tf.float16),
    Scheme.DYNAMIC: Recipe(Source.FLOAT, optimise=True),
    Scheme.INT8: Recipe(
        Source.FLOAT,
        optimise=True,
        supported_ops=tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        input_type=tf.uint8,
        raw_output_type=tf.int8,
        needs_images=True,
    ),
    # Not an optimisation to the converter: it only does what the graph says.
    Scheme.UINT8: Recipe(Source.FAKE_QUANT, inference_type=tf.uint8, needs_stats=True),
}
