"""Pascal VOC folders become a data set: corners, flags, names and layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.coco.dataset import Dataset, load_dataset
from validation.coco.voc import read_voc
from validation.errors import DatasetError
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Write = Callable[..., Path]

_EXIF_ORIENTATION = 0x0112


def _xml(
    corners: tuple[object, ...] = (11, 6, 20, 10),
    *,
    filename: str = "a.png",
    size: str = "<size><width>40</width><height>20</height><depth>3</depth></size>",
    inside: str = "",
    name: str = "cat",
) -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    box = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    return (
        f"<annotation><folder>f</folder><filename>{filename}</filename>{size}<object>"
        f"<name>{name}</name>{inside}<bndbox>{box}</bndbox></object></annotation>"
    )


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an annotation and its image; gives the folder of the set."""

    def _write(
        text: str | None = None,
        *,
        name: str = "a.xml",
        annotations: str = "Annotations",
        images: str = "JPEGImages",
        image: str | None = "a.png",
    ) -> Path:
        for folder in (annotations, images):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        if text is not None:
            (tmp_path / annotations / name).write_text(text)
        if image is not None:
            Image.new("RGB", (40, 20)).save(tmp_path / images / image)
        return tmp_path

    return _write


def _kinds(dataset: Dataset) -> dict[Kind, bool]:
    return {
        notice.kind: notice.moves_figures
        for notice in dataset.notices
        if notice.kind is not Kind.AREA_MISSING
    }


def test_corners_count_from_one_and_are_inclusive(write: Write) -> None:
    """11 to 20 are ten pixels, the first of which is pixel 10 of COCO's."""
    dataset = load_dataset(write(_xml()))
    assert dataset.ground_truth[0].bbox == (10, 5, 10, 5)
    assert dataset.ground_truth[0].area == 50
    assert [notice.kind for notice in dataset.notices] == [Kind.AREA_MISSING]
    assert dataset.categories == {1: "cat"}
    assert not dataset.numbers_stated


def test_the_whole_image_is_the_whole_image(write: Write) -> None:
    """1 to the width and height."""
    assert load_dataset(write(_xml((1, 1, 40, 20)))).ground_truth[0].bbox == (0, 0, 40, 20)


def test_a_corner_at_zero_makes_the_set_count_from_zero(write: Write) -> None:
    """All of its boxes are then edges; it may move figures, and is noticed."""
    write(_xml((0, 0, 40, 20), filename="b.png"), name="b.xml", image="b.png")
    dataset = load_dataset(write(_xml()))
    assert [item.bbox for item in dataset.ground_truth] == [(11, 6, 9, 4), (0, 0, 40, 20)]
    assert _kinds(dataset) == {Kind.COUNTED_FROM_ZERO: True}


def test_a_slip_to_zero_among_more_at_one_changes_nothing_else(write: Write) -> None:
    """The box itself then reaches beyond the image."""
    for name in "bcd":
        corners = (0, 3, 9, 9) if name == "b" else (1, 3, 9, 9)
        write(_xml(corners, filename=f"{name}.png"), name=f"{name}.xml", image=f"{name}.png")
    dataset = load_dataset(write(_xml()))
    boxes = [item.bbox for item in dataset.ground_truth]
    assert boxes == [(10, 5, 10, 5), (-1, 2, 10, 7), (0, 2, 9, 7), (0, 2, 9, 7)]
    assert _kinds(dataset) == {Kind.BOX_BEYOND_IMAGE: False}


