"""Convert an exported graph to a .tflite file, as tflite_convert of TensorFlow 1 did.

The converter is tf.compat.v1.lite.TFLiteConverter.from_frozen_graph, the only one
of TensorFlow 2 that still takes a GraphDef. It knows TFLite_Detection_PostProcess
by itself and gives the same bytes on every run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from validation.calibration.feeding import calibration_of, checked_feeds
from validation.calibration.images import CalibrationImages
from validation.convert.conversion import SETTINGS, Conversion, conversion_of
from validation.convert.graph_file import GraphOfFile, converter_of
from validation.convert.pre_flight import count_fake_quant, placeholder_shapes, pre_flight
from validation.errors import ConversionError, ValidationError
from validation.export.graph_io import read_graph
from validation.files.atomic import write_bytes_atomic
from validation.isolation.activity import doing
from validation.isolation.board import Activity
from validation.isolation.freed_memory import give_back_freed, pieces_mapped
from validation.specs.contracts import POSTPROCESS_NAME, Preprocessing
from validation.specs.input_stats import InputStats
from validation.specs.variants import variant_of
from validation.tflite.model import read_model


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


def convert_variant(
    graph: Path,
    variant: str,
    output: Path,
    *,
    preprocessing: Preprocessing,
    input_stats: InputStats | None,
    calibration: CalibrationImages | None,
) -> Path:
    """Convert an exported graph to a variant, calibrated with images where it needs any.

    Args:
        graph: See `convert`.
        variant: Its name.
        output: See `convert`.
        preprocessing: Of the export's contract.
        input_stats: Of a uint8 input; None where the variant needs none.
        calibration: Images of int8; None where the variant needs none.

    Raises:
        ValidationError: See `convert`; or an image cannot be read.
    """
    chosen = None if calibration is None else calibration_of(calibration, preprocessing)
    conversion = conversion_of(
        variant, preprocessing=preprocessing, input_stats=input_stats, calibration=chosen
    )
    return convert(graph, conversion, output)


@pieces_mapped()
def convert(graph: Path, conversion: Conversion, output: Path) -> Path:
    """Convert an exported graph; the file appears complete or not at all.

    Args:
        graph: tflite_graph.pb.
        conversion: See `conversion_of`.
        output: The .tflite file to write; its folder is made.

    Raises:
        ArtefactMissing, CorruptGraph: The graph cannot be read.
        ConversionError: The graph is not convertible, or the converter refused it.
        FeedError: A representative image is not what the extractor is given.
        ArtefactError: The file cannot be written.
    """
    definition = read_graph(graph)
    pre_flight(definition, conversion, graph.name)
    shapes = conversion.input_shapes or placeholder_shapes(definition, conversion.input_arrays)
    source = GraphOfFile(graph, definition)
    # The converter holds several copies of the weights, and what is free beside them.
    del definition
    give_back_freed()
    try:
        converter = converter_of(
            source,
            list(conversion.input_arrays),
            list(conversion.output_arrays),
            {name: list(shape) for name, shape in shapes.items()},
        )
        converter.allow_custom_ops = conversion.allow_custom_ops
        _configure(converter, conversion, shapes)
        scheme = conversion.scheme
        activity = Activity(f"convert {scheme}", f"{graph} {scheme}", file=str(graph))
        with doing(activity):
            content = converter.convert()
    except ValidationError:  # of the representative images, or of a disk without room
        raise
    except Exception as error:  # the converter raises bare Exceptions among others
        raise ConversionError(
            "the converter refused the graph", got=_cause(error), where=graph.name
        ) from error
    _refuse_unknown_ops(content, graph.name)
    write_bytes_atomic(output, content, make_folder=True)
    return output


def _configure(converter: Any, conversion: Conversion, shapes: dict[str, tuple[int, ...]]) -> None:
    """Set the scheme, the input's scale and the calibration images on the converter."""
    raw = POSTPROCESS_NAME not in conversion.output_arrays
    SETTINGS[conversion.scheme].apply(converter, raw=raw)
    stats, calibration = conversion.input_stats, conversion.calibration
    if stats is not None:
        converter.quantized_input_stats = dict.fromkeys(
            conversion.input_arrays, (stats.mean, stats.std)
        )
    if calibration is not None:
        (name,) = conversion.input_arrays
        converter.representative_dataset = lambda: (
            [feed] for feed in checked_feeds(calibration, shapes[name], name)
        )


def _refuse_unknown_ops(content: bytes, where: str) -> None:
    """Where custom ops are allowed the converter passes on any op it does not know."""
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
    marked = [line for line in lines if "error:" in line or "neither a custom op" in line]
    return (marked or lines or [type(error).__name__])[0]
