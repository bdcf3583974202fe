"""What a SavedModel has to take and give to be judged by, asked of a stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from validation.errors import GraphError, NotProvided, OutputMissing
from validation.inference.saved_model import SavedModelDetector
from validation.preprocess.resize import resize_bilinear
from validation.record.detections import Detections
from validation.specs.contracts import DETECTION_OUTPUTS
from validation.specs.tensors import TensorSpec

_ANSWER = {
    "detection_boxes": np.float32([[[0, 0, 1, 1], [0.25, 0, 1, 1], [0, 0, 0, 0]]]),
    "detection_scores": np.float32([[0.75, 0.5, 0]]),
    "detection_classes": np.float32([[2, 1, 1]]),
    "num_detections": np.float32([2]),
}


class _Fake:
    """A runtime of given ends and a given answer."""

    def __init__(
        self,
        *inputs: TensorSpec,
        outputs: tuple[str, ...] = DETECTION_OUTPUTS,
        answer: Mapping[str, np.ndarray] = _ANSWER,
    ) -> None:
        self.inputs = inputs
        self.outputs = tuple(TensorSpec(name, "float32", ()) for name in outputs)
        self._answer = answer
        self.feeds: list[Mapping[str, np.ndarray]] = []

    def run(self, feed: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.feeds.append(feed)
        return dict(self._answer)

    def __enter__(self) -> _Fake:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def _input(dtype: str = "uint8", shape: tuple[int, ...] = (1, -1, -1, 3)) -> TensorSpec:
    return TensorSpec("input_tensor", dtype, shape)


def test_slots_beyond_the_count_are_no_detections() -> None:
    """Outputs are padded with zeros; the input goes by its name in the signature."""
    runtime = _Fake(_input())
    found = SavedModelDetector(runtime).detect(np.zeros((4, 6, 3), np.uint8))
    assert found == Detections(((0, 0, 1, 1), (0.25, 0, 1, 1)), (0.75, 0.5), (2, 1))
    assert runtime.feeds[0]["input_tensor"].shape == (1, 4, 6, 3)


def test_a_model_of_one_size_gets_the_image_at_that_size() -> None:
    """As the frozen graph does: TensorFlow's resize, in whole numbers."""
    runtime = _Fake(_input(shape=(1, 2, 3, 3)))
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    detector = SavedModelDetector(runtime)
    assert detector.image_size == (2, 3)
    detector.detect(image)
    np.testing.assert_array_equal(
        runtime.feeds[0]["input_tensor"][0], np.rint(resize_bilinear(image, 2, 3))
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((), r"another number of inputs.*got none"),
        ((_input(), TensorSpec("key", "string", (1,))), r"number of inputs.*got input_tensor, key"),
        ((_input("string", (1,)),), r"encoded images or tf\.Example.*input_type=image_tensor"),
        ((_input("float32"),), r"normalisation is not known.*input_tensor: float32 \[1, -1, -1, 3"),
        ((_input(shape=(8, -1, -1, 3)),), r"no single RGB image.*\[8, -1, -1, 3\]"),
        ((_input(shape=(1, 300, 300, 1)),), r"no single RGB image"),
    ],
)
def test_another_input_is_refused(inputs: tuple[TensorSpec, ...], said: str) -> None:
    """By its name, with how to export it again."""
    with pytest.raises(GraphError, match=said) as error:
        SavedModelDetector(_Fake(*inputs))
    assert "--input_type=image_tensor" in str(error.value)


def test_a_shape_that_is_not_stated_fits_any_image() -> None:
    """TensorFlow looks when it runs."""
    assert SavedModelDetector(_Fake(_input(shape=()))).image_size is None


def test_a_model_that_detects_nothing_is_refused() -> None:
    """A classifier, for example."""
    with pytest.raises(OutputMissing, match=r"no detector.*got no detection_boxes.*among logits"):
        SavedModelDetector(_Fake(_input(), outputs=("logits",)))


def test_classes_from_0_are_refused() -> None:
    """Scored as they are, each would be taken for its neighbour."""
    answer: dict[str, Any] = _ANSWER | {"detection_classes": np.float32([[1, 0, 0]])}
    with pytest.raises(GraphError, match=r"counts its classes from 0.*got class 0"):
        SavedModelDetector(_Fake(_input(), answer=answer)).detect(np.zeros((4, 6, 3), np.uint8))


def test_what_enters_the_nms_is_asked_for_where_it_is_given() -> None:
    """Old releases do not give it."""
    detector = SavedModelDetector(_Fake(_input()))
    assert not detector.has_raw
    with pytest.raises(NotProvided, match=r"raw_detection_boxes and raw_detection_scores"):
        detector.raw(np.zeros((4, 6, 3), np.uint8))
