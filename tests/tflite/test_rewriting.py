"""A file made of another one differs from it in what was asked for, and in nothing else."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from foreign_tflite import ANCHORS, CLASSES, Foreign, falling_scores, write_foreign
from hypothesis import given, settings
from hypothesis import strategies as st
from rewritten_files import half_anchors, is_unchanged, run_file, same_arrays

from validation.errors import ConversionError, NotProvided, ValidationError
from validation.faults.file_edits import change_attributes, rewrite
from validation.metadata.model_metadata import FileType, ModelMetadata, PackedFile, TensorMetadata
from validation.metadata.packing import write_with_metadata
from validation.metadata.unpacking import read_metadata
from validation.specs.contracts import RAW_OUTPUTS
from validation.tflite.facts import describe, read_anchors, read_tflite
from validation.tflite.model import read_model
from validation.tflite.rewriting import (
    exposing_heads,
    head_names,
    with_anchors,
    with_attributes,
)

_COUNT = 3


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of twelve anchors."""
    return write_foreign(tmp_path_factory.mktemp("rewriting") / "detect.tflite")


def test_heads_take_the_place_of_detections(
    file: Path, tmp_path: Path, tiny: bytes, tiny_attributes: Any
) -> None:
    """Encodings and scores as the op read them, under the names that the helper gives."""
    model = read_model(tiny, "tiny.tflite")
    raw = exposing_heads(model)
    facts = describe(read_model(raw))
    assert tuple(spec.name for spec in facts.outputs) == head_names(model)
    assert (facts.postprocess, describe(model).postprocess) == (None, tiny_attributes)
    image = np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 1, 2, 4)
    boxes, scores = run_file(raw, tmp_path, image)
    np.testing.assert_array_equal(boxes, image[0])
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-image[0, :, :, :3])), atol=1e-6)
    assert exposing_heads(model) == raw
    assert head_names(read_model(file)) == ("encodings", "scores")


def test_heads_of_a_converted_file_have_the_bits_of_its_raw_twin(
    files: Any, tmp_path: Path
) -> None:
    """The same model with the op and without it."""
    model = read_model(files.float)
    feed = np.random.default_rng(0).uniform(-1, 1, describe(model).inputs[0].shape)
    feed = feed.astype(np.float32)
    assert same_arrays(
        run_file(exposing_heads(model), tmp_path, feed), run_file(files.raw, tmp_path, feed)
    )
    assert is_unchanged(model, files.float)


def test_quantised_heads_keep_scale_and_zero_point(tmp_path: Path) -> None:
    """The bytes of the file, not what they stand for."""
    path = write_foreign(tmp_path / "m.tflite", Foreign(scores_scale=(1 / 128, 3)))
    boxes, scores = describe(read_model(exposing_heads(read_model(path)))).outputs
    assert (boxes.dtype, boxes.scale) == ("float32", None)
    assert (scores.dtype, scores.scale, scores.zero_point) == ("uint8", 1 / 128, 3)
    found = run_file(exposing_heads(read_model(path)), tmp_path)[1]
    np.testing.assert_array_equal(found[0], np.rint(falling_scores() * 128) + 3)


def test_what_only_detections_needed_goes(file: Path, tmp_path: Path) -> None:
    """The op, what widens its anchors and what follows it; other graphs' readers stay."""
    path = rewrite(file, tmp_path / "half.tflite", half_anchors)
    assert read_tflite(path).ops == {"DEQUANTIZE": 1, "TFLite_Detection_PostProcess": 1}
    facts = describe(read_model(exposing_heads(read_model(path))))
    assert facts.ops == {}
    assert facts.inputs == read_tflite(path).inputs


def test_signatures_name_the_heads(file: Path, tmp_path: Path) -> None:
    """One that went on naming detections would name tensors that nothing writes."""

    def sign(model: Any) -> None:
        each = schema.SignatureDefT()
        each.signatureKey, each.inputs, each.outputs = b"serving_default", [], []
        for index in model.subgraphs[0].outputs:
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = f"output_{index}".encode(), index
            each.outputs.append(entry)
        model.signatureDefs = [each]

    model = read_model(rewrite(file, tmp_path / "signed.tflite", sign))
    raw = read_model(exposing_heads(model))
    (signature,) = raw.root.signature_defs
    assert [each.name for each in signature.outputs] == list(RAW_OUTPUTS)
    assert [each.tensor_index for each in signature.outputs] == raw.graph.outputs.tolist()
    assert len(model.root.signature_defs[0].outputs) == 4


