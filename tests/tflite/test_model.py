"""A .tflite file is read whole or refused with one error, whatever its bytes are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.diagnosis.operators import read_operators
from validation.diagrams.of_tflite import tflite_operations
from validation.errors import ArtefactMissing, ConversionError
from validation.inspection.of_tflite import inspect_tflite
from validation.metadata.unpacking import metadata_of
from validation.tflite.facts import describe, op_versions
from validation.tflite.model import MODEL, read_model

_DATA = Path(__file__).parents[1] / "data" / "metadata"
_WHOLE = (_DATA / "foreign.tflite").read_bytes()
_HOSTILE = sorted((Path(__file__).parents[3] / "shared" / "hostile").glob("*.tflite"))


def _quantise_without_zero_point(root: Any) -> None:
    scale = MODEL.table("QuantizationParameters")(scale=[0.5])
    root.subgraphs[0].tensors[0].quantization = scale


def _set(path: str, value: Any) -> Callable[[Any], None]:
    """A change of one field, by its path in the model."""

    def change(root: Any) -> None:
        *parents, field = path.split(".")
        for name in parents:
            root = root[int(name)] if name.isdecimal() else getattr(root, name)
        setattr(root, field, value)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("subgraphs", []), "subgraphs: none"),
        (_set("buffers", None), "buffers: missing"),
        (_set("subgraphs.0.operators", None), r"subgraphs\[0\]\.operators: missing"),
        (_set("subgraphs.0.outputs", [99]), r"subgraphs\[0\]\.outputs: tensor 99 of 16"),
        (_set("subgraphs.0.inputs", [-1]), r"subgraphs\[0\]\.inputs: tensor -1 of 16"),
        (_set("subgraphs.0.operators.1.inputs", [0, -2]), r"operators\[1\]\.inputs: tensor -2 of"),
        (_set("subgraphs.0.operators.1.outputs", [-1]), r"operators\[1\]\.outputs: tensor -1 of"),
        (_set("subgraphs.0.operators.1.opcode_index", 50), r"operators\[1\]: operator code 50 of"),
        (_set("subgraphs.0.tensors.2.buffer", 70), r"tensors\[2\]: buffer 70 of"),
        (_set("subgraphs.0.tensors.2.type", 99), r"tensors\[2\]\.type: TFLite has no type 99"),
        (_set("operator_codes.0.builtin_code", 9999), r"codes\[0\]: TFLite has no operator 9999"),
        (_set("metadata.0.buffer", 70), r"metadata\[0\]: buffer 70 of"),
        (_quantise_without_zero_point, r"tensors\[0\]\.quantization: a scale without a zero point"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(change: Any, said: str) -> None:
    """The field is named, and readers need not look again."""
    root = MODEL.unpack(_WHOLE, "m.tflite")
    change(root)
    with pytest.raises(ConversionError, match=rf"flatbuffer is damaged \(m\.tflite\).*{said}"):
        read_model(MODEL.pack(root), "m.tflite")


def test_absent_optional_inputs_are_no_damage() -> None:
    """Their index is -1; a tensor without a name has an empty one."""
    root = MODEL.unpack(_WHOLE, "")
    operator = root.subgraphs[0].operators[0]
    operator.inputs = [*operator.inputs, -1]
    root.subgraphs[0].tensors[root.subgraphs[0].inputs[0]].name = None
    model = read_model(MODEL.pack(root))
    assert model.graph.operators[0].inputs[-1] == -1
    assert [spec.name for spec in describe(model).inputs] == [""]


def _read_everything(content: bytes, path: Path) -> None:
    """What any part of the harness reads from a .tflite file before it is run."""
    model = read_model(content, "m.tflite")
    describe(model)
    op_versions(model)
    metadata_of(model)
    path.write_bytes(content)
    read_operators(path)
    tflite_operations(path)
    inspect_tflite(path)


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """Cut off, words overwritten, or bytes flipped, anywhere behind the identifier."""
    content = bytearray(_WHOLE)
    words = st.one_of(st.integers(0, 2**32 - 1), st.integers(0, 64), st.just(2**31 - 1))
    for index in draw(st.lists(st.integers(2, len(content) // 4 - 1), max_size=4)):
        content[4 * index : 4 * index + 4] = draw(words).to_bytes(4, "little")
    for index in draw(st.lists(st.integers(8, len(content) - 1), max_size=4)):
        content[index] ^= draw(st.integers(1, 255))
    return bytes(content[: draw(st.integers(8, len(content)))])


@settings(max_examples=150, deadline=2000)
@given(content=_damaged())
def test_damaged_files_are_read_or_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Never another exception than ours, never a long time."""
    try:
        _read_everything(content, tmp_path_factory.getbasetemp() / "m.tflite")
    except ConversionError as error:
        assert "\n" not in str(error)


@pytest.mark.skipif(not _HOSTILE, reason="needs the shared folder beside the checkout")
@pytest.mark.parametrize("path", _HOSTILE, ids=lambda path: path.name)
def test_hostile_files_are_read_or_refused(path: Path, tmp_path: Path) -> None:
    """Files that end an interpreter that runs them do not end one that reads them."""
    try:
        _read_everything(path.read_bytes(), tmp_path / "m.tflite")
    except ConversionError as error:
        assert "operators[52].outputs: tensor -1 of 145" in str(error)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A folder is not a file either."""
    for path in (tmp_path, tmp_path / "none.tflite"):
        with pytest.raises(ArtefactMissing, match=r"no \.tflite file"):
            read_model(path)


def test_large_files_are_read_at_once() -> None:
    """Weights are not walked: 20 MB and 300 operators take a fraction of a tenth of a second."""
    table = MODEL.table
    buffers = [
        table("Buffer")(),
        *(table("Buffer")(data=np.zeros(67_000, "u1")) for _ in range(300)),
    ]
    tensors, operators = [table("Tensor")(name="image", shape=[1, 8, 8, 3])], []
    for index in range(300):
        for name, buffer in (("weights", index + 1), ("activation", 0)):
            quantisation = table("QuantizationParameters")(scale=[1.0], zero_point=[0])
            tensors.append(
                table("Tensor")(
                    name=f"scope/{name}_{index}",
                    shape=[1, 8, 8, 3],
                    buffer=buffer,
                    quantization=quantisation,
                )
            )
        operators.append(
            table("Operator")(
                inputs=[2 * index, 2 * index + 1],
                outputs=[2 * index + 2],
                builtin_options_type=1,
                builtin_options=table("Conv2DOptions")(stride_w=1, stride_h=1),
            )
        )
    graph = table("SubGraph")(tensors=tensors, inputs=[0], outputs=[600], operators=operators)
    root = table("Model")(
        version=3, operator_codes=[table("OperatorCode")()], subgraphs=[graph], buffers=buffers
    )
    content = MODEL.pack(root)
    assert len(content) > 20_000_000
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        read_model(content)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.1
