"""The TFLite_Detection_PostProcess node, with every attribute that TFLite reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import types_pb2

from validation.errors import GraphError
from validation.specs.contracts import (
    ANCHORS_NAME,
    BOX_ENCODINGS_NAME,
    CLASS_PREDICTIONS_NAME,
    POSTPROCESS_NAME,
    PostprocessAttributes,
)


def add_postprocess_node(graph: Any, attributes: PostprocessAttributes) -> None:
    """Append the node that decodes, suppresses and sorts the raw outputs.

    TensorFlow has no such op: the node only carries its attributes to the converter.

    Args:
        graph: GraphDef that ends in raw_outputs/* and holds the anchors; changed in place.
        attributes: Written under their own names.
    """
    node = graph.node.add(name=POSTPROCESS_NAME, op=POSTPROCESS_NAME)
    node.input.extend([BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, ANCHORS_NAME])
    for name, value in dataclasses.asdict(attributes).items():
        # bool is an int to Python, so it is asked first.
        if isinstance(value, bool):
            node.attr[name].b = value
        elif isinstance(value, int):
            node.attr[name].i = value
        else:
            node.attr[name].f = value
    # The three that start with an underscore speak to the converter, not to the op: four
    # float outputs even where the body is quantised.
    node.attr["_output_quantized"].b = True
    node.attr["_output_types"].list.type.extend([types_pb2.DT_FLOAT] * 4)
    node.attr["_support_output_type_float_in_quantized_op"].b = True


def read_postprocess_node(
    graph: Any, defaults: Mapping[str, int | bool] | None = None
) -> PostprocessAttributes | None:
    """The attributes of a graph's post-processing node; None where it has none.

    Args:
        graph: GraphDef.
        defaults: For attributes that the node lacks, see `KERNEL_DEFAULTS`. None: it must
            have all of them.

    Raises:
        GraphError: Attributes missing; all are listed.
    """
    node = next((node for node in graph.node if node.op == POSTPROCESS_NAME), None)
    if node is None:
        return None
    names = [field.name for field in dataclasses.fields(PostprocessAttributes)]
    present = {
        name: getattr(node.attr[name], kind)
        for name in names
        if name in node.attr and (kind := node.attr[name].WhichOneof("value")) is not None
    }
    values = {**(defaults or {}), **present}
    missing = [name for name in names if name not in values]
    if missing:
        raise GraphError(
            "the post-processing node lacks attributes",
            got=f"no {', '.join(missing)}",
            where=node.name,
            next_step="export the graph again: older exporters left some out",
        )
    return PostprocessAttributes(**values)
