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
from tensorflow.lite.python import schema_py_generated

from validation.contracts import INPUT_NAME, POSTPROCESS_NAME, POSTPROCESS_OUTPUTS, RAW_OUTPUTS
from validation.errors import ConversionError, UsageError
from validation.export.graph_io import read_graph

# What each variant ends in.
VARIANTS: dict[str, tuple[str, ...]] = {
    "float": POSTPROCESS_OUTPUTS,
    "raw": RAW_OUTPUTS,
}


@dataclass(frozen=True)
class Conversion:
    """What to convert, in the words of tflite_convert.

    Args:
        input_arrays: Names of the placeholders.
        output_arrays: Names of the tensors to end in.
        input_shapes: A shape for each input, where it is to replace the placeholder's own.
        allow_custom_ops: The post-processing op is one, so True is the rule.
    """

    input_arrays: tuple[str, ...]
    output_arrays: tuple[str, ...]
    input_shapes: dict[str, tuple[int, ...]] | None = None
    allow_custom_ops: bool = True


def conversion_of(variant: str) -> Conversion:
    """The conversion that makes a variant.

    Raises:
        UsageError: Unknown variant.
    """
    if variant not in VARIANTS:
        raise UsageError("unknown variant", expected=" | ".join(VARIANTS), got=variant)
    return Conversion((INPUT_NAME,), VARIANTS[variant])


def default_variant(graph: Path) -> str:
    """``float`` where the graph ends in the post-processing op, else ``raw``."""
    return "float" if any(node.op == POSTPROCESS_NAME for node in read_graph(graph).node) else "raw"


def convert(graph: Path, conversion: Conversion, output: Path) -> Path:
    """Convert an exported graph and put the file in place whole.

    Args:
        graph: tflite_graph.pb.
        conversion: See `conversion_of`.
        output: The .tflite file to write; its folder is made.

    Raises:
        ArtefactMissing, CorruptGraph: The graph cannot be read.
        ConversionError: The graph is not convertible, or the converter refused it.
    """
    definition = read_graph(graph)
    _pre_flight(definition, conversion, graph.name)
    shapes = conversion.input_shapes or _placeholder_shapes(definition, conversion.input_arrays)
    try:
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            str(graph),
            list(conversion.input_arrays),
            list(conversion.output_arrays),
            # TensorFlow cannot import a graph with the custom op, so it asks for the shapes.
            {name: list(shape) for name, shape in shapes.items()},
        )
        converter.allow_custom_ops = conversion.allow_custom_ops
        content = converter.convert()
    except Exception as error:  # the converter raises bare Exceptions among others
        raise ConversionError(
            "the converter refused the graph", got=_cause(error), where=graph.name
        ) from error
    _refuse_unknown_ops(content, graph.name)
    _write(output, content)
    return output


def _pre_flight(graph: Any, conversion: Conversion, where: str) -> None:
    """Name what the converter would only stumble over."""
    names = {node.name: node for node in graph.node}
    if not (conversion.input_arrays and conversion.output_arrays):
        raise ConversionError(
            "a conversion needs input arrays and output arrays",
            got=f"{len(conversion.input_arrays)} and {len(conversion.output_arrays)}",
            where=where,
        )
    if INPUT_NAME not in names and any(node.op.startswith("TensorArray") for node in graph.node):
        raise ConversionError(
            "an inference graph is not convertible: its image_tensor feeds loops over "
            "TensorArrays that TFLite does not have",
            where=where,
            next_step="export it first: python -m validation export --frozen_graph ...",
        )
    for name in conversion.input_arrays:
        if name not in names:
            raise _no_such(
                "input", name, [n.name for n in graph.node if n.op == "Placeholder"], where
            )
    for tensor in conversion.output_arrays:
        if tensor.partition(":")[0] not in names:
            raise _no_such("output", tensor, _ends(graph), where)
    has_op = any(node.op == POSTPROCESS_NAME for node in graph.node)
    if has_op and POSTPROCESS_NAME in conversion.output_arrays and not conversion.allow_custom_ops:
        raise ConversionError(
            f"{POSTPROCESS_NAME} is a custom op of TFLite",
            expected="allow_custom_ops",
            where=where,
            next_step="allow custom ops: this one is known to every TFLite runtime",
        )


def _placeholder_shapes(graph: Any, names: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    return {
        node.name: tuple(dim.size for dim in node.attr["shape"].shape.dim)
        for node in graph.node
        if node.op == "Placeholder" and node.name in names
    }


def _refuse_unknown_ops(content: bytes, where: str) -> None:
    """Where custom ops are allowed the converter passes on whatever it does not know."""
    model = schema_py_generated.Model.GetRootAs(content)
    codes = [
        model.OperatorCodes(place).CustomCode() for place in range(model.OperatorCodesLength())
    ]
    unknown = sorted({code.decode() for code in codes if code} - {POSTPROCESS_NAME})
    if unknown:
        raise ConversionError(
            "the graph has ops that no TFLite runtime has",
            expected=f"builtin ops and {POSTPROCESS_NAME}",
            got=", ".join(unknown),
            where=where,
        )


def _no_such(kind: str, name: str, candidates: list[str], where: str) -> ConversionError:
    quoted = name != name.strip("'\"")
    return ConversionError(
        f"no node for {kind} array {name!r}"
        + (" (the quotes belong to the name)" if quoted else ""),
        expected=" | ".join(sorted(candidates)) or "a node of the graph",
        where=where,
    )


def _ends(graph: Any) -> list[str]:
    """Nodes that no other node reads."""
    read = {
        source.removeprefix("^").partition(":")[0] for node in graph.node for source in node.input
    }
    return [node.name for node in graph.node if node.name not in read]


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
