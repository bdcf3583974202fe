"""Outputs are written image by image, and read as one array by the pages of its file."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.workspace.stacked_outputs import open_stacked, save_stacked

_SHAPE = (1, 500, 500)


def _outputs(count: int) -> Iterator[dict[str, NDArray[np.float32]]]:
    for index in range(count):
        yield {"scores": np.full(_SHAPE, index, np.float32), "other": np.zeros((1, 2), np.float32)}


def test_file_is_what_numpy_saves(tmp_path: Path) -> None:
    """To the byte, so that earlier ones and other programs read it."""
    ours, numpys = tmp_path / "ours.npy", tmp_path / "numpys.npy"
    save_stacked({"scores": ours}, _outputs(3), 3)
    stacked = np.stack([each["scores"] for each in _outputs(3)])
    np.save(numpys, stacked)
    assert ours.read_bytes() == numpys.read_bytes()
    np.testing.assert_array_equal(open_stacked(ours), stacked)


def test_one_image_is_held_at_a_time(tmp_path: Path) -> None:
    """Neither writing nor reading takes what all images together have."""
    image = 4 * 500 * 500
    tracemalloc.start()
    save_stacked({"scores": tmp_path / "s.npy"}, _outputs(20), 20)
    read = open_stacked(tmp_path / "s.npy")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.shape == (20, *_SHAPE)
    assert most < 4 * image


def test_outputs_of_an_image_are_dropped_before_the_next_is_run(tmp_path: Path) -> None:
    """The next image's come on top of them."""
    earlier: list[weakref.ref[NDArray[np.float32]]] = []

    def run() -> Iterator[dict[str, NDArray[np.float32]]]:
        for _ in range(3):
            assert not any(each() is not None for each in earlier)
            array = np.zeros(4, np.float32)
            earlier.append(weakref.ref(array))
            outputs = {"scores": array}
            del array
            yield outputs
            del outputs

    save_stacked({"scores": tmp_path / "s.npy"}, run(), 3)
    assert len(earlier) == 3


def test_array_cannot_be_written_to(tmp_path: Path) -> None:
    """Checks share it."""
    save_stacked({"scores": tmp_path / "s.npy"}, _outputs(1), 1)
    assert not open_stacked(tmp_path / "s.npy").flags.writeable


@pytest.mark.parametrize("there", [1, 3])
def test_another_number_of_images_is_refused(tmp_path: Path, there: int) -> None:
    """The file would state a shape that its bytes have not."""
    with pytest.raises(ValueError, match=rf"outputs of {there} images, not of 2"):
        save_stacked({"scores": tmp_path / "s.npy"}, _outputs(there), 2)


def test_another_shape_is_refused(tmp_path: Path) -> None:
    """Images give outputs of one shape, or the file is not one array."""
    outputs = [{"scores": np.zeros(2, np.float32)}, {"scores": np.zeros(3, np.float32)}]
    with pytest.raises(ValueError, match=r"scores of image 2: float32 \(3,\)"):
        save_stacked({"scores": tmp_path / "s.npy"}, outputs, 2)
