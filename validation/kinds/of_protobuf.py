"""Binary protobuf messages told apart: GraphDef, MetaGraphDef, SavedModel, ONNX, Core ML."""

from __future__ import annotations

import itertools
from typing import Protocol

from validation.kinds.kind import Kind
from validation.kinds.wire import Bytes, WireField, is_message, wire_fields

# Beyond any graph's number of nodes.
_MOST_FIELDS = 500_000
# GraphDef: node = 1, library = 2, version = 3, versions = 4.
_GRAPH_FIELDS = {1, 2, 3, 4}
_LENGTH = 2
# ONNX's ModelProto has fields up to 25; Core ML's kinds of model have numbers from 200 up.
_ONNX_FIELDS = range(1, 26)
_CORE_ML_TYPES = range(200, 10_000)
# What only a graph that was exported for TFLite has: the op, and the names of its raw outputs.
_EXPORTED = (b"TFLite_Detection_PostProcess", b"raw_outputs/class_predictions")


class Mapped(Bytes, Protocol):
    """A buffer that can be searched."""

    def find(self, sub: bytes, /) -> int:
        """Where some bytes begin, or -1."""


def protobuf_kind(data: Mapped) -> tuple[Kind, str] | None:
    """The kind of a message and how it shows that it is cut; None where it is none of these."""
    fields = list(itertools.islice(wire_fields(data), _MOST_FIELDS))
    if not fields:
        return None
    kind = _kind(data, fields)
    if kind is None:
        return None
    missing = fields[-1].end - len(data)
    stops_inside = len(fields) < _MOST_FIELDS and fields[-1].end < len(data)
    cut = f"{len(data)} bytes, at least {missing} more are missing" if missing > 0 else ""
    if stops_inside:
        cut = f"no field at byte {fields[-1].end} of {len(data)}"
    return kind, cut


def _kind(data: Mapped, fields: list[WireField]) -> Kind | None:
    numbers = {field.number for field in fields}
    first = fields[0]
    if first.number == 1 and first.wire_type == 0:
        return _of_version_first(data, fields, numbers)
    if first.number not in _GRAPH_FIELDS:
        return None
    # MetaGraphDef: meta_info_def = 1, graph_def = 2, saver_def = 3, and more behind them.
    graph = next((field for field in fields if field.number == 2), None)
    once = sum(field.number == 1 for field in fields) <= 1
    if once and graph is not None and _is_graph(data, graph):
        return Kind.META_GRAPH
    # A few bytes of anything may pass for a message; only nodes make it a graph.
    if not numbers <= _GRAPH_FIELDS or not any(
        field.number in (1, 2) and field.wire_type == _LENGTH for field in fields
    ):
        return None
    if first.number == 1 and not is_message(data, first, range(1, 6)):
        return None
    exported = any(data.find(mark) >= 0 for mark in _EXPORTED)
    return Kind.EXPORTED_GRAPH if exported else Kind.GRAPH


def _is_graph(data: Mapped, field: WireField) -> bool:
    """A GraphDef with a node, and not a library of functions: both begin with a message."""
    if not is_message(data, field, range(1, 2)):
        return False
    node = next(wire_fields(data, field.start, min(field.end, len(data))))
    name = next(wire_fields(data, node.start, min(node.end, len(data))), None)
    # A node's name is text; a function's signature is a message, whose first byte is a tag.
    return name is not None and name.number == 1 and data[name.start] >= ord(" ")


def _of_version_first(data: Mapped, fields: list[WireField], numbers: set[int]) -> Kind | None:
    """SavedModel, ONNX and Core ML begin with a small number, their version."""
    if numbers & set(_CORE_ML_TYPES):
        return Kind.CORE_ML
    second = fields[1] if len(fields) > 1 else None
    if second is None:
        return None
    if second.number == 2 and second.wire_type == _LENGTH and second.end > second.start:
        # MetaGraphDef and ModelDescription begin with a message, producer_name is text.
        if second.start < len(data) and data[second.start] != 0x0A:
            # A SavedModel that is cut behind its first bytes.
            return Kind.ONNX if second.end <= len(data) else Kind.SAVED_MODEL
        return Kind.SAVED_MODEL if numbers <= {1, 2} else Kind.CORE_ML
    return Kind.ONNX if numbers <= set(_ONNX_FIELDS) and numbers & {7, 8} else None