def test_heads_that_share_a_name_get_those_of_the_api(file: Path, tmp_path: Path) -> None:
    """Outputs are known by name."""

    def same(model: Any) -> None:
        for index in (1, 2):
            model.subgraphs[0].tensors[index].name = b"head"

    model = read_model(rewrite(file, tmp_path / "same.tflite", same))
    assert head_names(model) == RAW_OUTPUTS
    facts = describe(read_model(exposing_heads(model)))
    assert tuple(spec.name for spec in facts.outputs) == RAW_OUTPUTS


def _twice(model: Any) -> None:
    model.subgraphs[0].operators *= 2


def _one_head(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = [1, 1, 3]


def _keypoints(model: Any) -> None:
    model.subgraphs[0].tensors[1].shape = [1, ANCHORS, 8]


def _fewer_boxes(model: Any) -> None:
    model.subgraphs[0].tensors[1].shape = [1, ANCHORS - 1, 4]


def _no_scale(model: Any) -> None:
    model.subgraphs[0].tensors[2].type = schema.TensorType.UINT8


def _flat(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = [ANCHORS, CLASSES + 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_twice, "one TFLite_Detection_PostProcess, got 2 of them"),
        (_one_head, "both are one tensor"),
        (_keypoints, r"encodings \[1, 12, 8\]"),
        (_fewer_boxes, "encodings of 11 anchors and scores of 12"),
        (_no_scale, "scores of uint8 without a scale"),
        (_flat, r"scores \[12, 3\]"),
    ],
)
def test_heads_that_are_no_raw_outputs(
    file: Path, tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    """What is there instead is said."""
    with pytest.raises(NotProvided, match=said):
        exposing_heads(read_model(rewrite(file, tmp_path / "m.tflite", change)))


def test_no_op(tmp_path: Path) -> None:
    """Nothing to expose, nothing to change."""
    model = read_model(write_foreign(tmp_path / "raw.tflite", Foreign(raw=("a", "b"))))
    for make in (exposing_heads, head_names):
        with pytest.raises(NotProvided, match=r"no post-processing op \(raw.tflite\)"):
            make(model)
    with pytest.raises(NotProvided, match="no post-processing op"):
        with_anchors(model, np.zeros((ANCHORS, 4), np.float32))


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_any_attributes_are_read_back(file: Path, data: st.DataObject) -> None:
    """Every one of them, and nothing else of the file changes."""
    before = read_tflite(file)
    own = before.postprocess
    assert own is not None
    values = {
        field.name: data.draw(
            {
                int: st.integers(0, 2**31 - 1),
                float: st.floats(0, 1e6, width=32),
                bool: st.booleans(),
            }[type(getattr(own, field.name))]
        )
        for field in dataclasses.fields(own)
        if data.draw(st.booleans())
    }
    wanted = dataclasses.replace(own, **values)
    model = read_model(file)
    after = describe(read_model(with_attributes(model, wanted)))
    assert after.postprocess == wanted
    assert (after.outputs, after.ops, after.constant_bytes) == (
        before.outputs,
        before.ops,
        before.constant_bytes,
    )
    assert is_unchanged(model, file)


def test_attributes_take_effect(file: Path, tmp_path: Path) -> None:
    """LiteRT goes by them; with its own the file gives the same bits."""
    own = read_tflite(file).postprocess
    assert own is not None
    model = read_model(file)
    before = run_file(file, tmp_path)
    assert before[_COUNT] == ANCHORS
    assert same_arrays(run_file(with_attributes(model, own), tmp_path), before)
    fewer = run_file(with_attributes(model, dataclasses.replace(own, max_detections=5)), tmp_path)
    assert fewer[_COUNT] == 5
    assert same_arrays(fewer[:_COUNT], [each[:, :5] for each in before[:_COUNT]])


def test_sizes_that_the_file_states_follow(file: Path, tmp_path: Path) -> None:
    """TensorFlow 2's files state how many detections there are."""

    def state(model: Any) -> None:
        for index, size in zip(range(4, 8), ([1, 12, 4], [1, 12], [1, 12], [1]), strict=True):
            model.subgraphs[0].tensors[index].shape = size

    model = read_model(rewrite(file, tmp_path / "m.tflite", state))
    own = describe(model).postprocess
    assert own is not None
    content = with_attributes(model, dataclasses.replace(own, max_detections=5))
    shapes = [spec.shape for spec in describe(read_model(content)).outputs]
    assert shapes == [(1, 5, 4), (1, 5), (1, 5), (1,)]


def test_other_options_of_the_op_stay(file: Path, tmp_path: Path) -> None:
    """Converters write more than the kernel reads; what cannot be kept is refused."""
    path = rewrite(file, tmp_path / "m.tflite", change_attributes(_output_quantized=True, by="x"))
    own = read_tflite(path).postprocess
    assert own is not None
    wanted = dataclasses.replace(own, max_detections=5)
    (op,) = read_model(with_attributes(read_model(path), wanted)).graph.operators
    options = flexbuffers.Loads(bytearray(op.custom_options))
    assert (options["_output_quantized"], options["by"], options["max_detections"]) == (
        True, "x", 5,
    )  # fmt: skip
    nested = rewrite(file, tmp_path / "n.tflite", change_attributes(more={"a": 1}))
    with pytest.raises(ConversionError, match="more is neither number nor text"):
        with_attributes(read_model(nested), wanted)


def test_metadata_and_label_files_come_along(file: Path, tmp_path: Path) -> None:
    """Whatever is made, it says of the image and of the classes what the file said."""
    labels = PackedFile("labels.txt", type=FileType.TENSOR_AXIS_LABELS, lines=("cat", "dog"))
    outputs = (TensorMetadata("a", files=(labels,)), *map(TensorMetadata, "bcd"))
    about = ModelMetadata(inputs=(TensorMetadata("image"),), outputs=outputs)
    path = write_with_metadata(file, about, tmp_path / "m.tflite")
    model, own = read_model(path), read_tflite(path).postprocess
    assert own is not None
    whole = read_metadata(path)
    for content in (
        exposing_heads(model),
        with_attributes(model, dataclasses.replace(own, max_detections=5)),
        with_anchors(model, read_anchors(path)[0]),
    ):
        target = tmp_path / "out.tflite"
        target.write_bytes(content)
        assert read_metadata(target) == whole
    torn = read_model(path.read_bytes().replace(b"PK\x03\x04", b"PK\0\0"), "torn.tflite")
    with pytest.raises(ConversionError, match=r"archive behind the model"):
        exposing_heads(torn)


def test_buffers_are_aligned(files: Any) -> None:
    """Kernels read weights in place, 16 bytes at a time."""
    content = exposing_heads(read_model(files.float))
    for buffer in read_model(content).root.buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            assert content.index(bytes(buffer.data)) % 16 == 0
    # An independent reader finds what ours does.
    root = schema.ModelT.InitFromPackedBuf(content, 0)
    assert [len(graph.outputs) for graph in root.subgraphs] == [2]
    assert struct.unpack_from("<I", content)[0] < len(content)


def test_damaged_files_raise_only_the_harness_s_error(file: Path) -> None:
    """Whatever a byte says that the reader lets pass."""
    whole, random = file.read_bytes(), np.random.default_rng(7)
    made = 0
    for _ in range(400):
        content = bytearray(whole)
        for place in random.integers(0, len(whole), 2):
            content[place] = random.choice([0, 1, 127, 255])
        try:
            model = read_model(bytes(content), "damaged.tflite")
            own = describe(model).postprocess
            exposing_heads(model)
            with_anchors(model, np.zeros((ANCHORS, 4), np.float32))
            if own is not None:
                with_attributes(model, dataclasses.replace(own, max_detections=5))
            made += 1
        except ValidationError as error:
            assert str(error)
    assert 100 < made < 400


def test_numbers_that_no_kernel_reads(file: Path, tmp_path: Path) -> None:
    """Flexbuffers cannot write an option beyond single precision again."""
    builder = flexbuffers.Builder()
    (op,) = read_model(file).graph.operators
    with builder.Map():
        for name, value in flexbuffers.Loads(bytearray(op.custom_options)).items():
            builder.Key(name)
            builder.Add(value)
        builder.Key("more")
        builder.Float(1e300, 8)

    def enlarge(model: Any) -> None:
        model.subgraphs[0].operators[0].customOptions = list(builder.Finish())

    path = rewrite(file, tmp_path / "m.tflite", enlarge)
    own = read_tflite(path).postprocess
    assert own is not None
    with pytest.raises(ConversionError, match=r"more is 1e\+300"):
        with_attributes(read_model(path), dataclasses.replace(own, max_detections=5))
