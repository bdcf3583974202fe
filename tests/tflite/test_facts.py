"""What a .tflite file says of itself is read from its bytes, and damage is named as damage."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import ArtefactMissing, ConversionError
from validation.runtimes.tflite import TfliteRuntime
from validation.specs.contracts import BOX_ENCODINGS_NAME, CLASS_PREDICTIONS_NAME, INPUT_NAME
from validation.specs.tensors import TensorSpec
from validation.tflite.facts import read_anchors, read_tflite

OP = "TFLite_Detection_PostProcess"
OUTPUTS = (OP, f"{OP}:1", f"{OP}:2", f"{OP}:3")


@pytest.fixture
def rewritten(tiny, tmp_path):
    """The tiny file after a change to its model."""

    def rewrite(change):
        model = schema.ModelT.InitFromPackedBuf(tiny, 0)
        change(model)
        builder = flatbuffers.Builder(len(tiny))
        builder.Finish(model.Pack(builder), b"TFL3")
        path = tmp_path / "rewritten.tflite"
        path.write_bytes(bytes(builder.Output()))
        return path

    return rewrite


def test_raw_file_is_described(files):
    """Ends, ops, tensors, runtime and size; nothing of the op."""
    file = read_tflite(files.raw)
    assert file.inputs == (TensorSpec(INPUT_NAME, "float32", (1, 48, 64, 3)),)
    assert set(file.outputs) == {
        TensorSpec(BOX_ENCODINGS_NAME, "float32", (1, 132, 4)),
        TensorSpec(CLASS_PREDICTIONS_NAME, "float32", (1, 132, 3)),
    }
    assert file.ops["CONV_2D"] == 8
    assert file.ops["LOGISTIC"] == 1
    assert set(file.tensors) <= {"float32", "int32"}
    assert (file.postprocess, file.postprocess_outputs, file.anchors) == (None, (), ())
    assert file.min_runtime.count(".") == 2
    assert file.size_bytes == files.raw.stat().st_size


def test_op_is_described(rewritten, tiny_attributes):
    """Every attribute from the flexbuffer, anchors from the third input."""
    file = read_tflite(rewritten(lambda _: None))
    assert file.postprocess == tiny_attributes
    assert file.postprocess_outputs == OUTPUTS
    assert file.anchors == (2, 4)
    assert file.ops[OP] == 1


def test_file_and_runtime_tell_the_same(files):
    """Read from the bytes or from the interpreter, the ends are the same."""
    for path in (files.raw, files.float):
        with TfliteRuntime(path) as runtime:
            file = read_tflite(path)
            assert file.inputs == runtime.inputs
            assert [spec.name for spec in file.outputs] == [spec.name for spec in runtime.outputs]


def test_order_of_the_file_is_not_the_order_of_the_op(rewritten):
    """Consumers that bind by position see the file's order; names keep the meaning."""

    def reverse(model):
        model.subgraphs[0].outputs = model.subgraphs[0].outputs[::-1].copy()

    path = rewritten(reverse)
    file = read_tflite(path)
    assert [spec.name for spec in file.outputs] == list(OUTPUTS[::-1])
    assert file.postprocess_outputs == OUTPUTS
    feed = {INPUT_NAME: np.float32([[[[0, 0, 0, 0], [1, 2, 3, 0]]]])}
    with TfliteRuntime(path) as swapped, TfliteRuntime(rewritten(lambda _: None)) as straight:
        assert [spec.name for spec in swapped.outputs] == list(OUTPUTS[::-1])
        got, expected = swapped.run(feed), straight.run(feed)
    for name in OUTPUTS:
        np.testing.assert_array_equal(got[name], expected[name])


def test_old_op_codes_are_read(rewritten):
    """Files of before 2020 have the code in the deprecated field alone."""

    def age(model):
        for code in model.operatorCodes:
            code.builtinCode = 0

    assert read_tflite(rewritten(age)).ops == read_tflite(rewritten(lambda _: None)).ops


def test_attributes_that_the_kernel_defaults_may_be_missing(rewritten, tiny_attributes):
    """Old exporters wrote neither detections_per_class nor use_regular_nms."""

    def strip(model):
        (op,) = [op for op in model.subgraphs[0].operators if op.customOptions is not None]
        table = flexbuffers.Loads(bytearray(bytes(op.customOptions)))
        del table["detections_per_class"], table["use_regular_nms"]
        op.customOptions = np.frombuffer(bytes(flexbuffers.Dumps(table)), np.uint8)

    attributes = read_tflite(rewritten(strip)).postprocess
    assert (attributes.detections_per_class, attributes.use_regular_nms) == (100, False)
    assert attributes.max_detections == tiny_attributes.max_detections


def test_op_without_options_is_damage(rewritten):
    """The kernel could not start either."""

    def strip(model):
        for op in model.subgraphs[0].operators:
            op.customOptions = None

    with pytest.raises(ConversionError, match=r"flatbuffer is damaged \(rewritten.tflite\)"):
        read_tflite(rewritten(strip))


def test_file_without_metadata_names_no_runtime(rewritten):
    """Not every converter notes it."""

    def strip(model):
        model.metadata = None

    assert read_tflite(rewritten(strip)).min_runtime == ""


