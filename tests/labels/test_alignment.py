"""Names and classes: aligned by count and by stated numbers, never by guess."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import DatasetError
from validation.labels.alignment import align, align_uncounted, no_names
from validation.labels.label_list import LabelList, Numbering
from validation.labels.reading import labels_by_id, parse_labels

_COCO_OF_80 = [f"n{number}" for number in range(1, 12)] + ["stop sign"]
_COCO_OF_80 += [f"n{number}" for number in range(13, 81)]


def _metadata(*lines: str, axis: bool = False) -> LabelList:
    numbering = Numbering.AXIS if axis else Numbering.VALUES
    return LabelList(lines, (), numbering, "its own metadata")


def test_what_is_aligned_is_described() -> None:
    """How many names, how many classes, and which are left without."""
    names = labels_by_id({1: "a", 2: "b", 5: "c"}, "x")
    assert align(names, 5).describe() == "3 names for 5 classes; 2 unnamed: 3, 4"
    aligned = align(parse_labels("background\na\nb"), 2)
    assert aligned.background_dropped
    assert aligned.describe() == (
        "2 names for 2 classes, and one for the background, which is no class"
    )
    aligned = align(labels_by_id({1: "a", 2: "b"}, "x"), 1)
    assert (dict(aligned.names), aligned.surplus) == ({1: "a"}, ("b",))
    assert aligned.describe() == "2 names for 1 class; 1 of no class: b"
    assert no_names(2).describe() == "no names for 2 classes"


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30))
def test_list_without_numbers_fits_by_its_length_alone(names: int, classes: int) -> None:
    """Another length is refused with both counts and what would fit."""
    labels = parse_labels("\n".join(f"n{number}" for number in range(names)))
    if names == classes:
        assert not align(labels, classes).unnamed
        return
    with pytest.raises(DatasetError, match=f"got {names} names? for {classes} class") as refused:
        align(labels, classes)
    assert f"expected {classes} name" in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(_COCO_OF_80),
        "\n".join(["background", *_COCO_OF_80]),
        "\n".join(f"{number}: {name}" for number, name in enumerate(_COCO_OF_80)),
        "\n".join(f"{number} {name}" for number, name in enumerate(_COCO_OF_80, 1)),
        "".join(f"item {{ id: {n} name: '{name}' }}" for n, name in enumerate(_COCO_OF_80, 1)),
    ],
)
def test_cocos_80_names_are_never_joined_with_90_classes(text: str) -> None:
    """Names slide behind the first of COCO's ten gaps: the list with ids is offered."""
    with pytest.raises(DatasetError, match=r"--label_map=coco has COCO's 80 names for 90 ids"):
        align(parse_labels(text), 90)


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("background\na", 2, "in two ways.*2 lines for 2 classes: the first, 'background', is"),
        ("???\na", 2, "in two ways.*'[?]{3}', is the background or the first class; number its"),
        ("a\n\nb\n???\n", 3, "in two ways.*an empty line is a class without a name, or nothing"),
        ("0 background\n1 a", 2, "in two ways.*0, 'background', is the background or the first"),
        ("a\nb\nc", 2, "expected 2 names, or 3 with the background first, got 3 .*the first 'a'"),
        ("0 a\n2 b", 2, "of another model.*expected ids from 1 to 2, got 2 names, 0: a to 2: b"),
        ('[{"id": 0, "name": "pets"}, {"id": 1, "name": "a"}]', 1, "leave out 0, 'pets', if it is"),
        ("0: a\n1: background", 1, "leave out 1, 'background'"),
        ("7: a\n8: b", 6, "of another model.*ids 7 to 8"),
        ("1: a\n3: b", 2, "of another model.*ids 1 to 3"),
    ],
)
def test_what_cannot_be_aligned_is_asked_for(text: str, classes: int, message: str) -> None:
    """Two readings, another length, or ids of another model: refused with what to do."""
    with pytest.raises(DatasetError, match=message):
        align(parse_labels(text), classes)


def test_empty_lines_are_gaps_or_nothing_by_count() -> None:
    """The number of classes decides whether an empty line counts."""
    labels = parse_labels("a\n\nb\n\n")
    assert dict(align(labels, 2).names) == {1: "a", 2: "b"}
    assert dict(align(labels, 3).names) == {1: "a", 3: "b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", {1: "a", 2: "b"}),
        ("0: a\n2: b", {1: "a", 3: "b"}),
        ("0: background\n2: b", {2: "b"}),
        ("1: a\n3: b", {1: "a", 3: "b"}),
        ("item { id: 2 name: 'b' }", {2: "b"}),
    ],
)
def test_model_that_does_not_say_how_many_classes_it_has(
    text: str, expected: dict[int, str]
) -> None:
    """A graph that is no SSD is run with the names as they stand; what needs a count is asked."""
    assert align_uncounted(parse_labels(text)).names == expected
    with pytest.raises(DatasetError, match="in two ways"):
        align_uncounted(parse_labels("background\na"))


def test_line_of_metadata_names_its_value() -> None:
    """Line i is the op's class i; one line too many is the background's, if it says so."""
    assert dict(align(_metadata("a", "b"), 2).names) == {1: "a", 2: "b"}
    assert dict(align(_metadata("???", "b"), 2).names) == {2: "b"}
    for background in ("background", "???", ""):
        aligned = align(_metadata(background, "a", "b"), 2)
        assert (dict(aligned.names), aligned.background_dropped) == ({1: "a", 2: "b"}, True)
    assert dict(align(_metadata("background", "a", "b", axis=True), 2).names) == {1: "a", 2: "b"}
    for lines in (("a",), ("a", "b", "c"), ("background", "a", "b", "c")):
        with pytest.raises(DatasetError, match=r"does not fit .*its own metadata"):
            align(_metadata(*lines), 2)
