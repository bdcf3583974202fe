"""The first layer that is not the reference's is found, and what differs in it is proved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from validation.diagnosis.first_divergence import (
    Divergence,
    Tolerance,
    find_first_divergence,
)
from validation.diagnosis.layer_distance import Distance
from validation.diagnosis.operators import read_operators
from validation.diagnosis.reference_values import FileValues, SessionValues
from validation.faults import file_edits
from validation.record.diagnosis import FaultKind
from validation.record.first_divergence import MatchedBy

_Floats = NDArray[np.float32]
_TOLERANCE = Tolerance(share=1e-4, steps=1)
_LAYERS = ("net/first", "net/third", "head_1/class")
_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
}


def _found(path: Path, reference: Path, feeds: _Floats) -> Divergence | None:
    values = FileValues(read_operators(reference))
    return find_first_divergence(read_operators(path), values, feeds, feeds, _TOLERANCE)


def _operator(model: Any, name: str) -> Any:
    """The convolution of a layer."""
    graph = model.subgraphs[0]
    (operator,) = [
        each
        for each in graph.operators
        if graph.tensors[each.outputs[0]].name.decode().startswith(f"{name}/")
        and len(each.inputs) == 3
    ]
    return operator


def _one_weight(name: str) -> Callable[[Any], None]:
    """One weight of a layer at the far end of its own kernel's range."""

    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[_operator(model, name).inputs[1]]
        buffer = model.buffers[tensor.buffer]
        values = (
            np.frombuffer(bytes(buffer.data), _DTYPES[tensor.type]).reshape(tensor.shape).copy()
        )
        kernel = values[1]
        # 8 bits without a sign have their zero in the middle.
        kernel.flat[3] = kernel.min() if kernel.flat[3] > kernel.mean() else kernel.max()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)

    return change


def _without_names(model: Any) -> None:
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name = f"tensor_{index}".encode()


