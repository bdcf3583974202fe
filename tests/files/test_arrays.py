"""NumPy's files of unknown origin: what their headers state is held against their bytes."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from limited_files import LimitFiles
from numpy.typing import NDArray

from validation.files.arrays import parse_npy, parse_npz, read_npy

_ANY = arrays_of.arrays(
    st.sampled_from(["<f4", "<f8", "<i4", ">i2", "|u1", "|b1", "<U3"]),
    arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


def _npy(values: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, **options)
    return stream.getvalue()


def _header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1")


@settings(max_examples=100, deadline=None)
@given(_ANY, st.booleans())
def test_what_numpy_writes_comes_back(values: NDArray[Any], by_columns: bool) -> None:
    """Alone and in an .npz, of every dtype, shape and order."""
    values = np.asfortranarray(values) if by_columns else values
    back = parse_npy(_npy(values))
    assert back.dtype == values.dtype
    assert back.shape == values.shape
    assert back.tobytes() == values.tobytes()
    whole = io.BytesIO()
    np.savez(whole, first=values, second=values)
    assert {name: each.tobytes() for name, each in parse_npz(whole.getvalue()).items()} == {
        "first": values.tobytes(),
        "second": values.tobytes(),
    }


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_are_an_array_or_one_error(data: st.DataObject) -> None:
    """Whatever is changed or cut, nothing but ValueError is raised, and objects are never made."""
    whole = io.BytesIO()
    np.savez(whole, a=np.arange(12.0).reshape(3, 4), b=np.array(["x", "yy"]))
    content = bytearray(data.draw(st.sampled_from([whole.getvalue(), _npy(np.eye(3))])))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    for parse in (parse_npy, parse_npz):
        try:
            parse(bytes(content))
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 3000 + "}\n",
        "{'descr': [('a', '<f4', (" + "9," * 100 + "))], 'fortran_order': False, 'shape': ()}\n",
        "not a header\n",
        "",
    ],
)
def test_header_that_lies_makes_no_array(header: str) -> None:
    """A terabyte is refused by its header, before there is room for it."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"\S"):
            parse_npy(_header(header) + bytes(8))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_python_objects_are_never_made() -> None:
    """A pickle runs code of whoever wrote it."""

    class Bad:
        def __reduce__(self) -> Any:
            return pytest.fail, ("code of the file was run",)

    with pytest.raises(ValueError, match="Python objects"):
        parse_npy(_npy(np.array([Bad()], object), allow_pickle=True))
    with pytest.raises(ValueError, match=r"\S"):
        parse_npy(pickle.dumps([1]))


def test_compressed_arrays_are_refused() -> None:
    """A thousand times their size could lie in them, and the harness writes none."""
    whole = io.BytesIO()
    np.savez_compressed(whole, a=np.zeros(1000))
    with pytest.raises(ValueError, match=r"a\.npy is compressed"):
        parse_npz(whole.getvalue())


def test_members_that_share_their_bytes_count_each(limit_files: LimitFiles) -> None:
    """All arrays of a file together have a limit."""
    whole = io.BytesIO()
    np.savez(whole, a=np.zeros(100_000), b=np.zeros(100_000))
    limit_files(read_arrays_mib=1)
    with pytest.raises(ValueError, match="read_arrays_mib"):
        parse_npz(whole.getvalue())


def test_no_zip_is_one_error() -> None:
    """A ValueError, as for every other damage."""
    with pytest.raises(ValueError, match="not a zip file"):
        parse_npz(b"x")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.npy", b"x")
    with pytest.raises(ValueError, match=r"\S"):
        parse_npz(whole.getvalue())


def test_file_is_read_through_the_door(tmp_path: Path, limit_files: LimitFiles) -> None:
    """Of a bounded size."""
    np.save(tmp_path / "a.npy", np.zeros(200_000))
    assert read_npy(tmp_path / "a.npy").shape == (200_000,)
    limit_files(read_arrays_mib=1)
    with pytest.raises(OSError, match="read_arrays_mib"):
        read_npy(tmp_path / "a.npy")
