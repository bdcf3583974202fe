"""Whatever a file of labelled images holds, it ends in a data set or in one of our errors."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from set_writers import Values, example, frame

from validation.coco.dataset import load_dataset
from validation.errors import DatasetError

_SOME = settings(max_examples=60, deadline=None)
_NUMBERS = st.lists(st.integers(-3, 400) | st.integers(-(2**63), 2**63 - 1), max_size=3)
_FLOATS = st.lists(st.floats(0, 1, width=32) | st.floats(width=32), max_size=3)
_TEXTS = st.lists(st.sampled_from([b"", b"cat", b"\xff", b"../a.png", b"7"]), max_size=3)
_ANY = _NUMBERS | _FLOATS | _TEXTS


def _png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 4)).save(stream, "PNG")
    return stream.getvalue()


_PNG = _png()
_FEATURES = st.fixed_dictionaries(
    {
        "image/encoded": st.sampled_from([[_PNG], [_PNG[:30]], [b""], []]),
        "image/object/bbox/xmin": _FLOATS,
        "image/object/bbox/xmax": _FLOATS,
        "image/object/bbox/ymin": _FLOATS,
        "image/object/bbox/ymax": _FLOATS,
    },
    optional={
        "image/filename": _TEXTS,
        "image/source_id": _ANY,
        "image/width": _NUMBERS,
        "image/height": _ANY,
        "image/object/class/label": _NUMBERS,
        "image/object/class/text": _TEXTS,
        "image/object/area": _FLOATS,
        "image/object/difficult": _NUMBERS,
        "image/object/is_crowd": _ANY,
    },
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to be written to again and again."""
    return tmp_path_factory.mktemp("hostile")


def _load(path: Path) -> None:
    try:
        dataset = load_dataset(path, path.parent, cache=path.parent / "cache")
    except DatasetError as error:
        assert path.stem in str(error) or path.parent.name in str(error)
    else:
        for item in dataset.ground_truth:
            assert all(map(math.isfinite, (*item.bbox, item.area)))
            assert item.category_id in dataset.categories
        assert all(image.path.is_file() for image in dataset.images)


@_SOME
@given(features=st.lists(_FEATURES, max_size=2))
def test_records_with_any_features(folder: Path, features: list[dict[str, Values]]) -> None:
    """Of the right types or not, of the right lengths or not."""
    path = folder / "some.record"
    path.write_bytes(b"".join(frame(example(each)) for each in features))
    _load(path)


@_SOME
@given(data=st.binary(max_size=60))
@pytest.mark.parametrize(
    "head", [b"", b"{", b"<annotation>", b"names: [a]\nval: ", b"\x1f\x8b\x08"]
)
def test_files_of_any_bytes(folder: Path, head: bytes, data: bytes) -> None:
    """Behind what looks like one kind or another."""
    path = folder / "some.file"
    path.write_bytes(head + data)
    _load(path)
