"""A copy of a file differs from it in nothing but what was asked for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from foreign_tflite import Foreign, write_foreign

from validation.errors import ConversionError
from validation.runtimes.tflite import TfliteRuntime
from validation.tflite.facts import read_anchors, read_tflite
from validation.tflite.op_copies import write_copy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A detector of twelve anchors."""
    return write_foreign(tmp_path / "detect.tflite")


def test_other_attributes(file: Path) -> None:
    """LiteRT goes by them."""
    copy = write_copy(file, file.with_name("copy.tflite"), {"max_detections": 5}, None)
    before, after = read_tflite(file), read_tflite(copy)
    assert before.postprocess is not None
    assert after.postprocess == dataclasses.replace(before.postprocess, max_detections=5)
    assert (after.inputs, after.outputs, after.ops) == (before.inputs, before.outputs, before.ops)
    with TfliteRuntime(copy) as runtime:
        out = runtime.run({"image": np.zeros((1, 8, 8, 3), np.float32)})
    assert out["TFLite_Detection_PostProcess:3"] == 5


def test_other_anchors(file: Path) -> None:
    """As many as there were; others are refused."""
    anchors = read_anchors(file)[0] * np.float32(1.5)
    copy = write_copy(file, file.with_name("copy.tflite"), {}, anchors)
    assert np.array_equal(read_anchors(copy)[0], anchors)
    assert read_tflite(copy).postprocess == read_tflite(file).postprocess
    with pytest.raises(ConversionError, match=r"cannot be replaced .*\[12, 4\]"):
        write_copy(file, copy, {}, anchors[:3])


def test_no_op(tmp_path: Path) -> None:
    """There is nothing that could have other attributes."""
    raw = write_foreign(tmp_path / "raw.tflite", Foreign(raw=("a", "b")))
    with pytest.raises(ConversionError, match="no TFLite_Detection_PostProcess"):
        write_copy(raw, tmp_path / "copy.tflite", {"max_detections": 5}, None)
