"""The resize against TensorFlow's own, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.errors import FeedError
from validation.preprocess.resize import resize_bilinear

Resize = Callable[..., NDArray[np.float32]]
SIDE = st.integers(1, 80)
# align_corners, half_pixel_centers: all that ResizeBilinear takes.
FLAGS = st.sampled_from([(False, False), (True, False), (False, True)])


@pytest.fixture(scope="session")
def tensorflow_resize() -> Resize:
    """tf.raw_ops.ResizeBilinear with the signature of ours."""
    import tensorflow as tf

    def resize(image: NDArray[Any], height: int, width: int, **flags: bool) -> NDArray[np.float32]:
        resized = tf.raw_ops.ResizeBilinear(images=image[np.newaxis], size=[height, width], **flags)
        result: NDArray[np.float32] = resized.numpy()[0]
        return result

    return resize


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size_in=st.tuples(SIDE, SIDE),
    size_out=st.tuples(SIDE, SIDE),
    channels=st.sampled_from([1, 3, 4]),
    flags=FLAGS,
    as_float=st.booleans(),
)
@example(0, (1, 1), (1, 1), 3, (False, False), False)
@example(0, (1, 1), (7, 5), 3, (False, True), False)
@example(0, (80, 64), (1, 1), 3, (True, False), False)
@example(0, (80, 64), (30, 30), 3, (False, False), True)
def test_every_size_agrees_with_tensorflow(
    tensorflow_resize: Resize,
    seed: int,
    size_in: tuple[int, int],
    size_out: tuple[int, int],
    channels: int,
    flags: tuple[bool, bool],
    as_float: bool,
) -> None:
    """Up and down, with either flag or none, to a thousandth of a grey level."""
    image: NDArray[Any] = np.random.default_rng(seed).integers(
        0, 256, (*size_in, channels), dtype=np.uint8
    )
    if as_float:
        image = image.astype(np.float32)
    options = {"align_corners": flags[0], "half_pixel_centers": flags[1]}
    ours = resize_bilinear(image, *size_out, **options)
    assert ours.dtype == np.float32
    assert ours.shape == (*size_out, channels)
    np.testing.assert_allclose(
        ours, tensorflow_resize(image, *size_out, **options), rtol=0, atol=1e-3
    )


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size_in=st.tuples(st.integers(200, 700), st.integers(200, 700)),
    side=st.sampled_from([300, 320, 640]),
)
def test_photographs_agree_with_tensorflow(
    tensorflow_resize: Resize, seed: int, size_in: tuple[int, int], side: int
) -> None:
    """At the sizes of the zoo, where a wrong float in the scale would show at the far end."""
    image = np.random.default_rng(seed).integers(0, 256, (*size_in, 3), dtype=np.uint8)
    ours = resize_bilinear(image, side, side)
    theirs = tensorflow_resize(image, side, side, align_corners=False, half_pixel_centers=False)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("flags", "row"),
    [
        pytest.param({}, [0, 5, 10, 10], id="TF1: upper left corners meet"),
        pytest.param({"align_corners": True}, [0, 10 / 3, 20 / 3, 10], id="corners meet"),
        pytest.param({"half_pixel_centers": True}, [0, 2.5, 7.5, 10], id="pixel centres meet"),
    ],
)
def test_two_pixels_to_four(flags: dict[str, bool], row: list[float]) -> None:
    """The three ways to place four samples between two pixels, along either side."""
    image = np.array([[[0], [10]]], np.uint8)
    np.testing.assert_allclose(resize_bilinear(image, 1, 4, **flags)[0, :, 0], row, rtol=1e-6)
    image = image.transpose(1, 0, 2)
    np.testing.assert_allclose(resize_bilinear(image, 4, 1, **flags)[:, 0, 0], row, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 20), width=st.integers(1, 20))
def test_the_same_size_is_the_same_image(seed: int, height: int, width: int) -> None:
    """Value for value, in memory of its own."""
    image = np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)
    before = image.copy()
    resized = resize_bilinear(image, height, width)
    np.testing.assert_array_equal(resized, before)
    resized += 1
    np.testing.assert_array_equal(image, before)


def test_a_view_is_resized_like_its_copy() -> None:
    """Memory order does not matter."""
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    view = image[::-1, ::2]
    np.testing.assert_array_equal(resize_bilinear(view, 7, 9), resize_bilinear(view.copy(), 7, 9))


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        (np.uint8, (4, 4)),
        (np.uint8, (1, 4, 4, 3)),
        (np.float64, (4, 4, 3)),
        (np.int32, (4, 4, 3)),
        (np.uint8, (0, 4, 3)),
        (np.uint8, (4, 0, 3)),
        (np.uint8, (4, 4, 0)),
    ],
)
def test_an_array_that_is_no_image_is_refused(dtype: type, shape: tuple[int, ...]) -> None:
    """The message names dtype and shape."""
    with pytest.raises(FeedError, match="the image cannot be resized") as caught:
        resize_bilinear(np.zeros(shape, dtype), 2, 2)
    assert caught.value.got == f"{np.dtype(dtype)} {list(shape)}"


@pytest.mark.parametrize(("height", "width"), [(0, 2), (2, 0), (-1, 2)])
def test_an_empty_result_is_refused(height: int, width: int) -> None:
    """Both sides need a pixel."""
    with pytest.raises(FeedError, match=f"resized to nothing.*got {height} x {width}"):
        resize_bilinear(np.zeros((4, 4, 3), np.uint8), height, width)


def test_both_flags_at_once_are_refused() -> None:
    """As TensorFlow refuses them."""
    with pytest.raises(FeedError, match="align_corners and half_pixel_centers exclude each other"):
        resize_bilinear(
            np.zeros((4, 4, 3), np.uint8), 2, 2, align_corners=True, half_pixel_centers=True
        )


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    times=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    more=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    flags=FLAGS,
)
@example(0, (5, 6), (3, 4), (0, 0), (False, False))
@example(0, (5, 6), (1, 1), (0, 0), (False, False))
@example(0, (5, 6), (2, 3), (1, 0), (False, False))
@example(0, (5, 6), (2, 3), (0, 1), (False, False))
def test_bytes_and_their_floats_are_resized_alike(
    seed: int,
    size: tuple[int, int],
    times: tuple[int, int],
    more: tuple[int, int],
    flags: tuple[bool, bool],
) -> None:
    """To the last bit, also where samples lie on pixels, so that bytes need no interpolation."""
    sides = [each * factor + odd for each, factor, odd in zip(size, times, more, strict=True)]
    image = np.random.default_rng(seed).integers(0, 256, (*sides, 3), dtype=np.uint8)
    named = dict(zip(("align_corners", "half_pixel_centers"), flags, strict=True))
    resized = resize_bilinear(image, *size, **named)
    assert resized.tobytes() == resize_bilinear(image.astype(np.float32), *size, **named).tobytes()
    assert not np.shares_memory(resized, image)
