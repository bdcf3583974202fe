"""A .tflite file that an interpreter must not see is refused by what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flatbuffers import flexbuffers
from hypothesis import given, settings
from hypothesis import strategies as st
from limited_files import LimitFiles

from validation.diagnosis.tensor_values import TensorValues
from validation.errors import ConversionError
from validation.runtimes.tflite import TfliteRuntime
from validation.tflite.model import MODEL, read_model
from validation.tflite.runnable import check_runnable

_DATA = Path(__file__).parents[1] / "data" / "metadata"
_TINY = (_DATA / "tiny.tflite").read_bytes()
_HOSTILE = sorted((Path(__file__).parents[3] / "shared" / "hostile").glob("*.tflite"))
Change = Callable[[Any], None]


def _changed(change: Change) -> bytes:
    root = MODEL.unpack(_TINY, "m.tflite")
    change(root)
    return MODEL.pack(root)


def _op(root: Any) -> Any:
    return next(each for each in root.subgraphs[0].operators if each.custom_options is not None)


def _attribute(name: str, value: Any) -> Change:
    def change(root: Any) -> None:
        op = _op(root)
        options = flexbuffers.Loads(bytearray(op.custom_options)) | {name: value}
        op.custom_options = np.frombuffer(flexbuffers.Dumps(options), np.uint8)

    return change


def _input_shape(*shape: int) -> Change:
    def change(root: Any) -> None:
        graph = root.subgraphs[0]
        graph.tensors[graph.inputs[0]].shape = np.array(shape, np.int32)

    return change


def _anchors_shape(*shape: int) -> Change:
    def change(root: Any) -> None:
        graph = root.subgraphs[0]
        tensor = graph.tensors[_op(root).inputs[2]]
        values = np.zeros(shape, np.float32)
        tensor.shape = np.array(shape, np.int32)
        root.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)

    return change


def _no_anchors(root: Any) -> None:
    root.buffers[root.subgraphs[0].tensors[_op(root).inputs[2]].buffer].data = None


def _fewer_bytes(root: Any) -> None:
    buffer = root.buffers[root.subgraphs[0].tensors[_op(root).inputs[2]].buffer]
    buffer.data = buffer.data[:-4]


def _missing_first_input(root: Any) -> None:
    operator = root.subgraphs[0].operators[0]
    operator.inputs = np.array([-1, *operator.inputs[1:]], np.int32)


def _three_outputs(root: Any) -> None:
    op = _op(root)
    op.outputs = op.outputs[:3]
    root.subgraphs[0].outputs = op.outputs


def _large_scale(root: Any) -> None:
    quantisation = MODEL.table("QuantizationParameters")
    root.subgraphs[0].tensors[0].quantization = quantisation(
        scale=np.array([4e27], np.float32), zero_point=np.array([0], np.int64)
    )


def _beyond_the_file(root: Any) -> None:
    root.buffers[1].offset, root.buffers[1].size = 1 << 40, 8


_WRONG: list[tuple[Change, str]] = [
    (_attribute("max_detections", 2_000_000_000), "max_detections 2e.09, not from 1 to 100000"),
    (_attribute("max_detections", -1), "max_detections -1, not from 1"),
    (
        _attribute("max_classes_per_detection", 99_999),
        r"\d+,\d+ slots of detections, more than 100,000",
    ),
    (_attribute("max_classes_per_detection", 0), "max_classes_per_detection 0"),
    (_attribute("detections_per_class", 2**40), "detections_per_class"),
    (_attribute("num_classes", 0), "num_classes 0"),
    (_attribute("num_classes", 77), "num_classes 77 for . columns of scores"),
    (_attribute("nms_score_threshold", float("nan")), "nms_score_threshold is no number"),
    (_attribute("nms_iou_threshold", float("nan")), "nms_iou_threshold nan"),
    (_attribute("nms_iou_threshold", -1.0), "nms_iou_threshold -1, not above 0"),
    (_attribute("y_scale", 0.0), "y_scale 0, not above 0"),
    (_attribute("w_scale", float("inf")), "w_scale inf"),
    (_input_shape(1, 2**31 - 1, 2**31 - 1, 3), r"MiB, more than 512 \(setting tflite_tensor_mib"),
    (_input_shape(1, -8, 8, 3), r"a side below 0 in \[1, -8, 8, 3\]"),
    (_anchors_shape(1, 4), r"box encodings \[1, \d+, 4\] for 1 anchors"),
    (_anchors_shape(4), r"anchors \[4\], not \[N, 4\]"),
    (_no_anchors, "reads tensor .*, which holds nothing before"),
    (_fewer_bytes, r"\d+ bytes for .*, which has \d+"),
    (_missing_first_input, r"operators\[0\]: .* without its input 0"),
    (_three_outputs, "3 inputs and 3 outputs, not 3 and 4"),
    (_large_scale, r"tensors\[0\]: a scale that is not from 0 to"),
    (_beyond_the_file, r"buffers\[1\]: 8 bytes at 1,099,511,627,776 of the file"),
]


@pytest.mark.parametrize(("change", "said"), _WRONG, ids=range(len(_WRONG)))
def test_what_a_kernel_trusts_is_checked_before(tmp_path: Path, change: Change, said: str) -> None:
    """By the runtime and by the layer table, in one sentence that names the field."""
    content = _changed(change)
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    with pytest.raises(ConversionError, match=rf"cannot be run \(m\.tflite\).*{said}"):
        TfliteRuntime(path)
    with pytest.raises(ConversionError, match=rf"cannot be run .*{said}"):
        TensorValues(content)


def test_whole_file_is_runnable(limit_files: LimitFiles) -> None:
    """And as large as the policy says."""
    check_runnable(read_model(_TINY))
    limit_files(tflite_detections=1)
    with pytest.raises(ConversionError, match=r"not from 1 to 1 \(setting tflite_detections\)"):
        check_runnable(read_model(_TINY))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_are_runnable_or_refused(data: st.DataObject) -> None:
    """Never another exception."""
    content = bytearray(_TINY)
    for _ in range(data.draw(st.integers(1, 4))):
        place = 4 * data.draw(st.integers(2, len(content) // 4 - 1))
        content[place : place + 4] = data.draw(
            st.sampled_from([0, 1, 2**31 - 1, 2**32 - 1]) | st.integers(0, 2**32 - 1)
        ).to_bytes(4, "little")
    try:
        check_runnable(read_model(bytes(content), "m.tflite"))
    except ConversionError as error:
        assert "\n" not in str(error)


@pytest.mark.skipif(not _HOSTILE, reason="needs the shared folder beside the checkout")
@pytest.mark.parametrize("path", _HOSTILE, ids=lambda path: path.name)
def test_hostile_files_reach_no_interpreter(path: Path) -> None:
    """They ended one, or came out of it as an exception of its own."""
    with pytest.raises(ConversionError, match=r"cannot be run|is damaged"):
        TfliteRuntime(path)
