"""Checks before the converter is called, whose own errors would not name the cause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from validation.convert.conversion import SETTINGS, Conversion, Source
from validation.errors import ConversionError, first_few
from validation.export.graph_io import stated_shape, unread_nodes
from validation.specs.contracts import IMAGE_TENSOR, INPUT_NAME, POSTPROCESS_NAME

# What the OD API's inference graphs preprocess and post-process with, over the years.
_INFERENCE_ONLY = ("TensorArray", "NonMaxSuppression", "CombinedNonMaxSuppression")
# One activation each: what follows (bias, Relu6) is one op with it in TFLite.
_COMPUTING = ("Conv2D", "DepthwiseConv2dNative", "MatMul")


def pre_flight(graph: Any, conversion: Conversion, where: str) -> None:
    """Refuse a conversion that cannot succeed.

    Args:
        graph: GraphDef.
        conversion: What is asked for.
        where: The graph's file name.

    Raises:
        ConversionError: Says what is wrong and what to do.
    """
    _check_arrays(graph, conversion, where)
    _check_shapes(graph, conversion, where)
    _check_custom_op(graph, conversion, where)
    _check_source(graph, conversion, where)
    _check_inputs_of_scheme(conversion, where)


def count_fake_quant(graph: Any) -> int:
    """How many FakeQuant nodes a graph holds."""
    return sum(node.op.startswith("FakeQuantWithMinMax") for node in graph.node)


def _check_arrays(graph: Any, conversion: Conversion, where: str) -> None:
    names = {node.name for node in graph.node}
    if not (conversion.input_arrays and conversion.output_arrays):
        raise ConversionError(
            "a conversion needs input arrays and output arrays",
            got=f"{len(conversion.input_arrays)} and {len(conversion.output_arrays)}",
            where=where,
        )
    unsupported = sorted({node.op for node in graph.node if node.op.startswith(_INFERENCE_ONLY)})
    if INPUT_NAME not in names and (IMAGE_TENSOR in names or unsupported):
        raise ConversionError(
            "an inference graph is not convertible: it takes images of any size, and its loops "
            "over images and its NMS are ops that TFLite does not have",
            got=first_few(unsupported) or None,
            where=where,
            next_step="export it first: python -m validation export --frozen_graph ...",
        )
    for name in conversion.input_arrays:
        if name not in names:
            placeholders = [node.name for node in graph.node if node.op == "Placeholder"]
            raise _no_such("input", name, placeholders, where)
    for tensor in conversion.output_arrays:
        if tensor.partition(":")[0] not in names:
            raise _no_such("output", tensor, unread_nodes(graph), where)


def _check_shapes(graph: Any, conversion: Conversion, where: str) -> None:
    """The reshapes and anchors of a graph are made for its placeholder's size."""
    own = placeholder_shapes(graph, conversion.input_arrays)
    for name, asked in (conversion.input_shapes or {}).items():
        shape = own.get(name, ())
        if shape and min(shape) > 0 and shape != asked:
            raise ConversionError(
                "the graph is made for another input shape than the one asked for",
                expected=list(shape),
                got=list(asked),
                where=where,
                next_step="leave --input_shapes out; for another size change image_resizer in "
                "pipeline.config and export the checkpoint again",
            )


def placeholder_shapes(graph: Any, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """What the named placeholders of a graph take, see `stated_shape`."""
    return {
        node.name: stated_shape(node)
        for node in graph.node
        if node.op == "Placeholder" and node.name in names
    }


def _check_custom_op(graph: Any, conversion: Conversion, where: str) -> None:
    has_op = any(node.op == POSTPROCESS_NAME for node in graph.node)
    if has_op and POSTPROCESS_NAME in conversion.output_arrays and not conversion.allow_custom_ops:
        raise ConversionError(
            f"{POSTPROCESS_NAME} is a custom op of TFLite",
            expected="allow_custom_ops",
            where=where,
            next_step="allow custom ops: this one is known to every TFLite runtime",
        )


def _check_source(graph: Any, conversion: Conversion, where: str) -> None:
    """Ranges are either in the graph or found after training, never both."""
    source, nodes = SETTINGS[conversion.scheme].source, count_fake_quant(graph)
    if source is Source.FAKE_QUANT and not nodes:
        activations = sum(node.op in _COMPUTING for node in graph.node)
        raise ConversionError(
            f"QUANTIZED_UINT8 takes its ranges from the graph, and 0 of {activations} "
            "activations have FakeQuant ranges",
            where=where,
            next_step="use float, dynamic, float16 or int8; or take a checkpoint that was "
            "trained with quantisation, or calibrate the float one with fakequant",
        )
    if source is Source.FLOAT and nodes:
        raise ConversionError(
            f"{conversion.scheme} quantises a float graph, and this one holds its own ranges",
            expected="no FakeQuant nodes",
            got=nodes,
            where=where,
            next_step="convert it as uint8",
        )


def _check_inputs_of_scheme(conversion: Conversion, where: str) -> None:
    settings, stats = SETTINGS[conversion.scheme], conversion.input_stats
    if settings.needs_images and conversion.calibration is None:
        raise ConversionError(
            f"{conversion.scheme} needs representative images",
            where=where,
            next_step="give some of the images that the model is meant for, prepared as its "
            "extractor wants them",
        )
    if settings.needs_images and len(conversion.input_arrays) != 1:
        raise ConversionError(
            "representative images feed one input",
            got=", ".join(conversion.input_arrays),
            where=where,
        )
    if settings.needs_stats and stats is None:
        raise ConversionError(
            "QUANTIZED_UINT8 needs mean and std",
            expected="--mean_values and --std_dev_values",
            where=where,
            next_step="127.5/127.5 for an extractor that wants [-1, 1]",
        )
    # The converter would ignore it, or make another scheme than the one asked for.
    if stats is not None and not settings.needs_stats:
        raise _not_taken(conversion, "mean and std", stats, where)
    if conversion.calibration is not None and not settings.needs_images:
        raise _not_taken(conversion, "representative images", conversion.calibration.count, where)
    if stats is not None and not (
        math.isfinite(stats.mean) and math.isfinite(stats.std) and stats.std > 0
    ):
        raise ConversionError(
            "mean and std give no scale", expected="a std above 0", got=stats, where=where
        )


def _not_taken(conversion: Conversion, given: str, got: object, where: str) -> ConversionError:
    return ConversionError(
        f"{conversion.scheme} takes no {given}",
        got=got,
        where=where,
        next_step="leave them out, or ask for the variant that they are meant for",
    )


def _no_such(kind: str, name: str, candidates: Sequence[str], where: str) -> ConversionError:
    quoted = name != name.strip("'\"")
    return ConversionError(
        f"no node for {kind} array {name!r}"
        + (" (the quotes belong to the name)" if quoted else ""),
        expected=" | ".join(sorted(candidates)) or "a node of the graph",
        where=where,
    )