@pytest.mark.parametrize(
    ("text", "kinds", "box", "ignored"),
    [
        (_xml(inside="<difficult>1</difficult>"), {Kind.OBJECT_DIFFICULT: False}, None, True),
        (_xml(inside="<difficult>0</difficult><truncated>1</truncated>"), {}, None, False),
        (_xml(size=""), {Kind.SIZE_FROM_IMAGE: False}, None, False),
        (
            _xml(size="<size><width>0</width><height>0</height></size>"),
            {Kind.SIZE_FROM_IMAGE: False},
            None,
            False,
        ),
        (_xml((11.5, 6, 20, 10)), {Kind.CORNER_WITH_DECIMALS: True}, (10.5, 5, 9.5, 5), False),
        (_xml(("11.0", 6, 20, 10)), {}, None, False),
        (_xml((20, 6, 11, 10)), {Kind.BOX_INVERTED: True}, None, False),
        (_xml(filename="before.jpg"), {Kind.FILE_NAME_DISAGREES: False}, None, False),
        (_xml(filename="a"), {}, None, False),
        (_xml(filename="A.PNG"), {}, None, False),
        ('<?xml version="1.0" encoding="gb2312"?>\n' + _xml(), {}, None, False),
        (_xml(filename="C:\\photos\\a.png"), {}, None, False),
        (_xml(inside="<part><name>ear</name><bndbox/></part>"), {}, None, False),
        ("\ufeff" + _xml(), {}, None, False),
        ('<?xml version="1.0" encoding="utf-8"?>\n' + _xml(), {}, None, False),
    ],
)
def test_what_people_write_is_read(
    write: Write,
    text: str,
    kinds: dict[Kind, bool],
    box: tuple[float, ...] | None,
    ignored: bool,
) -> None:
    """And what was assumed is noticed."""
    dataset = load_dataset(write(text))
    assert _kinds(dataset) == kinds
    assert dataset.ground_truth[0].bbox == (box or (10, 5, 10, 5))
    assert dataset.ground_truth[0].is_crowd == ignored


def test_without_a_size_a_turned_photograph_is_doubtful(write: Write) -> None:
    """It may have been annotated as stored or as shown, and the size would say which."""
    root = write(_xml(size=""))
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = 6
    Image.new("RGB", (40, 20)).save(root / "JPEGImages" / "a.png", exif=exif)
    assert _kinds(load_dataset(root))[Kind.SIZE_FROM_IMAGE] is True


def test_names_may_have_blanks_and_signs(write: Write) -> None:
    """Of classes and of files."""
    text = _xml(name=" stop &amp; go  sign ", filename="my photo 1.png")
    dataset = load_dataset(write(text, name="my photo 1.xml", image="my photo 1.png"))
    assert dataset.categories == {1: "stop & go sign"}
    assert dataset.images[0].file_name == "my photo 1.png"


def test_the_image_of_its_own_name_goes_before_the_one_it_names(write: Write) -> None:
    """Both are there, so either may be meant: it may move figures."""
    write(image="b.png")
    dataset = load_dataset(write(_xml(filename="b.png")))
    assert dataset.images[0].file_name == "a.png"
    assert _kinds(dataset)[Kind.FILE_NAME_DISAGREES]


def test_an_image_of_other_case_is_found_and_noticed(write: Write) -> None:
    """As systems differ."""
    dataset = load_dataset(write(_xml(filename="A.png"), image="A.png"))
    assert dataset.images[0].file_name == "A.png"
    assert _kinds(load_dataset(write(_xml(filename="x"), image=None))) == {
        Kind.FILE_BY_OTHER_SPELLING: False,
        Kind.FILE_NAME_DISAGREES: False,
    }


def test_of_two_endings_the_named_one_is_taken(write: Write) -> None:
    """The other is not annotated."""
    write(image="a.jpg")
    dataset = load_dataset(write(_xml()))
    assert dataset.images[0].file_name == "a.png"
    assert _kinds(dataset) == {Kind.IMAGE_NOT_ANNOTATED: True}


@pytest.mark.parametrize("size", ["", "<size><width>40</width><height>20</height></size>"])
def test_overlong_names_are_names_of_no_file(write: Write, size: str) -> None:
    """No system's error reaches the user."""
    root = write(_xml(filename="x" * 400, size=size), image=None)
    with pytest.raises(DatasetError, match=r"1 of 1 images are missing.*xxx"):
        load_dataset(root)


