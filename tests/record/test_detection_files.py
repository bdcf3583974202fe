"""Detections in a file come back as they were, to the last bit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from validation.errors import RecordError
from validation.record.detection_files import read_detections, write_detections
from validation.record.detections import Detections


@st.composite
def _detections(draw: st.DrawFn, width: int) -> Detections:
    count = draw(st.integers(0, 5))
    numbers = st.floats(width=width)
    table = draw(arrays(f"float{width}", (count, 5), elements=numbers))
    classes = draw(arrays(np.int64, count, elements=st.integers(-(2**62), 2**62)))
    return Detections(table[:, :4], table[:, 4], classes)


_FOUND = st.sampled_from([32, 64]).flatmap(
    lambda width: st.dictionaries(st.text("ab0.jpg", min_size=1), _detections(width), max_size=5)
)


@settings(max_examples=60, deadline=None)
@given(found=_FOUND)
def test_what_was_written_is_read(found: dict[str, Detections]) -> None:
    """Keys, their order, images without detections, NaN and infinities."""
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "found.npz", Path(folder) / "again.npz"
        write_detections(path, found)
        read = read_detections(path)
        write_detections(again, read)
        # Evidence is named by its bytes.
        assert path.read_bytes() == again.read_bytes()
    assert list(read) == list(found)
    for key, each in found.items():
        for name in ("boxes", "scores", "classes"):
            got, expected = getattr(read[key], name), getattr(each, name)
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)


def test_what_a_model_gives_takes_half_the_room(tmp_path: Path) -> None:
    """Values of float32 and class ids are stored as narrow as they are."""
    path = tmp_path / "found.npz"
    write_detections(path, {"a": Detections(np.float32([[0.1, 0.2, 0.3, 0.4]]), [0.5], [7])})
    with np.load(path) as file:
        dtypes = {name: str(file[name].dtype) for name in ("boxes", "scores", "classes")}
    assert dtypes == {"boxes": "float32", "scores": "float32", "classes": "int32"}


_GOOD: dict[str, Any] = {
    "keys": np.array(["a", "b"]),
    "offsets": np.array([0, 1, 1]),
    "boxes": np.zeros((1, 4)),
    "scores": np.zeros(1),
    "classes": np.zeros(1, int),
}


@pytest.mark.parametrize(
    "change",
    [
        {"offsets": np.array([0, 1])},
        {"offsets": np.array([1, 0, 1])},
        {"offsets": np.array([0, 0, 0])},
        {"offsets": np.array([], int)},
        {"offsets": np.array(3)},
        {"boxes": np.zeros((1, 3))},
        {"scores": np.zeros(2)},
        {"classes": np.array([0.5])},
        {"classes": None},
        {"scores": np.array([object()])},
    ],
)
def test_another_layout_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    """Arrays that do not fit each other, are missing, or would have to be unpickled."""
    path = tmp_path / "found.npz"
    np.savez(path, **{name: each for name, each in (_GOOD | change).items() if each is not None})
    with pytest.raises(RecordError, match=r"does not hold|detections of|class ids"):
        read_detections(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 torn", b"\x93NUMPY\x01\x00v\x00"])
def test_another_kind_of_file_is_refused(tmp_path: Path, data: bytes) -> None:
    """Empty, torn, or no container at all."""
    path = tmp_path / "found.npz"
    path.write_bytes(data)
    with pytest.raises(RecordError, match="does not hold detections by image"):
        read_detections(path)
