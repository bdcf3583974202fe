"""How similar two runs are, in figures without limits."""

from __future__ import annotations

from validation.comparison.similarity import similarity
from validation.record.detections import Detections

_BOX = (0.1, 0.1, 0.5, 0.5)
_ELSEWHERE = (0.6, 0.6, 0.9, 0.9)


def _one(score: float, box: tuple[float, float, float, float] = _BOX) -> Detections:
    return Detections((box,), (score,), (1,))


def test_pairs_and_their_distance() -> None:
    """The worst pair is named with its image."""
    near = (0.1, 0.1, 0.5, 0.4)
    found = similarity(
        {"a": _one(0.9), "b": _one(0.8)}, {"a": _one(0.9), "b": _one(0.7, near)},
        min_score=0.3, min_iou=0.5,
    )  # fmt: skip
    assert (found.images, found.pairs, found.only_first, found.only_second) == (2, 2, 0, 0)
    assert found.worst_iou is not None and abs(found.worst_iou - 0.75) < 1e-9
    assert found.worst_score_shift is not None and abs(found.worst_score_shift - 0.1) < 1e-9
    assert found.where == "b"


def test_each_side_alone() -> None:
    """A detection in another place is lost on one side and new on the other."""
    found = similarity({"a": _one(0.9)}, {"a": _one(0.9, _ELSEWHERE)}, min_score=0.3, min_iou=0.5)
    assert (found.pairs, found.only_first, found.only_second) == (0, 1, 1)
    assert (found.worst_iou, found.worst_score_shift, found.where) == (None, None, "a")


def test_an_image_with_a_detection_on_one_side_alone_is_named() -> None:
    """On either side, and before the worst pair of another image."""
    near, nothing = (0.1, 0.1, 0.5, 0.4), Detections((), (), ())
    first = {"a": _one(0.9), "b": _one(0.8), "c": _one(0.8)}
    for name in "bc":
        second = {**first, "a": _one(0.9, near), name: nothing}
        for sides in ((first, second), (second, first)):
            assert similarity(*sides, min_score=0.3, min_iou=0.5).where == name
