"""Another .tflite file made of one: its heads for outputs, other attributes, or other anchors.

Everything else comes along: weights, metadata, and label files packed behind the model. The
original is not changed.
"""

from __future__ import annotations

import copy
import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from validation.errors import ConversionError, NotProvided
from validation.files.guard import faults, said
from validation.specs.contracts import POSTPROCESS_NAME, RAW_OUTPUTS, PostprocessAttributes
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import attributes_of
from validation.tflite.heads import constant_path, postprocess_ops
from validation.tflite.model import MODEL, UnpackedModel, present, tensor_spec
from validation.tflite.repacking import repack

# What the op's kernel reads.
_HEAD_DTYPES = ("float32", "uint8", "int8")
_ANCHOR_DTYPES = ("float32", "float16", "uint8", "int8")
_ANCHORS = 2
_LARGEST = float(np.finfo(np.float32).max)


def head_names(model: UnpackedModel) -> tuple[str, str]:
    """The outputs of `exposing_heads`: box encodings and class scores.

    The file's own names of the two tensors; the OD API's where they do not tell them apart.

    Raises:
        NotProvided: See `exposing_heads`.
        ConversionError: The post-processing op has too few inputs.
    """
    boxes, scores = (model.graph.tensors[index].name or "" for index in _heads(model))
    return (boxes, scores) if boxes and scores and boxes != scores else RAW_OUTPUTS


def exposing_heads(model: UnpackedModel) -> bytes:
    """The file with what the post-processing op reads in place of its detections.

    Box encodings come first, then class scores, each with the dtype, scale and zero point that
    it has in the file: what was widened to floats for the op is float32. The op goes, and with it
    what only detections or the op needed.

    Raises:
        NotProvided: No post-processing op, several, or heads that its kernel does not read.
        ConversionError: A damaged file, or one that cannot be written anew.
    """
    heads, names = _heads(model), head_names(model)
    root, graph = _copied(model)
    for index, name in zip(heads, names, strict=True):
        graph.tensors[index] = _changed(graph.tensors[index], name=name)
    graph.outputs = np.array(heads, np.int32)
    graph.operators = _needed(graph.operators, heads)
    root.signature_defs = [
        _changed(each, outputs=_signature_outputs(heads)) if each.subgraph_index == 0 else each
        for each in root.signature_defs or ()
    ]
    return repack(model, root)


def with_attributes(model: UnpackedModel, attributes: PostprocessAttributes) -> bytes:
    """The file with other attributes of its post-processing op.

    Options that are none of the attributes stay as they are, and so do values that are equal.

    Raises:
        NotProvided: No post-processing op, or several.
        ConversionError: Options that are damaged or hold more than numbers and texts, or a file
            that cannot be written anew.
    """
    op = _op(model)
    own, wanted = (dataclasses.asdict(each) for each in (attributes_of(model, op), attributes))
    changed = {name: value for name, value in wanted.items() if value != own[name]}
    root, graph = _copied(model)
    if changed:
        place = _place(model, op)
        options = flexbuffers.Dumps({**_plain_options(model, op), **changed})
        graph.operators[place] = _changed(op, custom_options=np.frombuffer(options, np.uint8))
        count = _slots(own), _slots(wanted)
        for index in present(op.outputs):
            graph.tensors[index] = _resized(graph.tensors[index], *count)
    return repack(model, root)


def with_anchors(model: UnpackedModel, anchors: NDArray[np.float32]) -> bytes:
    """The file with other anchors, kept in the form that its own have.

    In half precision about 3 digits remain. A quantised table keeps its scale and zero point:
    values are rounded to its steps, by up to half of one, and what lies beyond its range is cut
    off there. Other readers of the same tensor or of the same buffer keep theirs.

    Args:
        model: The file.
        anchors: [N, 4] in centre form, as many as there are.

    Raises:
        NotProvided: No post-processing op, several, or anchors that are computed.
        ConversionError: Another shape, values that are not finite, or a file that cannot be
            written anew.
    """
    op = _op(model)
    place = [at for at, index in enumerate(op.inputs) if index >= 0][_ANCHORS]
    found = constant_path(model, int(op.inputs[place]))
    if found is None:
        raise NotProvided(
            "the file's anchors are computed and cannot be replaced",
            expected=f"a constant as third input of {POSTPROCESS_NAME}",
            where=model.name,
        )
    path, source = found
    stored = _stored(model, source, anchors)
    root, graph = _copied(model)
    if not _is_private(model, path, source):
        source = _branch_off(graph, op, place, path, source)
    tensor = graph.tensors[source]
    buffer = MODEL.table("Buffer")(data=stored)
    if _buffer_readers(root)[tensor.buffer] == 1:
        root.buffers[tensor.buffer] = buffer
    else:
        root.buffers.append(buffer)
        graph.tensors[source] = _changed(tensor, buffer=len(root.buffers) - 1)
    return repack(model, root)