def _activation(name: str, value: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        _operator(model, name).builtinOptions.fusedActivationFunction = value

    return change


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        first(model)
        second(model)

    return change


@pytest.mark.parametrize("scheme", ["floats", "int8", "uint8", "float16", "dynamic"])
def test_sound_file_has_none(files: Any, feeds: _Floats, scheme: str) -> None:
    """Rounding to fewer bits is what the file is for, and no fault of a layer."""
    reference = files.simulated if scheme == "uint8" else files.floats
    assert _found(getattr(files, scheme), reference, feeds) is None


def test_ranges_of_training_are_no_other_weights(files: Any, feeds: _Floats) -> None:
    """Weights in far too wide a range are rounded far, and are the same weights."""
    assert _found(files.uint8_wide, files.floats, feeds) is None


@pytest.mark.parametrize("without_names", [False, True])
@pytest.mark.parametrize("scheme", ["floats", "int8", "uint8", "dynamic"])
@pytest.mark.parametrize("layer", _LAYERS)
def test_one_weight_is_found_where_it_is(
    files: Any, feeds: _Floats, tmp_path: Path, layer: str, scheme: str, without_names: bool
) -> None:
    """With the file's names and without any: the layer, that it is a weight, and no other."""
    source = getattr(files, scheme)
    reference = files.simulated if scheme == "uint8" else files.floats
    named = read_operators(source)
    change = _one_weight(layer)
    if without_names:
        change = _both(change, _without_names)
    path = file_edits.rewrite(source, tmp_path / "changed.tflite", change)
    found = _found(path, reference, feeds)
    assert found is not None
    assert named.names[found.layer.outputs[0]].startswith(f"{layer}/")
    assert found.counterpart.startswith(f"{layer}/")
    assert found.differing == 1
    assert found.in_steps == (scheme in ("int8", "uint8"))
    assert found.local is not None
    (cause,) = found.causes
    assert cause.fault is FaultKind.WEIGHTS
    # With the reference's weights it computes what it should.
    assert cause.undone is not None
    assert cause.undone <= found.allowed < found.local
    assert (found.matched is MatchedBy.NAME) != without_names


@pytest.mark.parametrize("scheme", ["int8", "dynamic"])
def test_halves_rounded_the_other_way_are_no_divergence(
    files: Any, feeds: _Floats, tmp_path: Path, scheme: str
) -> None:
    """Every code of a layer may lie one beside the nearest."""

    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[_operator(model, "net/second").inputs[1]]
        buffer = model.buffers[tensor.buffer]
        assert tensor.type == schema.TensorType.INT8
        codes = np.frombuffer(bytes(buffer.data), np.int8)
        beside = codes + np.where(codes > 0, -1, 1).astype(np.int8)
        buffer.data = np.frombuffer(beside.tobytes(), np.uint8)

    path = file_edits.rewrite(getattr(files, scheme), tmp_path / "beside.tflite", change)
    assert _found(path, files.floats, feeds) is None


def test_the_first_of_two_is_named(files: Any, feeds: _Floats, tmp_path: Path) -> None:
    """What comes after is wrong as well by what it reads, and one more by itself."""
    change = _both(_one_weight("net/third"), _one_weight("net/second"))
    path = file_edits.rewrite(files.floats, tmp_path / "two.tflite", change)
    found = _found(path, files.floats, feeds)
    assert found is not None
    assert (found.tensor.rpartition("/")[0], found.differing) == ("net/second", 2)


@pytest.mark.parametrize(
    ("scheme", "layer", "expected", "got"),
    [("floats", "net/second", "RELU6", "RELU_N1_TO_1"), ("int8", "net/third", "NONE", "RELU")],
)
def test_activation_is_told_from_weights(
    files: Any, feeds: _Floats, tmp_path: Path, scheme: str, layer: str, expected: str, got: str
) -> None:
    """With the reference's attributes the layer is right."""
    change = _activation(layer, getattr(schema.ActivationFunctionType, got))
    path = file_edits.rewrite(getattr(files, scheme), tmp_path / "other.tflite", change)
    found = _found(path, files.floats, feeds)
    assert found is not None
    assert found.counterpart.startswith(f"{layer}/")
    (cause,) = found.causes
    assert (cause.fault, cause.expected, cause.got) == (FaultKind.ACTIVATION, expected, got)
    assert cause.attribute == "fused_activation_function"
    assert cause.undone == 0


def test_exchanged_parts_are_no_weights(files: Any, feeds: _Floats, tmp_path: Path) -> None:
    """The heads joined in another order: the concatenation differs, its inputs do not."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        code = next(
            index
            for index, each in enumerate(model.operatorCodes)
            if each.builtinCode == schema.BuiltinOperator.CONCATENATION
        )
        joins = [each for each in graph.operators if each.opcodeIndex == code]
        boxes = next(each for each in joins if graph.tensors[each.outputs[0]].shape[-1] == 4)
        boxes.inputs = boxes.inputs[::-1]

    path = file_edits.rewrite(files.floats, tmp_path / "order.tflite", change)
    found = _found(path, files.floats, feeds)
    assert found is not None
    assert found.layer.op == "CONCATENATION"
    assert [cause.fault for cause in found.causes] == [FaultKind.CONCATENATION]


def test_values_that_are_not_finite_are_named(files: Any, feeds: _Floats, tmp_path: Path) -> None:
    """A NaN among the weights is not called another weight."""

    def change(model: Any) -> None:
        buffer = model.buffers[
            model.subgraphs[0].tensors[_operator(model, "net/second").inputs[1]].buffer
        ]
        values = np.frombuffer(bytes(buffer.data), np.float32).copy()
        values[5] = np.nan
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)

    path = file_edits.rewrite(files.floats, tmp_path / "nan.tflite", change)
    found = _found(path, files.floats, feeds)
    assert found is not None
    assert found.tensor.startswith("net/second/")
    assert [cause.fault for cause in found.causes] == [FaultKind.NOT_FINITE]


def test_a_reference_that_is_not_finite_is_no_divergence() -> None:
    """What a kernel makes of NaN is its own matter: a clamp gives an end of its range."""
    distance = Distance()
    distance.add(np.float32([np.nan, np.inf, 2.0]), np.float32([6.0, np.nan, 2.0]))
    assert (distance.largest_error, distance.is_finite) == (0.0, True)
    distance.add(np.float32([1.0, 1.0, 2.0]), np.float32([1.0, 1.0, np.nan]))
    assert (distance.largest_error, distance.is_finite) == (np.inf, False)


def _split_activation(name: str) -> Callable[[Any], None]:
    """A layer's ReLU6 as an operator of its own, as other converters leave it."""

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        operator = _operator(model, name)
        operator.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.NONE
        (output,) = operator.outputs
        before = schema.TensorT()
        before.shape, before.type = graph.tensors[output].shape, graph.tensors[output].type
        before.name, before.buffer = b"before", 0
        graph.tensors.append(before)
        operator.outputs = [len(graph.tensors) - 1]
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU6
        code.version = 1
        model.operatorCodes.append(code)
        relu = schema.OperatorT()
        relu.opcodeIndex = len(model.operatorCodes) - 1
        relu.inputs, relu.outputs = [len(graph.tensors) - 1], [output]
        graph.operators.insert(graph.operators.index(operator) + 1, relu)

    return change


def test_what_is_fused_otherwise_is_no_divergence(
    files: Any, feeds: _Floats, tmp_path: Path
) -> None:
    """A value that the reference does not have spoils nothing: what is made of it agrees."""
    split = _both(_split_activation("net/second"), _without_names)
    path = file_edits.rewrite(files.floats, tmp_path / "split.tflite", split)
    assert _found(path, files.floats, feeds) is None
    change = _both(_one_weight("net/third"), split)
    path = file_edits.rewrite(files.floats, tmp_path / "changed.tflite", change)
    found = _found(path, files.floats, feeds)
    assert found is not None
    assert found.counterpart.startswith("net/third/")
    assert [cause.fault for cause in found.causes] == [FaultKind.WEIGHTS]


@pytest.mark.parametrize("layer", ["net/second", "net/third"])
def test_a_value_that_the_reference_does_not_have_is_not_blamed(
    files: Any, feeds: _Floats, tmp_path: Path, layer: str
) -> None:
    """Its reader is, the changed layer or the one right after it."""
    from validation.export.graph_io import read_graph
    from validation.runtimes.session import SessionRuntime

    definition = read_graph(files.floats.parent / "plain.pb")
    nodes = [
        node.name
        for node in definition.node
        if node.op not in ("Const", "Placeholder") and not node.name.startswith("net/second")
    ]
    path = file_edits.rewrite(files.floats, tmp_path / "changed.tflite", _one_weight(layer))
    with SessionRuntime(definition, nodes) as runtime:
        values = SessionValues(runtime, nodes)
        sound, found = (
            find_first_divergence(read_operators(each), values, feeds, feeds, _TOLERANCE)
            for each in (files.floats, path)
        )
    assert sound is None
    assert found is not None
    assert (found.tensor.rpartition("/")[0], found.local) == ("net/third", None)


@pytest.mark.parametrize("layer", ["net/second", "head_1/class"])
def test_a_graph_in_a_session_is_a_reference(
    files: Any, feeds: _Floats, tmp_path: Path, layer: str
) -> None:
    """By the nodes that the converter calls tensors after; a few channels mean weights."""
    from validation.export.graph_io import read_graph
    from validation.runtimes.session import SessionRuntime

    definition = read_graph(files.floats.parent / "plain.pb")
    nodes = [node.name for node in definition.node if node.op not in ("Const", "Placeholder")]
    path = file_edits.rewrite(files.floats, tmp_path / "changed.tflite", _one_weight(layer))
    with SessionRuntime(definition, nodes) as runtime:
        values = SessionValues(runtime, nodes)
        sound, found = (
            find_first_divergence(read_operators(each), values, feeds, feeds, _TOLERANCE)
            for each in (files.floats, path)
        )
        relu = file_edits.rewrite(
            files.floats,
            tmp_path / "relu.tflite",
            _activation("net/second", schema.ActivationFunctionType.NONE),
        )
        other = find_first_divergence(read_operators(relu), values, feeds, feeds, _TOLERANCE)
    assert sound is None
    assert found is not None
    assert (found.tensor.rpartition("/")[0], found.matched) == (layer, MatchedBy.NAME)
    assert [(cause.fault, cause.ties) for cause in found.causes] == [(FaultKind.WEIGHTS, ())]
    assert other is not None
    (cause,) = other.causes
    assert (cause.fault, cause.got) == (FaultKind.ACTIVATION, "NONE")
    # No value of these images lies beyond 6.
    assert cause.expected == ("RELU", "RELU6")
