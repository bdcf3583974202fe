"""Box encodings to boxes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.postprocess.decode import decode_boxes
from validation.specs.contracts import PostprocessAttributes

Attributes = Callable[..., PostprocessAttributes]


@pytest.mark.parametrize(
    ("encoding", "box"),
    [
        pytest.param((0, 0, 0, 0), (0.4, 0.3, 0.6, 0.7), id="anchor itself"),
        pytest.param((10, 0, 0, 0), (0.6, 0.3, 0.8, 0.7), id="down by one height"),
        pytest.param((0, -10, 0, 0), (0.4, -0.1, 0.6, 0.3), id="left by one width, unclipped"),
        pytest.param((0, 0, 5 * math.log(2), 0), (0.3, 0.3, 0.7, 0.7), id="twice as high"),
        pytest.param((0, 0, 0, 5 * math.log(4)), (0.4, -0.3, 0.6, 1.3), id="four times as wide"),
    ],
)
def test_a_known_anchor_gives_the_known_box(
    make_attributes: Attributes,
    encoding: tuple[float, ...],
    box: tuple[float, ...],
) -> None:
    """Scales 10 and 5, anchor centre (0.5, 0.5), size (0.2, 0.4)."""
    anchors = np.array([[0.5, 0.5, 0.2, 0.4]], np.float32)
    decoded = decode_boxes(np.array([encoding], np.float32), anchors, make_attributes())
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, [box], atol=1e-6)


def test_each_coordinate_has_its_own_scale(make_attributes: Attributes) -> None:
    """Four different scales show which one divides which encoding."""
    attributes = make_attributes(y_scale=1, x_scale=2, h_scale=4, w_scale=8)
    anchors = np.array([[0, 0, 1, 1]], np.float32)
    decoded = decode_boxes(np.ones((1, 4), np.float32), anchors, attributes)
    half_height, half_width = math.exp(1 / 4) / 2, math.exp(1 / 8) / 2
    expected = [1 - half_height, 0.5 - half_width, 1 + half_height, 0.5 + half_width]
    np.testing.assert_allclose(decoded[0], expected, rtol=1e-6)


@pytest.mark.filterwarnings("error")
def test_overflow_and_nan_are_answers_not_warnings(make_attributes: Attributes) -> None:
    """A size that overflows is infinite, NaN stays where it was."""
    encodings = np.array([[0, 0, 1e6, 0], [0, np.nan, 0, 0]], np.float32)
    decoded = decode_boxes(encodings, np.full((2, 4), 0.5, np.float32), make_attributes())
    assert decoded[0].tolist() == [-math.inf, 0.25, math.inf, 0.75]
    assert np.isnan(decoded[1]).tolist() == [False, True, False, True]


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), number=st.integers(0, 40))
def test_decoding_undoes_encoding(make_attributes: Attributes, seed: int, number: int) -> None:
    """Encoding by the coder's definition and decoding gives the box back."""
    rng = np.random.default_rng(seed)
    attributes = make_attributes(y_scale=7, x_scale=3, h_scale=2, w_scale=5)
    boxes = np.concatenate([rng.random((number, 2)), 1.05 + rng.random((number, 2))], axis=1)
    anchors = 0.1 + rng.random((number, 4))
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    encodings = np.concatenate(
        [
            (centre - anchors[:, :2]) / anchors[:, 2:] * [7, 3],
            np.log(size / anchors[:, 2:]) * [2, 5],
        ],
        axis=1,
    )
    decoded = decode_boxes(encodings.astype(np.float32), anchors.astype(np.float32), attributes)
    assert decoded.shape == (number, 4)
    np.testing.assert_allclose(decoded, boxes, atol=1e-5)
