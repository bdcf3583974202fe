"""Files made elsewhere, made of one that is at hand: what other exporters and other hands leave.

Each takes a .tflite file with the post-processing op and the path of the copy, which may be the
file itself, and returns that path. `other_kinds` has files that are no SSD.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.metadata.model_metadata import (
    CATEGORY,
    COUNT,
    LOCATION,
    SCORE,
    ContentType,
    ModelMetadata,
    Normalisation,
    TensorMetadata,
)
from validation.metadata.packing import write_with_metadata
from validation.metadata.unpacking import read_metadata
from validation.preprocess.quantise import dequantise
from validation.tflite.facts import describe, read_anchors
from validation.tflite.heads import postprocess_ops
from validation.tflite.model import MODEL, UnpackedModel, present, read_model
from validation.tflite.repacking import repack
from validation.tflite.rewriting import exposing_heads, with_anchors, with_attributes

BOXES, CLASSES, SCORES, COUNTS = range(4)
# As export_tflite_graph_tf2.py and today's converter leave them: scores, boxes, count, classes.
TF2_ORDER = (SCORES, BOXES, COUNTS, CLASSES)
TF2_INPUT = "serving_default_input:0"
_MEANINGS = (LOCATION, CATEGORY, SCORE, COUNT)
_CUSTOM, _GATHER = 32, 36
_GATHER_OPTIONS = 23
_INT32 = 2


def changed(source: Path, target: Path, change: Callable[[UnpackedModel], None]) -> Path:
    """A copy whose tables were changed in between; metadata and label files come along."""
    model = read_model(source)
    change(model)
    target.write_bytes(repack(model, model.root))
    return target


def other_op(
    source: Path, target: Path, anchors: NDArray[np.float32] | None = None, **attributes: Any
) -> Path:
    """Other attributes of the post-processing op, by name, or other anchors."""
    model = read_model(source)
    own = describe(model).postprocess
    assert own is not None
    content = with_attributes(model, dataclasses.replace(own, **attributes))
    if anchors is not None:
        content = with_anchors(read_model(content), anchors)
    target.write_bytes(content)
    return target


def fewer_detections(source: Path, target: Path) -> Path:
    """The exporter's defaults: 10 detections, and NMS over the best class of each anchor."""
    return other_op(source, target, max_detections=10, use_regular_nms=False)


def other_scales(
    source: Path, target: Path, scales: Sequence[float] = (1.0, 1.0, 1.0, 1.0)
) -> Path:
    """Encodings decoded as if the box coder had these scales: y, x, h, w."""
    names = ("y_scale", "x_scale", "h_scale", "w_scale")
    return other_op(source, target, **dict(zip(names, map(float, scales), strict=True)))


def other_anchors(source: Path, target: Path, factor: float = 0.75) -> Path:
    """Anchors of another size at the same places."""
    anchors = dequantise(*read_anchors(source)).astype(np.float32)
    anchors[:, 2:] *= factor
    return other_op(source, target, anchors)


def shifted_classes(source: Path, target: Path, by: int = 1) -> Path:
    """Scores that stand some columns further on, as where the background was cut off wrongly.

    Class k is called k + by; the first class has the background's scores.
    """
    columns = _columns(source)
    return _columns_from(source, target, (np.arange(columns) - by) % columns)


def permuted_classes(source: Path, target: Path, order: Sequence[int] | None = None) -> Path:
    """Classes under each other's numbers; the background stays.

    Args:
        source: The file.
        target: The copy.
        order: Which class each gets its scores from, from 1. None: backwards.
    """
    columns = _columns(source)
    classes = range(columns - 1, 0, -1) if order is None else order
    return _columns_from(source, target, np.array([0, *classes]))


