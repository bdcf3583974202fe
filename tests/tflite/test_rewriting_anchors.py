"""Another table of anchors is stored as the old one was, and only the op reads it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from foreign_tflite import ANCHORS, write_foreign
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from rewritten_files import half_anchors, is_unchanged, run_file, same_arrays
from tiny_tflite import code_of, tensor_of

from validation.errors import ConversionError, NotProvided
from validation.faults.file_edits import rewrite
from validation.tflite.facts import read_anchors
from validation.tflite.heads import constant_path
from validation.tflite.model import read_model
from validation.tflite.rewriting import with_anchors

_BOXES, _SCORES = 0, 2


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of twelve anchors."""
    return write_foreign(tmp_path_factory.mktemp("rewriting") / "detect.tflite")


def _kept_as(dtype: type, scale: float = 0.0, zero: int = 0) -> Callable[[Any], None]:
    """The kernel wants encodings and anchors both in floats or both in uint8."""

    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[3]
        values = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32)
        if scale:
            values = np.rint(values / scale) + zero
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero]
            encodings = model.subgraphs[0].tensors[1]
            encodings.quantization = copy.copy(tensor.quantization)
            encodings.quantization.zeroPoint = [0]
            encodings.type = schema.TensorType.UINT8
            model.buffers[1].data = model.buffers[1].data[::4]
        tensor.type = {
            np.float32: schema.TensorType.FLOAT32,
            np.uint8: schema.TensorType.UINT8,
            np.int8: schema.TensorType.INT8,
        }[dtype]
        kept = values.astype(dtype).tobytes()
        model.buffers[tensor.buffer].data = np.frombuffer(kept, np.uint8)

    return change


_FORMS = {
    "float32": (_kept_as(np.float32), 0.0),
    "float16": (half_anchors, 1e-3),
    "uint8": (_kept_as(np.uint8, 0.005, 1), 0.005 / 2),
    "int8": (_kept_as(np.int8, 0.008, -100), 0.008 / 2),
}


@pytest.mark.parametrize("form", ["float32", "float16", "uint8"])
def test_anchors_keep_their_form(file: Path, tmp_path: Path, form: str) -> None:
    """Half precision and quantised tables lose what they cannot hold, and no more."""
    change, step = _FORMS[form]
    path = rewrite(file, tmp_path / "m.tflite", change)
    model, (own, spec) = read_model(path), read_anchors(path)
    real = own.astype(np.float64)
    if spec.scale is not None and spec.zero_point is not None:
        real = (real - spec.zero_point) * spec.scale
    before = run_file(path, tmp_path)
    same = with_anchors(model, real.astype(np.float32))
    assert same_arrays(run_file(same, tmp_path), before)

    moved = (real * 1.25).astype(np.float32)
    target = tmp_path / "moved.tflite"
    target.write_bytes(with_anchors(model, moved))
    stored, other = read_anchors(target)
    assert (spec.dtype, other) == (form, spec)
    kept = stored.astype(np.float64)
    if spec.scale is not None and spec.zero_point is not None:
        kept = (kept - spec.zero_point) * spec.scale
    np.testing.assert_allclose(kept, moved, atol=step * 1.001)
    after = run_file(target, tmp_path)
    # Encodings are zero, so boxes are anchors, in the order of falling scores.
    centres = (after[_BOXES][0, :, :2] + after[_BOXES][0, :, 2:]) / 2
    np.testing.assert_allclose(centres, kept[:, :2], atol=1e-5)
    assert np.array_equal(after[_SCORES], before[_SCORES])
    assert is_unchanged(model, path)


