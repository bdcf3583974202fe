"""Anchors and box scales are found again from what they make of encodings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from validation.comparison.implied_coding import implied_coding
from validation.postprocess.decode import decode_boxes
from validation.specs.contracts import PostprocessAttributes

_RULES = {"rounding": 1e-3, "scale_share": 0.01}
_IMAGES, _ANCHORS = 4, 30
_CODER = PostprocessAttributes(100, 1, 1e-8, 0.6, 1, 10.0, 10.0, 5.0, 5.0, 100, True)
_WHOLE = st.integers(1, 20).map(float)


def _encodings(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 2, (_IMAGES, _ANCHORS, 4)).astype(np.float32)


def _anchors(seed: int) -> NDArray[np.float32]:
    low, high = [0, 0, 0.03, 0.03], [1, 1, 0.9, 0.9]
    return np.random.default_rng(seed).uniform(low, high, (_ANCHORS, 4)).astype(np.float32)


def _boxes(
    encodings: NDArray[np.float32], anchors: NDArray[np.float32], coder: PostprocessAttributes
) -> NDArray[np.float32]:
    return np.stack([decode_boxes(each, anchors, coder) for each in encodings])


@given(st.integers(0, 2**32 - 1), _WHOLE, _WHOLE, _WHOLE, _WHOLE)
def test_what_made_the_boxes_is_found(seed: int, y: float, x: float, h: float, w: float) -> None:
    """Whatever the scales are, each axis has its own; boxes larger than the image as well."""
    coder = dataclasses.replace(_CODER, y_scale=y, x_scale=x, h_scale=h, w_scale=w)
    encodings, anchors = _encodings(seed), _anchors(seed)
    found = implied_coding(encodings, _boxes(encodings, anchors, coder), **_RULES)
    assert found is not None
    # Corners are float32, and a small side of a far corner has few digits.
    assert found.scales == pytest.approx((y, x, h, w), rel=1e-3)
    np.testing.assert_allclose(found.anchors, anchors, rtol=1e-3, atol=1e-3)


def test_rounding_of_another_run_does_not_matter() -> None:
    """Encodings of two runs of one body differ by 1e-3 at most."""
    encodings, anchors = _encodings(1), _anchors(1)
    noise = np.random.default_rng(2).uniform(-1e-3, 1e-3, encodings.shape).astype(np.float32)
    found = implied_coding(encodings + noise, _boxes(encodings, anchors, _CODER), **_RULES)
    assert found is not None
    assert found.scales == pytest.approx((10, 10, 5, 5), rel=1e-3)
    np.testing.assert_allclose(found.anchors, anchors, rtol=0, atol=1e-3)


def test_boxes_of_another_body_imply_nothing() -> None:
    """No anchors make the one of the other."""
    boxes = _boxes(_encodings(1), _anchors(1), _CODER)
    assert implied_coding(_encodings(2), boxes, **_RULES) is None
    assert implied_coding(-_encodings(1), boxes, **_RULES) is None


def test_images_that_show_nothing() -> None:
    """One image has no slope, and neither have several that are the same."""
    one, anchors = _encodings(1)[:1], _anchors(1)
    for encodings in (one, one.repeat(3, axis=0)):
        assert implied_coding(encodings, _boxes(encodings, anchors, _CODER), **_RULES) is None


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(value: float) -> None:
    """Of either side."""
    encodings = _encodings(1)
    boxes = _boxes(encodings, _anchors(1), _CODER)
    for array in (encodings, boxes):
        damaged = array.copy()
        damaged[0, 0, 2] = value
        sides = (damaged, boxes) if array is encodings else (encodings, damaged)
        assert implied_coding(*sides, **_RULES) is None


def test_boxes_without_area_imply_nothing() -> None:
    """What an NMS pads with."""
    encodings = _encodings(1)
    boxes = _boxes(encodings, _anchors(1), _CODER)
    boxes[0, 3] = 0
    assert implied_coding(encodings, boxes, **_RULES) is None
