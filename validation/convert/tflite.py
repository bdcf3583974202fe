"""Convert an exported graph to a .tflite file, as tflite_convert of TensorFlow 1 did.

The converter is tf.compat.v1.lite.TFLiteConverter.from_frozen_graph, the only one
of TensorFlow 2 that still takes a GraphDef. It knows TFLite_Detection_PostProcess
by itself and gives the same bytes on every run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from validation.convert.calibration import Calibration, watched
from validation.convert.pre_flight import count_fake_quant, placeholder_shapes, pre_flight
from validation.convert.schemes import RECIPES
from validation.errors import ConversionError, ValidationError
from validation.export.graph_io import read_graph
from validation.specs.contracts import (
    INPUT_NAME,
    POSTPROCESS_NAME,
    POSTPROCESS_OUTPUTS,
    RAW_OUTPUTS,
    Preprocessing,
)
from validation.specs.input_stats import InputStats, default_stats
from validation.specs.variants import Scheme, variant_of
from validation.tflite.model import read_model


@dataclass(frozen=True)
class Conversion:
    """What to convert, in the words of tflite_convert.

    Args:
        input_arrays: Names of the placeholders.
        output_arrays: Names of the tensors to end in.
        input_shapes: A shape for each input, where it is to replace the placeholder's own.
        allow_custom_ops: The post-processing op is one, so True is the rule.
        scheme: How the file is to keep its numbers.
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
    if RECIPES[known.scheme].needs_stats and input_stats is None and preprocessing is not None:
        input_stats = default_stats(preprocessing)
    return Conversion(
        (INPUT_NAME,),
        POSTPROCESS_OUTPUTS if known.add_postprocessing_op else RAW_OUTPUTS,
        scheme=known.scheme,
        input_stats=input_stats,
        calibration=calibration,
    )


def default_variant(graph: Path, inference_type: str | None = None) -> str:
    """The variant that a graph was made for: raw where it does not end in the op.

    Args:
        graph: tflite_graph.pb.
        inference_type: FLOAT or QUANTIZED_UINT8, tflite_convert's words; None: uint8 where
            the graph has FakeQuant nodes, else float.
    """
    definition = read_graph(graph)
    ranges = count_fake_quant(definition) > 0
    quantised = ranges if inference_type is None else inference_type == "QUANTIZED_UINT8"
    variant = variant_of("uint8" if quantised else "float")
    has_op = any(node.op == POSTPROCESS_NAME for node in definition.node)
    return variant.name if has_op else variant.raw_variant


def convert(graph: Path, conversion: Conversion, output: Path) -> Path:
    """Convert an exported graph and put the file in place whole.

    Args:
        graph: tflite_graph.pb.
        conversion: See `conversion_of`.
        output: The .tflite file to write; its folder is made.

    Raises:
        ArtefactMissing, CorruptGraph: The graph cannot be read.
        ConversionError: The graph is not convertible, or the converter refused it.
        FeedError: A representative image is not what the extractor is given.
    """
    definition = read_graph(graph)
    pre_flight(definition, conversion, graph.name)
    shapes = conversion.input_shapes or placeholder_shapes(definition, conversion.input_arrays)
    try:
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            str(graph),
            list(conversion.input_arrays),
            list(conversion.output_arrays),
            # TensorFlow cannot import a graph with the custom op, so it asks for the shapes.
            {name: list(shape) for name, shape in shapes.items()},
        )
        converter.allow_custom_ops = conversion.allow_custom_ops
        _instruct(converter, conversion, shapes)
        content = converter.convert()
    except ValidationError:  # of the representative images
        raise
    except Exception as error:  # the converter raises bare Exceptions among others
        raise ConversionError(
            "the converter refused the graph", got=_cause(error), where=graph.name
        ) from error
    _refuse_unknown_ops(content, graph.name)
    _write(output, content)
    return output


def _instruct(converter: Any, conversion: Conversion, shapes: dict[str, tuple[int, ...]]) -> None:
    """Tell the converter the scheme and what it is fed with."""
    raw = POSTPROCESS_NAME not in conversion.output_arrays
    RECIPES[conversion.scheme].instruct(converter, raw=raw)
    stats, calibration = conversion.input_stats, conversion.calibration
    if stats is not None:
        converter.quantized_input_stats = dict.fromkeys(
            conversion.input_arrays, (stats.mean, stats.std)
        )
    if calibration is not None:
        (name,) = conversion.input_arrays
        converter.representative_dataset = lambda: (
            [feed] for feed in watched(calibration, shapes[name], name)
        )


def _refuse_unknown_ops(content: bytes, where: str) -> None:
    """Where custom ops are allowed the converter passes on whatever it does not know."""
    codes = {code.custom_code for code in read_model(content, where).root.operator_codes}
    unknown = sorted(codes - {None, "", POSTPROCESS_NAME})
    if unknown:
        raise ConversionError(
            "the graph has ops that no TFLite runtime has",
            expected=f"builtin ops and {POSTPROCESS_NAME}",
            got=", ".join(unknown),
            where=where,
        )


def _cause(error: Exception) -> str:
    """The one line of a converter's message that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "error:" in line or "neither a custom op" in line]
    return (telling or lines or [type(error).__name__])[0]


def _write(output: Path, content: bytes) -> None:
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(output)
    except OSError as error:
        raise ConversionError(
            "the .tflite file cannot be written", got=error.strerror, where=output
        ) from error
    finally:
        if temporary.exists():
            temporary.unlink()
