"""A .tflite file as another converter writes it: the same network by other operators."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from operator_surgery import KERNEL, convolutions, new_constant, new_operator


def by_another_converter(model: Any) -> None:
    """ReLU6 as an operator, padding as an operator, and another order of execution."""
    for operator in convolutions(model):
        _unfuse(model, operator)
        _pad(model, operator)
    _reorder(model)


def _unfuse(model: Any, operator: Any) -> None:
    if operator.builtinOptions.fusedActivationFunction != 3:
        return
    graph = model.subgraphs[0]
    operator.builtinOptions.fusedActivationFunction = 0
    before = copy.copy(graph.tensors[operator.outputs[0]])
    before.name = b"before %d" % len(graph.tensors)
    graph.tensors.append(before)
    made = len(graph.tensors) - 1
    relu = new_operator(model, "RELU6", [made], int(operator.outputs[0]))
    operator.outputs = np.array([made], np.int32)
    graph.operators.insert(graph.operators.index(operator) + 1, relu)


def _pad(model: Any, operator: Any) -> None:
    options, graph = operator.builtinOptions, model.subgraphs[0]
    image = graph.tensors[operator.inputs[0]]
    window = graph.tensors[operator.inputs[KERNEL]].shape[1:3]
    if options.padding != 0 or min(window) < 2:
        return
    pads = [(0, 0)]
    steps = (options.strideH, options.strideW)
    for side, size, step in zip(image.shape[1:3], window, steps, strict=True):
        total = max(0, (-(-int(side) // step) - 1) * step + int(size) - int(side))
        pads.append((total // 2, total - total // 2))
    padded = copy.copy(image)
    padded.name = b"padded %d" % len(graph.tensors)
    more = [0, sum(pads[1]), sum(pads[2]), 0]
    padded.shape = (np.asarray(image.shape) + more).astype(np.int32)
    graph.tensors.append(padded)
    made = len(graph.tensors) - 1
    amounts = new_constant(model, np.array([*pads, (0, 0)]))
    pad = new_operator(model, "PAD", [int(operator.inputs[0]), amounts], made)
    operator.inputs = np.array([made, *operator.inputs[1:]], np.int32)
    options.padding = 1
    graph.operators.insert(graph.operators.index(operator), pad)


def _reorder(model: Any) -> None:
    graph, random = model.subgraphs[0], np.random.default_rng(3)
    written = {int(made) for each in graph.operators for made in each.outputs}
    ready = set(range(-1, len(graph.tensors))) - written
    left, ordered = list(graph.operators), []
    while left:
        able = [each for each in left if ready.issuperset(map(int, each.inputs))]
        chosen = able[int(random.integers(len(able)))]
        left.remove(chosen)
        ordered.append(chosen)
        ready.update(map(int, chosen.outputs))
    graph.operators = ordered
