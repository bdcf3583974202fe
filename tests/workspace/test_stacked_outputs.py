"""Outputs are written image by image, and read as one array by the pages of its file."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from validation.comparison.tensors import compare_tensors
from validation.isolation.freed_memory import drop_pages
from validation.policy.load import load_policy
from validation.record.types import ModelKey, Status
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


def _resident(path: Path) -> int:
    """Bytes of a file that are mapped and held by this process."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    held = 0
    for line in lines:
        if line.endswith(str(path)):
            rss = next(each for each in lines if each.startswith("Rss:"))
            held += int(rss.split()[1]) * 1024
    return held


def test_pages_that_were_read_are_dropped(tmp_path: Path) -> None:
    """Of a view of the file too, which reads the same values afterwards; of no other array."""
    path = tmp_path / "s.npy"
    save_stacked({"scores": path}, _outputs(3), 3)
    read = open_stacked(path)
    assert read.sum() == 3 * 500 * 500
    assert _resident(path) > 2_900_000
    drop_pages(read[1:])
    assert _resident(path) < 100_000
    np.testing.assert_array_equal(read, np.stack([each["scores"] for each in _outputs(3)]))
    other = np.ones(4)
    drop_pages(other)
    np.testing.assert_array_equal(other, np.ones(4))


def test_outputs_in_files_are_compared_an_image_at_a_time(tmp_path: Path) -> None:
    """With the result of arrays; hardly a page of the other side is held afterwards."""
    for name in ("one", "other"):
        paths = {each: tmp_path / f"{name}-{each}.npy" for each in ("scores", "other")}
        save_stacked(paths, _outputs(4), 4)
    one, other = (open_stacked(tmp_path / f"{name}-scores.npy") for name in ("one", "other"))
    found, expected = (
        compare_tensors(
            {"raw_outputs/class_predictions": left},
            {"raw_outputs/class_predictions": right},
            policy=load_policy(),
            key=ModelKey("m", "raw"),
            images=range(4),
        )
        for left, right in ((one, other), (np.array(one), np.array(other)))
    )
    assert found == expected
    assert found.status is Status.PASS
    drop_pages(one)
    assert _resident(tmp_path / "other-scores.npy") < 100_000
