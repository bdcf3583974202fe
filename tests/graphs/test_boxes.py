"""The box coder that training uses, against the decoder of the post-processing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from validation.graphs.boxes import center_size, encode
from validation.postprocess.decode import decode_boxes
from validation.specs.contracts import PostprocessAttributes

SCALES = (10.0, 8.0, 5.0, 4.0)
# Centres and sides of boxes of some size.
shapes = hnp.arrays(np.float32, (3, 4), elements=st.floats(0.125, 1, width=32))
few = settings(deadline=None, max_examples=40)


def corners(shape: np.ndarray) -> np.ndarray:
    """(centre y, centre x, height, width) as corners."""
    return np.concatenate([shape[:, :2] - shape[:, 2:] / 2, shape[:, :2] + shape[:, 2:] / 2], 1)


@few
@given(shapes)
def test_center_size_undoes_corners(shape: np.ndarray) -> None:
    """Corners go back to centre and size, in float32."""
    found = center_size(corners(shape))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, shape, atol=1e-6)


@few
@given(shapes, shapes)
def test_the_decoder_undoes_encode(boxes: np.ndarray, anchors: np.ndarray) -> None:
    """Decoding gives the boxes back."""
    attributes = PostprocessAttributes(10, 1, 0.0, 0.5, 1, *SCALES, 10, use_regular_nms=True)
    codes = encode(corners(boxes), corners(anchors), SCALES)
    assert codes.dtype == np.float32
    found = decode_boxes(codes, center_size(corners(anchors)), attributes)
    np.testing.assert_allclose(found, corners(boxes), atol=1e-5)


def test_formula() -> None:
    """Offsets are in anchor sizes, growth in logarithms, each times its scale."""
    anchor = np.array([[0.0, 0.0, 0.5, 1.0]], np.float32)
    box = np.array([[0.25, 0.0, 1.25, 0.5]], np.float32)
    expected = [[10 * 1.0, 8 * -0.25, 5 * np.log(2), 4 * np.log(0.5)]]
    np.testing.assert_allclose(encode(box, anchor, SCALES), expected, rtol=1e-5)


def test_an_empty_box_has_finite_codes() -> None:
    """Sides of 0 do not give an infinite logarithm."""
    empty = np.array([[0.5, 0.5, 0.5, 0.5]], np.float32)
    whole = np.array([[0.0, 0.0, 1.0, 1.0]], np.float32)
    assert np.isfinite(encode(empty, whole, SCALES)).all()
