"""A COCO annotation file is read entirely or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from validation.coco.annotations import read_annotations
from validation.errors import DatasetError, first_few
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Make = Callable[..., tuple[Path, Path]]


def test_an_annotation_file_is_read(make_coco: Make) -> None:
    """Images, categories and objects arrive with their values."""
    path, folder = make_coco()
    file = read_annotations(path, folder)
    assert sorted(file.images) == [3, 5, 7]
    assert file.images[7].path == folder / "seven.png"
    assert (file.images[7].width, file.images[7].height) == (40, 20)
    assert file.categories == {1: "person", 17: "cat", 18: "dog"}
    assert [item.bbox for item in file.objects][:2] == [(4, 2, 8, 10), (0, 0, 15, 5)]
    assert [item.is_crowd for item in file.objects] == [False, False, True]
    assert file.objects[1].area == 7.5
    assert file.data == path.read_bytes()


def test_a_missing_annotation_file_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(DatasetError, match=r"annotation file is not there \(.*absent\.json\)"):
        read_annotations(tmp_path / "absent.json", tmp_path)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path: Path, data: bytes) -> None:
    """Cut, binary and absurdly nested files end in the same error."""
    path = tmp_path / "broken.json"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read as JSON"):
        read_annotations(path, tmp_path)


@pytest.mark.parametrize(
    ("table", "got"),
    [([], "no object"), ({"images": [], "info": 1}, "an object with images, info")],
)
def test_another_layout_is_refused(tmp_path: Path, table: object, got: str) -> None:
    """JSON without the three lists is values from COCO."""
    path = tmp_path / "other.json"
    path.write_text(json.dumps(table))
    with pytest.raises(DatasetError, match=f"not the COCO layout.*got {got}"):
        read_annotations(path, tmp_path)


def _set(part: str, key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        table[part][1][key] = value

    return change


def _drop(part: str, key: str) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        del table[part][1][key]

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda table: table["images"].clear(), "lists no images"),
        (lambda table: table["images"].append(3), r"entry of images is no object.*images\[3\]"),
        (_set("images", "id", 7), "1 image ids stand more than once.*got 7"),
        (_set("categories", "id", 1), "1 category ids stand more than once.*got 1"),
        (_set("annotations", "id", 0), "1 annotation ids stand more than once.*got 0"),
        (_set("annotations", "image_id", 99), "1 image ids that the file does not list.*got 99"),
        (_set("annotations", "category_id", 99), "1 category ids that the file does not.*got 99"),
        (_set("images", "width", 0), r"without pixels \(instances_tiny.json, images\[1\]\)"),
        (_set("images", "height", "50"), "height is wrong.*a whole number.*, got '50'"),
        (_set("images", "id", 10**20), "id is wrong.*at most 63 bits, got 1000"),
        (_set("categories", "id", 1e300), "id is wrong.*got 1e.300"),
        (_set("images", "id", True), "id is wrong.*got True"),
        (_set("images", "file_name", ""), "file_name is wrong.*expected text"),
        (_set("categories", "name", None), "name is wrong.*got nothing"),
        (_set("annotations", "bbox", [1, 2, 3]), "bbox is wrong.*four finite numbers"),
        (_set("annotations", "bbox", [1, 2, float("nan"), 4]), "bbox is wrong.*four finite"),
        (_set("annotations", "bbox", [1, 2, -3, 4]), "bbox is wrong.*x, y, width, height"),
        (_set("annotations", "area", float("inf")), "area is wrong.*got inf"),
        (_set("annotations", "area", "7.5"), r"area is wrong \(.*annotations\[1\]\).*got '7.5'"),
        (_set("annotations", "iscrowd", "no"), "iscrowd is wrong.*got 'no'"),
        (_set("annotations", "category_id", 1.5), "category_id is wrong.*got 1.5"),
        (_set("annotations", "image_id", "seven"), "image_id is wrong.*got 'seven'"),
        (_set("images", "id", "7"), "1 image ids stand more than once.*got 7"),
        (_set("annotations", "id", 0.0), "1 annotation ids stand more than once.*got 0"),
    ],
)
def test_a_wrong_entry_is_named(
    make_coco: Make, change: Callable[[dict[str, Any]], None], text: str
) -> None:
    """The message has the field or the ids, and the file."""
    path, folder = make_coco(change)
    with pytest.raises(DatasetError, match=text) as caught:
        read_annotations(path, folder)
    assert "instances_tiny.json" in str(caught.value)


def test_a_box_without_height_is_kept(make_coco: Make) -> None:
    """COCO itself has such objects."""
    file = read_annotations(*make_coco(_set("annotations", "bbox", [1, 2, 3, 0])))
    assert file.objects[1].bbox == (1, 2, 3, 0)


def _text_ids(table: dict[str, Any]) -> None:
    for part in table.values():
        for entry in part:
            entry.update({key: f" {entry[key]:03} " for key in entry if key.endswith("id")})


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (_drop("annotations", "iscrowd"), {Kind.ISCROWD_MISSING: 1}),
        (_set("annotations", "iscrowd", None), {Kind.ISCROWD_MISSING: 1}),
        (_set("annotations", "iscrowd", False), {Kind.NUMBER_AS_OTHER: 1}),
        (_set("annotations", "iscrowd", "0"), {Kind.NUMBER_AS_OTHER: 1}),
        (_set("annotations", "iscrowd", 0.0), {Kind.NUMBER_AS_OTHER: 1}),
        (_set("images", "width", 30.0), {Kind.NUMBER_AS_OTHER: 1}),
        (_set("categories", "id", 17.0), {Kind.NUMBER_AS_OTHER: 1}),
        (_text_ids, {Kind.ID_AS_TEXT: 15}),
    ],
)
def test_what_other_tools_write_is_read_and_noticed(
    make_coco: Make, change: Callable[[dict[str, Any]], None], kinds: dict[Kind, int]
) -> None:
    """It has one meaning, so the objects are the same and no figure moves."""
    expected = read_annotations(*make_coco())
    assert expected.notices == ()
    file = read_annotations(*make_coco(change))
    assert file.objects == expected.objects
    assert (file.images, file.categories) == (expected.images, expected.categories)
    assert {notice.kind: notice.count for notice in file.notices} == kinds
    assert not any(notice.moves_figures for notice in file.notices)


@pytest.mark.parametrize(
    "change",
    [_drop("annotations", "area"), *(_set("annotations", "area", each) for each in (None, 0, -75))],
)
def test_an_area_that_is_none_is_that_of_the_box(
    make_coco: Make, change: Callable[[dict[str, Any]], None]
) -> None:
    """An object of negative area would be ignored by pycocotools, and AP would rise."""
    file = read_annotations(*make_coco(change))
    assert file.objects[1].area == 75
    (notice,) = file.notices
    assert notice.kind is Kind.AREA_MISSING
    assert notice.describe() == (
        "objects without area, taken as the area of their boxes: 1 (annotations[1])"
    )


def test_sizes_that_are_not_stated_are_those_of_the_files(make_coco: Make) -> None:
    """Nothing else can be meant, unless EXIF turns the file; half a size is no size."""

    def strip(table: dict[str, Any]) -> None:
        for entry in table["images"]:
            del entry["width"], entry["height"]

    expected = read_annotations(*make_coco())
    path, folder = make_coco(strip)
    file = read_annotations(path, folder)
    assert file.images == expected.images
    (notice,) = file.notices
    assert (notice.kind, notice.count, notice.moves_figures) == (Kind.SIZE_FROM_IMAGE, 3, False)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(folder / "seven.png", exif=exif)
    (notice,) = read_annotations(path, folder).notices
    assert notice.moves_figures
    (folder / "seven.png").unlink()
    with pytest.raises(DatasetError, match=r"width is wrong \(.*images\[0\]\).*got nothing"):
        read_annotations(path, folder)
    with pytest.raises(DatasetError, match="height is wrong"):
        read_annotations(*make_coco(_drop("images", "height")))


def test_objects_to_ignore_are_scored_and_move_figures(make_coco: Make) -> None:
    """As pycocotools does, which overwrites `ignore` with iscrowd."""

    def mark(table: dict[str, Any]) -> None:
        for entry in table["annotations"]:
            entry["ignore"] = 1

    (notice,) = read_annotations(*make_coco(mark)).notices
    assert (notice.kind, notice.count, notice.moves_figures) == (Kind.IGNORE_UNUSED, 2, True)


@given(names=st.lists(st.integers(), max_size=8))
@settings(max_examples=30, deadline=None)
def test_the_first_few_say_how_many_more(names: list[int]) -> None:
    """At most three are named, and named plus counted is all."""
    text, _, more = first_few(names).partition(" and ")
    named = text.split(", ") if text else []
    assert named == [str(name) for name in names[:3]]
    assert len(named) + int(more.split()[0] if more else 0) == len(names)