def chosen_columns(
    source: Path, target: Path, columns: Sequence[int], num_classes: int | None = None
) -> Path:
    """Scores of these columns alone: without the background's, or with classes left out.

    Args:
        source: The file.
        target: The copy.
        columns: Which each gets its scores from, from 0, the background's.
        num_classes: Of the op; None leaves it.
    """
    _columns_from(source, target, np.array(columns))
    return target if num_classes is None else other_op(target, target, num_classes=num_classes)


def permuted_outputs(source: Path, target: Path, order: Sequence[int] = TF2_ORDER) -> Path:
    """The file's outputs in another order, or some of them only; each keeps its name."""

    def permute(model: UnpackedModel) -> None:
        outputs = present(model.graph.outputs)
        model.graph.outputs = np.array([outputs[place] for place in order], np.int32)

    return changed(source, target, permute)


def other_mean(source: Path, target: Path, mean: float = 0.0, std: float = 255.0) -> Path:
    """Metadata that normalises pixels otherwise; of a file without any, the image alone."""
    metadata = read_metadata(source)
    if metadata is None:
        outputs = [read_model(source).graph.outputs.tolist().index(each) for each in _ends(source)]
        names = dict(zip(outputs, _MEANINGS, strict=False))
        metadata = ModelMetadata(
            inputs=(TensorMetadata("image", content=ContentType.IMAGE),),
            outputs=tuple(TensorMetadata(names[place]) for place in sorted(names)),
        )
    image = dataclasses.replace(
        metadata.inputs[0], normalisation=Normalisation((mean,), (std,)), minimum=(), maximum=()
    )
    return write_with_metadata(source, dataclasses.replace(metadata, inputs=(image,)), target)


def tf2_style(
    source: Path,
    target: Path,
    *,
    order: Sequence[int] = TF2_ORDER,
    metadata: bool = False,
    signature: bool | Sequence[str] = False,
) -> Path:
    """As TensorFlow 2's exporter and converter name and order what goes in and comes out.

    Args:
        source: The file.
        target: The copy.
        order: Of boxes, classes, scores and count.
        metadata: Whether metadata names the outputs, as the Task Library looks for them. What
            the source's says of the image is kept.
        signature: Whether there is one, of ``output_0`` and so on, or of these names of boxes,
            classes, scores and count.
    """
    about = read_metadata(source)

    def rename(model: UnpackedModel) -> None:
        graph = model.graph
        graph.tensors[graph.inputs[0]].name = TF2_INPUT
        ends = present(postprocess_ops(model)[0].outputs)
        graph.outputs = np.array([ends[place] for place in order], np.int32)
        for place, end in enumerate(ends):
            graph.tensors[end].name = f"StatefulPartitionedCall:{TF2_ORDER.index(place)}"
        root = model.root
        root.metadata = [
            each for each in root.metadata or () if each.name != "TFLITE_METADATA"
        ] or None
        if signature:
            names = [f"output_{at}" for at in range(4)]
            if not isinstance(signature, bool):
                names = [signature[place] for place in order]
            root.signature_defs = [_signature(model, names)]

    changed(source, target, rename)
    if metadata:
        image = TensorMetadata("image", content=ContentType.IMAGE)
        inputs = (image,) if about is None else about.inputs
        outputs = tuple(TensorMetadata(_MEANINGS[place]) for place in order)
        write_with_metadata(target, ModelMetadata(inputs=inputs, outputs=outputs), target)
    return target


def one_output(source: Path, target: Path) -> Path:
    """Boxes alone."""
    return permuted_outputs(source, target, (BOXES,))


def two_outputs(source: Path, target: Path) -> Path:
    """Box encodings and class scores, without their anchors and under no name of the API."""
    model = read_model(source)

    def rename(model: UnpackedModel) -> None:
        for place, index in enumerate(present(model.graph.outputs)):
            model.graph.tensors[index].name = f"Identity_{place}"

    target.write_bytes(exposing_heads(model))
    return changed(target, target, rename)