def test_an_image_without_annotations_is_left_out_and_noticed(write: Write) -> None:
    """Where no list says which images are meant."""
    write(image="b.png")
    dataset = load_dataset(write(_xml()))
    assert len(dataset.images) == 1
    assert _kinds(dataset) == {Kind.IMAGE_NOT_ANNOTATED: True}


@pytest.mark.parametrize(
    ("annotations", "images", "named"),
    [
        ("Annotations", "JPEGImages", ""),
        ("Annotations", "JPEGImages", "Annotations"),
        ("annotations/xmls", "images", ""),
        ("annotations/xmls", "images", "annotations"),
        (".", ".", ""),
        ("labels", "images", ""),
        ("labels", "data", ""),
    ],
)
def test_layouts(write: Write, annotations: str, images: str, named: str) -> None:
    """VOC's own, that of the pets, and everything in one folder."""
    root = write(_xml(), annotations=annotations, images=images)
    assert load_dataset(root / named).annotations == 1


def test_a_list_says_which_images_are_meant(write: Write) -> None:
    """val.txt where it is there, another by name; flags behind names are no part of them."""
    write(_xml(filename="b.png", name="dog"), name="b.xml", image="b.png")
    root = write(_xml())
    lists = root / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("b\n")
    with pytest.raises(DatasetError, match=r"for training and none to evaluate on.*Main/train"):
        load_dataset(root)
    (lists / "val.txt").write_text("a\n")
    (lists / "dog_val.txt").write_text("a -1\nb  1\n")
    assert [image.file_name for image in load_dataset(root).images] == ["a.png"]
    assert load_dataset(root).describe().startswith("Pascal VOC (list val.txt): 1 image, 1 obj")
    assert load_dataset(lists / "train.txt").categories == {1: "dog"}
    assert len(load_dataset(lists / "dog_val.txt").images) == 2
    (lists / "val.txt").write_text("a\nc\n")
    with pytest.raises(DatasetError, match=r"1 of 2 images of the list have no annotation.*got c"):
        load_dataset(root)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<annotation>", "cannot be read"),
        ("<kml></kml>", "no annotation of Pascal VOC.*got <kml>"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "a DTD"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><annotation/>", "a DTD"),
        ("<annotation>&b;</annotation>", "undefined entity"),
        ("<a>" * 100 + "</a>" * 100, "nested more than 32 deep"),
        (_xml(name=""), "object without a name"),
        (_xml((1, 2, 3, "x")), r"four finite numbers \(a.xml, object 1\)"),
        (_xml((1, 2, 3, "nan")), "four finite numbers"),
        (_xml().replace("bndbox", "robndbox"), "object without a box.*got name, robndbox"),
        (_xml(filename="c.png").replace("40", "41"), r"images are not as annotated.*40x20"),
    ],
)
def test_what_cannot_be_read_is_named(write: Write, text: str, said: str) -> None:
    """File and object; no DTD is looked at, no file fetched, nothing grows."""
    with pytest.raises(DatasetError, match=said) as caught:
        load_dataset(write(text))
    assert "a.xml" in str(caught.value) or "a.png" in str(caught.value)


def test_an_image_that_is_not_there_is_named(write: Write) -> None:
    """With and without a stated size."""
    root = write(_xml(), image=None)
    with pytest.raises(DatasetError, match=r"1 of 1 images are missing.*a.png"):
        load_dataset(root)
    with pytest.raises(DatasetError, match=r"1 of 1 images are missing.*a.png"):
        load_dataset(write(_xml(size=""), image=None))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to be written again and again."""
    return tmp_path_factory.mktemp("voc") / "a.xml"


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_text_ends_in_one_error(path: Path, data: st.DataObject) -> None:
    """Or in an annotation whose numbers are finite."""
    text = bytearray(_xml().encode())
    for _ in range(data.draw(st.integers(0, 3))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(text[: data.draw(st.integers(0, len(text)))])
    try:
        found = read_voc(path)
    except DatasetError as error:
        assert "a.xml" in str(error)
    else:
        assert all(abs(side) < 1e9 for each in found.objects for side in each.corners)
