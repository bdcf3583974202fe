"""Which pictures a page shows, and what is drawn on them."""

from __future__ import annotations

import dataclasses

from validation.record.pictures import GROUND_TRUTH, BoxState, Panel, Picture
from validation.record.types import ModelKey
from validation.report.gallery import galleries

FLOAT, INT8, DYNAMIC = (ModelKey("m", name) for name in ("float", "int8", "dynamic"))
BOX, OTHER = (0.1, 0.1, 0.5, 0.5), (0.6, 0.6, 0.9, 0.9)


def _picture(key: ModelKey, image: str = "a.jpg", data: str = "AAAA") -> Picture:
    reference = Panel(
        "inference graph", (BOX, OTHER), (0.9, 0.8), (1, 2), (BoxState.LOST, BoxState.FOUND)
    )
    subject = Panel(f"{key.variant} .tflite", (OTHER,), (0.8,), (2,), (BoxState.FOUND,))
    truth = Panel(GROUND_TRUTH, (BOX, OTHER), (1.0, 1.0), (1, 2))
    names = {"1": "cat", "2": "dog"}
    return Picture(
        "m", image, 100, 80, data, (reference, subject, truth), names, key.variant, key.file
    )


def test_the_worst_subject_comes_first() -> None:
    """Whatever the order of the record; each image is on the page once."""
    pictures = [_picture(FLOAT), _picture(INT8), _picture(INT8, "b.jpg", "BBBB")]
    found = galleries(pictures, (INT8, DYNAMIC, FLOAT))
    assert found.worst is not None
    assert found.worst.key == INT8
    assert [shot.picture.image for shot in found.worst.shots] == ["a.jpg", "b.jpg"]
    assert [each.key for each in found.others] == [FLOAT]
    assert len(found.images) == 2
    assert found.left_out == 0


def test_a_page_keeps_a_bound_and_says_so() -> None:
    """All of the worst subject; of the others as many as there is room for."""
    pictures = [_picture(key, f"{n}.jpg", str(n)) for key in (INT8, FLOAT) for n in range(20)]
    found = galleries(pictures, (INT8, FLOAT))
    assert found.worst is not None
    assert len(found.worst.shots) == 20
    (other,) = found.others
    assert len(other.shots) + found.left_out == 20
    assert len(found.images) == 20


def test_what_is_lost_is_marked_on_both_sides() -> None:
    """Named where it is shown, dashed where it is missing; objects are drawn on both."""
    found = galleries([_picture(INT8)], (INT8,))
    assert found.worst is not None
    (shot,) = found.worst.shots
    reference, subject, truth = shot.sides
    assert shot.differences == "1 lost"
    assert [side.role for side in shot.sides] == ["reference", "subject", "truth"]
    assert sorted(box.label for box in reference.boxes) == ["dog 0.80", "lost cat 0.90"]
    assert [box.state for box in subject.elsewhere] == [BoxState.LOST]
    assert not reference.elsewhere
    assert len(reference.truth) == len(subject.truth) == 2
    assert {box.label for box in truth.boxes} == {"cat", "dog"}


def test_without_a_reference_there_is_the_file_and_its_labels() -> None:
    """No panel is taken for a reference that is none."""
    _, subject, truth = _picture(INT8).panels
    alone = dataclasses.replace(_picture(INT8), panels=(subject, truth))
    found = galleries([alone], (INT8,))
    assert found.worst is not None
    assert found.worst.roles == ("subject", "truth")


def test_no_pictures() -> None:
    """There is nothing to show."""
    assert galleries([], (INT8,)).worst is None