def _op(model: UnpackedModel) -> Any:
    """The file's one post-processing op."""
    ops = postprocess_ops(model)
    if len(ops) != 1:
        raise NotProvided(
            "the file has no post-processing op" if not ops else "which op ends the file is open",
            expected=f"one {POSTPROCESS_NAME}",
            got=f"{len(ops)} of them" if ops else None,
            where=model.name,
            next_step="give a file that ends in the op",
        )
    if len(present(ops[0].inputs)) <= _ANCHORS:
        raise model.damage(f"{POSTPROCESS_NAME} has {len(present(ops[0].inputs))} inputs")
    return ops[0]


def _heads(model: UnpackedModel) -> tuple[int, int]:
    """The two tensors, or why they cannot be outputs."""
    boxes, scores, *_ = present(_op(model).inputs)
    specs = [tensor_spec(model.graph.tensors[index]) for index in (boxes, scores)]
    complaint = next(_complaints(*specs), "" if boxes != scores else "both are one tensor")
    if complaint:
        raise NotProvided(
            "what the post-processing op reads cannot be taken as raw outputs",
            expected="box encodings [1, N, 4] and class scores [1, N, C + 1]",
            got=complaint,
            where=model.name,
        )
    return boxes, scores


def _complaints(boxes: TensorSpec, scores: TensorSpec) -> Iterator[str]:
    for spec in (boxes, scores):
        if spec.dtype not in _HEAD_DTYPES:
            yield f"{spec.name} of {spec.dtype}"
        if spec.dtype != "float32" and not (spec.scale and np.isfinite(spec.scale)):
            yield f"{spec.name} of {spec.dtype} without a scale"
    # A shape can be unknown until the file is run: none at all, or -1.
    rows = [_rows(spec) for spec in (boxes, scores)]
    if None in rows or (boxes.shape[2:] and boxes.shape[-1] != 4):
        yield f"{boxes.name} {list(boxes.shape)} and {scores.name} {list(scores.shape)}"
    elif rows[0] != rows[1] and -1 not in rows:
        yield f"{boxes.name} of {rows[0]} anchors and {scores.name} of {rows[1]}"


def _rows(spec: TensorSpec) -> int | None:
    """How many anchors a head has; -1 where that is not known, None where it has no such side."""
    if not spec.shape:
        return -1
    usable = len(spec.shape) in (3, 4) and spec.shape[0] in (1, -1)
    return spec.shape[1] if usable else None


def _copied(model: UnpackedModel) -> tuple[Any, Any]:
    """Root and main graph whose lists can be changed; what they hold is still the original's."""
    root, graph = copy.copy(model.root), copy.copy(model.graph)
    graph.tensors, graph.operators = list(graph.tensors), list(graph.operators)
    root.buffers = list(root.buffers)
    root.subgraphs = [graph, *model.root.subgraphs[1:]]
    return root, graph


def _changed(table: Any, **values: Any) -> Any:
    made = copy.copy(table)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def _needed(operators: list[Any], outputs: Iterable[int]) -> list[Any]:
    """Operators that outputs depend on, in the order that they run."""
    needed, kept = set(outputs), []
    for operator in reversed(operators):
        if needed & set(present(operator.outputs)):
            needed.update(present(operator.inputs))
            kept.append(operator)
    return kept[::-1]


def _signature_outputs(heads: tuple[int, int]) -> list[Any]:
    entry = MODEL.table("TensorMap")
    return [
        entry(name=name, tensor_index=index) for name, index in zip(RAW_OUTPUTS, heads, strict=True)
    ]


def _place(model: UnpackedModel, op: Any) -> int:
    return next(at for at, each in enumerate(model.graph.operators) if each is op)