def test_open_sides_are_minus_one(rewritten):
    """The signature says more than the shape that a file happens to have."""

    def open_height(model):
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].shapeSignature = [1, -1, 2, 4]

    assert read_tflite(rewritten(open_height)).inputs[0].shape == (1, -1, 2, 4)


def test_quantisation_of_a_tensor_is_told(quantised):
    """Scale and zero point of the ends."""
    (image,) = read_tflite(quantised).inputs
    assert (image.dtype, image.zero_point) == ("uint8", 128)
    assert image.scale == pytest.approx(2 / 255)


def test_quantisation_of_channels_is_no_scale_of_the_tensor(rewritten):
    """There is no one number to tell."""

    def by_channel(model):
        graph = model.subgraphs[0]
        quantisation = schema.QuantizationParametersT()
        quantisation.scale, quantisation.zeroPoint = [0.5, 0.25], [0, 0]
        graph.tensors[graph.inputs[0]].quantization = quantisation

    (image,) = read_tflite(rewritten(by_channel)).inputs
    assert (image.scale, image.zero_point) == (None, None)


def test_anchors_are_read_as_they_are_stored(rewritten):
    """The constant behind the op's third input, of its own shape and dtype."""
    anchors, spec = read_anchors(rewritten(lambda _: None))
    assert (anchors.shape, anchors.dtype, spec.dtype) == ((2, 4), np.float32, "float32")
    assert np.isfinite(anchors).all()


def test_anchors_in_half_precision_are_read_before_they_are_widened(rewritten):
    """What float16 makes of them: a constant and an operator between it and the op."""

    def halve(model):
        graph = model.subgraphs[0]
        (op,) = [each for each in graph.operators if each.customOptions is not None]
        place = op.inputs[2]
        tensor = graph.tensors[place]
        stored = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.float32)
        buffer, half = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(stored.astype(np.float16).tobytes(), np.uint8)
        half.buffer, tensor.buffer = len(model.buffers), 0
        half.name, half.shape, half.type = b"half", [2, 4], schema.TensorType.FLOAT16
        model.buffers.append(buffer)
        graph.tensors.append(half)
        code, widen = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
        widen.opcodeIndex, widen.inputs, widen.outputs = (
            len(model.operatorCodes),
            [len(graph.tensors) - 1],
            [place],
        )
        model.operatorCodes.append(code)
        graph.operators.insert(0, widen)

    whole, _ = read_anchors(rewritten(lambda _: None))
    anchors, spec = read_anchors(rewritten(halve))
    assert (spec.dtype, anchors.dtype) == ("float16", np.float16)
    np.testing.assert_array_equal(anchors, whole.astype(np.float16))


def test_file_without_the_op_has_no_anchors(files):
    """A raw file leaves them to the app."""
    with pytest.raises(ConversionError, match=r"the file has no anchors .*: expected a const"):
        read_anchors(files.raw)


def test_anchors_that_are_computed_are_none(rewritten):
    """An empty buffer is told, not compared."""

    def empty(model):
        graph = model.subgraphs[0]
        (op,) = [each for each in graph.operators if each.customOptions is not None]
        graph.tensors[op.inputs[2]].buffer = 0

    with pytest.raises(ConversionError, match=r"the file has no anchors"):
        read_anchors(rewritten(empty))


def test_missing_file_is_named(tmp_path):
    """With its path."""
    with pytest.raises(ArtefactMissing, match=r"no .tflite file \(.*no.tflite\)"):
        read_tflite(tmp_path / "no.tflite")


@pytest.mark.parametrize("content", [b"\0", b"TFL3", b"404 Not Found", b"\x08\x00\x00\x00TFL2abcd"])
def test_other_files_are_told_by_their_identifier(tmp_path, content):
    """Every TFLite file has it at byte 4."""
    path = tmp_path / "other.tflite"
    path.write_bytes(content)
    with pytest.raises(
        ConversionError, match=rf"not a TFLite flatbuffer.*TFL3.*in {len(content)} byt"
    ):
        read_tflite(path)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_truncated_file_is_damage(tiny, tmp_path_factory, data):
    """Cut anywhere behind the identifier."""
    path = tmp_path_factory.getbasetemp() / "cut.tflite"
    path.write_bytes(tiny[: data.draw(st.integers(0, len(tiny) - 1))])
    with pytest.raises(
        ConversionError, match=r"damaged|not a TFLite flatbuffer|empty file"
    ) as error:
        read_tflite(path)
    assert "\n" not in str(error.value)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_flipped_bytes_raise_only_the_harness_s_error(tiny, tmp_path_factory, data):
    """Some flips cannot be seen, in a name for one; the others are told as damage."""
    damaged = bytearray(tiny)
    for place in data.draw(st.lists(st.integers(0, len(tiny) - 1), min_size=1, max_size=4)):
        damaged[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.tflite"
    path.write_bytes(damaged)
    try:
        file = read_tflite(path)
    except ConversionError as error:
        assert "\n" not in str(error)
    else:
        assert file.size_bytes == len(tiny)
