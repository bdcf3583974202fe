"""The ends of a detector in a .tflite file: where the op's outputs leave it, what feeds the op."""

from __future__ import annotations

from typing import Any

from validation.specs.contracts import POSTPROCESS_NAME
from validation.specs.tensors import TensorSpec
from validation.tflite.model import UnpackedModel, present, tensor_spec

# What hands on the same values: a file's output may stand behind one of these.
_SAME_VALUES = ("RESHAPE", "CAST", "SQUEEZE", "EXPAND_DIMS", "DEQUANTIZE", "QUANTIZE")
# Long enough for any converter's habit; a file may be wired in a circle.
_LONGEST_CHAIN = 8


def outputs_of_the_op(model: UnpackedModel) -> tuple[str | None, ...]:
    """Which of the file's outputs carries each output of the post-processing op.

    Returns:
        Names in the op's order: boxes, classes, scores, count. None for one that leaves the file
        nowhere. Empty without the op.
    """
    op = _op(model)
    if op is None:
        return ()
    outputs = set(present(model.graph.outputs))
    return tuple(_leaving(model, index, outputs) for index in present(op.outputs))


def quantised_input(model: UnpackedModel) -> TensorSpec | None:
    """What a float input is quantised to before anything else; None for any other input."""
    inputs = present(model.graph.inputs)
    if len(inputs) != 1:
        return None
    readers = [each for each in model.graph.operators if inputs[0] in present(each.inputs)]
    made = present(readers[0].outputs) if len(readers) == 1 else []
    if not made or model.op_name(readers[0]) != "QUANTIZE":
        return None
    return tensor_spec(model.graph.tensors[made[0]])


def quantised_heads(model: UnpackedModel) -> tuple[tuple[str, TensorSpec], ...]:
    """What the op reads, as it was before it was widened to floats: role and tensor.

    Returns:
        ``boxes`` and ``scores``; without the op, nothing.
    """
    op = _op(model)
    if op is None:
        return ()
    made_by = {index: each for each in model.graph.operators for index in present(each.outputs)}
    heads = []
    for role, index in zip(("boxes", "scores"), present(op.inputs), strict=False):
        for _ in range(_LONGEST_CHAIN):
            maker = made_by.get(index)
            if maker is None or model.op_name(maker) not in _SAME_VALUES:
                break
            read = present(maker.inputs)
            if not read or not tensor_spec(model.graph.tensors[index]).dtype.startswith("float"):
                break
            index = read[0]
        heads.append((role, tensor_spec(model.graph.tensors[index])))
    return tuple(heads)


def postprocess_ops(model: UnpackedModel) -> tuple[Any, ...]:
    """The post-processing ops of the main graph."""
    return tuple(each for each in model.graph.operators if model.op_name(each) == POSTPROCESS_NAME)


def constant_path(model: UnpackedModel, index: int) -> tuple[tuple[int, ...], int] | None:
    """From a tensor back to the constant whose values it has.

    Returns:
        Positions of the operators between, the last one first, and the constant; None for
        a tensor with other values than any constant.
    """
    made_by = {
        made: place
        for place, each in enumerate(model.graph.operators)
        for made in present(each.outputs)
    }
    path: list[int] = []
    for _ in range(_LONGEST_CHAIN):
        if len(model.stored(model.graph.tensors[index])):
            return tuple(path), index
        maker = made_by.get(index)
        read = [] if maker is None else present(model.graph.operators[maker].inputs)
        if maker is None or not read or not _hands_on(model, maker):
            return None
        path.append(maker)
        index = read[0]
    return None


def _hands_on(model: UnpackedModel, operator: int) -> bool:
    return model.op_name(model.graph.operators[operator]) in _SAME_VALUES


def _leaving(model: UnpackedModel, index: int, outputs: set[int]) -> str | None:
    for _ in range(_LONGEST_CHAIN):
        if index in outputs:
            return tensor_spec(model.graph.tensors[index]).name
        readers = [each for each in model.graph.operators if index in present(each.inputs)]
        onward = [each for each in readers if model.op_name(each) in _SAME_VALUES]
        made = present(onward[0].outputs) if onward else []
        if not made:
            return None
        index = made[0]
    return None


def _op(model: UnpackedModel) -> Any:
    return next(iter(postprocess_ops(model)), None)