def _plain_options(model: UnpackedModel, op: Any) -> dict[str, Any]:
    """The op's options. A flexbuffer can hold itself, so what is no number or text is refused."""
    options: dict[str, Any] = {}
    try:
        table = flexbuffers.GetRoot(bytearray(op.custom_options)).AsMap
        for key, value in zip(table.Keys, table.Values, strict=True):
            if not (value.IsNumeric or value.IsBool or value.IsString):
                raise ValueError(f"{key.AsKey} is neither number nor text")
            # The kernel reads single precision, and flexbuffers writes no number beyond it.
            if value.IsFloat and np.isfinite(value.Value) and abs(value.Value) > _LARGEST:
                raise ValueError(f"{key.AsKey} is {value.Value:g}")
            options[str(key.AsKey)] = value.Value
    except faults() as error:
        raise model.damage(f"options of {POSTPROCESS_NAME}: {said(error)}") from error
    return options


def _slots(attributes: dict[str, Any]) -> int:
    """Rows of the op's outputs."""
    return int(attributes["max_detections"] * attributes["max_classes_per_detection"])


def _resized(tensor: Any, before: int, after: int) -> Any:
    """The op's kernel sizes its outputs; a file that states their sizes must not contradict."""
    shape = tensor.shape
    if shape is None or len(shape) < 2 or shape[1] != before:
        return tensor
    sizes = np.array(shape, np.int32)
    sizes[1] = after
    signature = None if tensor.shape_signature is None else sizes
    return _changed(tensor, shape=sizes, shape_signature=signature)


def _stored(model: UnpackedModel, source: int, anchors: NDArray[Any]) -> NDArray[np.uint8]:
    """Anchors as bytes, in the dtype and by the scale of the table that they replace."""
    tensor = model.graph.tensors[source]
    spec = tensor_spec(tensor)
    is_whole = not spec.dtype.startswith("float")
    if spec.dtype not in _ANCHOR_DTYPES or (is_whole and not spec.scale):
        raise ConversionError(
            "the file's anchors are kept in a form that cannot be written",
            expected="float32, float16, or 8 bits with one scale",
            got=f"{spec.dtype} {list(spec.shape)}",
            where=model.name,
        )
    if anchors.shape != spec.shape or not np.isfinite(anchors).all():
        raise ConversionError(
            "the anchors do not fit the file",
            expected=f"finite numbers {list(spec.shape)}",
            got=list(anchors.shape) if anchors.shape != spec.shape else "infinity or NaN",
            where=model.name,
        )
    values: NDArray[Any] = anchors.astype(np.float64)
    if is_whole and spec.scale and spec.zero_point is not None:
        values = np.rint(values / spec.scale) + spec.zero_point
    limits = np.iinfo(spec.dtype) if is_whole else np.finfo(spec.dtype)
    kept = np.clip(values, float(limits.min), float(limits.max)).astype(spec.dtype)
    if kept.nbytes != len(model.stored(tensor)):
        raise model.damage(f"{spec.name} {list(spec.shape)} of {len(model.stored(tensor))} bytes")
    return np.frombuffer(kept.tobytes(), np.uint8)


def _is_private(model: UnpackedModel, path: tuple[int, ...], source: int) -> bool:
    """Whether nothing but the op reads the anchors, on all the way from where they are stored."""
    readers = Counter(
        index for each in model.graph.operators for index in present(each.inputs)
    ) + Counter(present(model.graph.outputs))
    made = [index for each in path for index in present(model.graph.operators[each].outputs)]
    return all(readers[index] == 1 for index in (source, *made))


def _branch_off(graph: Any, op: Any, place: int, path: tuple[int, ...], source: int) -> int:
    """Give the op a table of its own, with the operators that widen it; returns the new table."""
    operators = graph.operators
    at = next(each for each, operator in enumerate(operators) if operator is op)

    def twin(index: int) -> int:
        graph.tensors.append(copy.copy(graph.tensors[index]))
        return len(graph.tensors) - 1

    source = end = twin(source)
    between = []
    for step in reversed(path):
        operator = operators[step]
        inputs = np.array(operator.inputs, np.int32)
        inputs[int(np.flatnonzero(inputs >= 0)[0])] = end
        end = twin(present(operator.outputs)[0])
        between.append(_changed(operator, inputs=inputs, outputs=np.array([end], np.int32)))
    inputs = np.array(op.inputs, np.int32)
    inputs[place] = end
    operators[at : at + 1] = [*between, _changed(op, inputs=inputs)]
    return source


def _buffer_readers(root: Any) -> Counter[int]:
    """How many tensors and metadata entries of all graphs point to each buffer."""
    tensors = (each for graph in root.subgraphs for each in graph.tensors or ())
    return Counter(int(each.buffer) for each in (*tensors, *(root.metadata or ())))
