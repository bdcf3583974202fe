"""From image to input tensor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import FeedError
from validation.preprocess.prepare import prepare
from validation.preprocess.resize import resize_bilinear
from validation.specs.contracts import Preprocessing

# MobileNet's: [0, 255] to [-1, 1].
MOBILENET = Preprocessing(4, 6, (2 / 255, 2 / 255, 2 / 255), (1.0, 1.0, 1.0))


def test_black_and_white_span_the_input_range() -> None:
    """0 becomes -1 and 255 becomes 1, in a batch of one at the model's size."""
    image = np.zeros((9, 9, 3), np.uint8)
    assert (prepare(image, MOBILENET) == -1).all()
    image[:] = 255
    tensor = prepare(image, MOBILENET)
    assert tensor.shape == (1, 4, 6, 3)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor, 1, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size_in=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    size_out=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_each_channel_has_its_own_scale_and_offset(
    seed: int, size_in: tuple[int, int], size_out: tuple[int, int]
) -> None:
    """The resized channel times its scale less its offset; the image is left as it was."""
    image = np.random.default_rng(seed).integers(0, 256, (*size_in, 3), dtype=np.uint8)
    before = image.copy()
    scale, offset = (1.0, 0.5, 2.0), (123.68, 116.78, 103.94)
    tensor = prepare(image, Preprocessing(*size_out, scale, offset))
    resized = resize_bilinear(image, *size_out)
    for channel in range(3):
        expected = resized[..., channel] * scale[channel] - offset[channel]
        np.testing.assert_allclose(tensor[0, ..., channel], expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("flag", ["align_corners", "half_pixel_centers"])
def test_the_resize_flags_are_the_graphs(flag: str) -> None:
    """Either flag changes the samples of a ramp, as it changes those of the resize."""
    image = np.arange(10, dtype=np.uint8)[np.newaxis, :, np.newaxis].repeat(3, axis=2)
    identity = Preprocessing(1, 4, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    flags: dict[str, Any] = {flag: True}
    flagged = prepare(image, replace(identity, **flags))
    np.testing.assert_array_equal(flagged[0], resize_bilinear(image, 1, 4, **flags))
    assert (flagged != prepare(image, identity)).any()


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        pytest.param(np.float32, (4, 4, 3), id="already normalised"),
        pytest.param(np.uint8, (4, 4), id="greyscale"),
        pytest.param(np.uint8, (4, 4, 4), id="with alpha"),
        pytest.param(np.uint8, (1, 4, 4, 3), id="with a batch axis"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(dtype: type, shape: tuple[int, ...]) -> None:
    """The message tells what was expected and what came."""
    with pytest.raises(FeedError, match=r"expected uint8 RGB \[H, W, 3\]") as caught:
        prepare(np.zeros(shape, dtype), MOBILENET)
    assert caught.value.got == f"{np.dtype(dtype)} {list(shape)}"