def six_outputs(source: Path, target: Path) -> Path:
    """The op's detections, and behind them what it reads."""

    def add(model: UnpackedModel) -> None:
        heads = present(postprocess_ops(model)[0].inputs)[:2]
        model.graph.outputs = np.array([*present(model.graph.outputs), *heads], np.int32)

    return changed(source, target, add)


def edge_tpu(source: Path, target: Path) -> Path:
    """As edgetpu_compiler leaves it: one op of the chip's own before the op."""

    def compile_(model: UnpackedModel) -> None:
        (op,) = postprocess_ops(model)
        heads = present(op.inputs)[:2]
        model.root.operator_codes.append(
            MODEL.table("OperatorCode")(
                builtin_code=_CUSTOM,
                deprecated_builtin_code=_CUSTOM,
                custom_code="edgetpu-custom-op",
                version=1,
            )
        )
        compiled = MODEL.table("Operator")(
            opcode_index=len(model.root.operator_codes) - 1,
            inputs=model.graph.inputs,
            outputs=np.array(heads, np.int32),
        )
        model.graph.operators = [compiled, op]

    return changed(source, target, compile_)


def empty_graph(source: Path, target: Path) -> Path:
    """An image goes in, and nothing is done with it."""

    def empty(model: UnpackedModel) -> None:
        model.graph.operators, model.graph.outputs = [], np.zeros(0, np.int32)

    return changed(source, target, empty)


def _ends(path: Path) -> list[int]:
    """The op's outputs that are outputs of the file."""
    model = read_model(path)
    outputs = present(model.graph.outputs)
    return [each for each in present(postprocess_ops(model)[0].outputs) if each in outputs]


def _columns(path: Path) -> int:
    return describe(read_model(path)).postprocess_inputs[1].shape[-1]


def _columns_from(source: Path, target: Path, columns: NDArray[np.integer[Any]]) -> Path:
    """Scores go to the op by way of a GATHER along the classes, whatever numbers they are."""

    def gather(model: UnpackedModel) -> None:
        root, graph = model.root, model.graph
        (op,) = postprocess_ops(model)
        place = [at for at, index in enumerate(op.inputs) if index >= 0][1]
        scores = graph.tensors[op.inputs[place]]
        root.buffers.append(
            MODEL.table("Buffer")(data=np.frombuffer(columns.astype(np.int32).tobytes(), np.uint8))
        )
        made = copy.copy(scores)
        made.name, made.buffer = f"{scores.name}/moved", 0
        made.shape, made.shape_signature = [*scores.shape[:-1], len(columns)], None
        indices = MODEL.table("Tensor")(
            name="columns", shape=[len(columns)], type=_INT32, buffer=len(root.buffers) - 1
        )
        graph.tensors += [indices, made]
        root.operator_codes.append(
            MODEL.table("OperatorCode")(
                builtin_code=_GATHER, deprecated_builtin_code=_GATHER, version=2
            )
        )
        last = len(graph.tensors) - 1
        operator = MODEL.table("Operator")(
            opcode_index=len(root.operator_codes) - 1,
            inputs=[int(op.inputs[place]), last - 1],
            outputs=[last],
            builtin_options_type=_GATHER_OPTIONS,
            builtin_options=MODEL.table("GatherOptions")(axis=len(made.shape) - 1),
        )
        inputs = np.array(op.inputs, np.int32)
        inputs[place] = last
        op.inputs = inputs
        graph.operators.insert(graph.operators.index(op), operator)

    return changed(source, target, gather)


def _signature(model: UnpackedModel, names: Sequence[str]) -> Any:
    entry = MODEL.table("TensorMap")
    graph = model.graph
    return MODEL.table("SignatureDef")(
        inputs=[entry(name="input", tensor_index=int(graph.inputs[0]))],
        outputs=[
            entry(name=name, tensor_index=int(index))
            for name, index in zip(names, graph.outputs, strict=True)
        ],
        signature_key="serving_default",
    )