@given(
    arrays.arrays(np.float32, (ANCHORS, 4), elements=st.floats(-(2.0**127), 2.0**127, width=32)),
    st.sampled_from(sorted(_FORMS)),
)
@settings(max_examples=30, deadline=None)
def test_any_anchors_are_stored(
    tmp_path_factory: pytest.TempPathFactory, anchors: NDArray[np.float32], form: str
) -> None:
    """Float tables exactly; others as near as their form allows, never wrapped around."""
    folder = tmp_path_factory.getbasetemp()
    path = folder / f"any_{form}.tflite"
    if not path.exists():
        rewrite(write_foreign(folder / "any.tflite"), path, _FORMS[form][0])
    target = folder / "any_out.tflite"
    target.write_bytes(with_anchors(read_model(path), anchors))
    stored, spec = read_anchors(target)
    if form == "float32":
        assert np.array_equal(stored, anchors)
    elif form == "float16":
        assert np.isfinite(stored).all()
    else:
        assert spec.scale is not None and spec.zero_point is not None
        limits = np.iinfo(spec.dtype)
        nearest = np.rint(anchors.astype(np.float64) / spec.scale) + spec.zero_point
        assert np.array_equal(stored, np.clip(nearest, limits.min, limits.max))


def test_other_readers_of_the_buffer_keep_theirs(file: Path, tmp_path: Path) -> None:
    """Converters store equal constants once."""

    def share(model: Any) -> None:
        graph = model.subgraphs[0]
        graph.tensors.append(tensor_of("twin", (ANCHORS, 4), schema.TensorType.FLOAT32, buffer=3))
        graph.outputs = [*graph.outputs, len(graph.tensors) - 1]

    _other_readers(rewrite(file, tmp_path / "m.tflite", share), tmp_path)


@pytest.mark.parametrize("change", [_kept_as(np.float32), half_anchors])
def test_other_readers_of_the_tensor_keep_theirs(
    file: Path, tmp_path: Path, change: Callable[[Any], None]
) -> None:
    """The op gets a table of its own, widened by an operator of its own."""

    def share(model: Any) -> None:
        change(model)
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, 3]

    _other_readers(rewrite(file, tmp_path / "m.tflite", share), tmp_path)


def _other_readers(path: Path, folder: Path) -> None:
    model, target = read_model(path), folder / "moved.tflite"
    moved = read_anchors(path)[0].astype(np.float32) + np.float32(0.125)
    target.write_bytes(with_anchors(model, moved))
    np.testing.assert_allclose(read_anchors(target)[0], moved, atol=1e-3)
    kept = [
        bytes(each.stored(each.graph.tensors[found[1]]))
        for each in (model, read_model(target))
        if (found := constant_path(each, int(each.graph.outputs[-1])))
    ]
    assert len(kept) == 2
    assert kept[0] == kept[1]


@pytest.mark.parametrize(
    ("anchors", "said"),
    [
        (np.zeros((ANCHORS - 1, 4), np.float32), r"numbers \[12, 4\], got \[11, 4\]"),
        (np.zeros((ANCHORS, 5), np.float32), r"got \[12, 5\]"),
        (np.full((ANCHORS, 4), np.nan, np.float32), "infinity or NaN"),
    ],
)
def test_anchors_of_another_model(file: Path, anchors: NDArray[np.float32], said: str) -> None:
    """Rows are those of the heads."""
    with pytest.raises(ConversionError, match=said):
        with_anchors(read_model(file), anchors)


def test_anchors_that_an_operator_computes(file: Path, tmp_path: Path) -> None:
    """What another operator than a widening one makes of a constant is not the constant."""

    def negate(model: Any) -> None:
        half_anchors(model)
        model.operatorCodes[-1] = code_of(schema.BuiltinOperator.NEG)

    path = rewrite(file, tmp_path / "m.tflite", negate)
    with pytest.raises(NotProvided, match="anchors are computed"):
        with_anchors(read_model(path), np.zeros((ANCHORS, 4), np.float32))
    with pytest.raises(ConversionError, match="a computed tensor"):
        read_anchors(path)


def test_anchors_without_one_scale(file: Path, tmp_path: Path) -> None:
    """Steps for each row say nothing that a reader of ours could take for a number."""

    def each(model: Any) -> None:
        _kept_as(np.uint8, 0.005)(model)
        quantisation = model.subgraphs[0].tensors[3].quantization
        quantisation.scale, quantisation.zeroPoint = [0.005] * ANCHORS, [0] * ANCHORS

    path = rewrite(file, tmp_path / "m.tflite", each)
    with pytest.raises(ConversionError, match="without one scale"):
        read_anchors(path)
    with pytest.raises(ConversionError, match="kept in a form that cannot be written"):
        with_anchors(read_model(path), np.zeros((ANCHORS, 4), np.float32))
