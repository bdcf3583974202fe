"""What a path names is found out from what is there; what it is not is said."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from set_writers import example, frame, write_tfrecords, write_voc, write_yolo

from validation.coco.categories import join_categories
from validation.coco.dataset import load_dataset
from validation.errors import DatasetError
from validation.record.dataset_kind import DatasetKind

Make = Callable[..., tuple[Path, Path]]


@pytest.mark.parametrize("name", ["a.json", "a.txt", "a", "a.record"])
def test_a_suffix_says_nothing(make_coco: Make, tmp_path: Path, name: str) -> None:
    """COCO's json and TFRecords under any name."""
    path, folder = make_coco()
    coco = load_dataset(path, folder)
    path.rename(tmp_path / name)
    assert load_dataset(tmp_path / name, folder).kind is DatasetKind.COCO
    write_tfrecords(coco, str(tmp_path / "plain.bin"))
    assert load_dataset(tmp_path / "plain.bin", cache=tmp_path).kind is DatasetKind.TFRECORD
    write_tfrecords(coco, str(tmp_path / "packed.bin"), packed=True)
    assert load_dataset(tmp_path / "packed.bin", cache=tmp_path).kind is DatasetKind.TFRECORD


@pytest.mark.parametrize("place", ["images", "data", "tiny", "images/tiny", "../tiny", "."])
def test_images_are_found_where_they_usually_lie(
    make_coco: Make, tmp_path: Path, place: str
) -> None:
    """Beside the json, in `images` or `data`, or in the folder that instances_* is called by."""
    path, folder = make_coco()
    there = tmp_path / "sets"
    there.mkdir()
    path = path.rename(there / path.name)
    target = there / place
    target.parent.mkdir(exist_ok=True)
    if place == ".":
        for each in folder.iterdir():
            each.rename(there / each.name)
    else:
        folder.rename(target)
    dataset = load_dataset(path)
    assert len(dataset.images) == 3
    assert "images in" in dataset.describe()
    if place != "../tiny":
        assert load_dataset(there).kind is DatasetKind.COCO


def test_a_json_that_does_not_say_where_its_images_are(make_coco: Make, tmp_path: Path) -> None:
    """The option is named."""
    path, _ = make_coco()
    (tmp_path / "elsewhere").mkdir()
    moved = path.rename(tmp_path / "elsewhere" / "a.json")
    (tmp_path / "images").rename(tmp_path / "photographs")
    with pytest.raises(DatasetError, match=r"no seven.png beside the file.*--coco-images"):
        load_dataset(moved)


def test_a_folder_of_two_kinds_is_refused(make_coco: Make, tmp_path: Path) -> None:
    """Neither is taken by guess."""
    coco = load_dataset(*make_coco())
    write_voc(coco, tmp_path / "both")
    write_yolo(coco, tmp_path / "both")
    with pytest.raises(DatasetError, match=r"several kinds.*Pascal VOC, .* and YOLO, val"):
        load_dataset(tmp_path / "both")


def test_a_set_further_down_is_named(make_coco: Make, tmp_path: Path) -> None:
    """As VOCdevkit has its years."""
    write_voc(load_dataset(*make_coco()), tmp_path / "VOCdevkit" / "VOC2007")
    with pytest.raises(DatasetError, match=r"got VOC2007; name the folder inside: .*VOC2007"):
        load_dataset(tmp_path / "VOCdevkit")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "annotation file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a Git LFS pointer.*pull"),
        (b"<!DOCTYPE html><html>", "this is a web page.*download the file itself"),
        (b"<annotation><object/></annotation>", "annotation of one image.*name its folder: "),
        (b"<annotations><image/></annotations>", "no annotation of Pascal VOC.*export the set"),
        (b"<kml/>", "XML, but no annotation of Pascal VOC"),
        (b"PK\x03\x04....", "a zip archive"),
        (b"filename,width,height,class,xmin\na.jpg,1,2,cat,3\n", "a table of boxes has to be conv"),
        (b"just some text\n", "no data set of a known kind.*got 'just some text'"),
        (gzip.compress(b"anything", mtime=0), "a gzip file, but not of TFRecords.*unpack it"),
        (b"\0\1\2\3" * 9, "no data set of a known kind"),
        (b"[]", "has not the COCO layout"),
        (b"{", "cannot be read as JSON"),
        (frame(b"")[:-1], "ends within a record"),
        (frame(example({})), "no labelled image"),
    ],
)
def test_what_it_is_not_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    """In one line, with what to do."""
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(DatasetError, match=said):
        load_dataset(path, tmp_path, cache=tmp_path / "cache")


@pytest.mark.parametrize("text", ["[]", '{"shapes": []}'])
def test_json_of_another_tool_is_called_that(tmp_path: Path, text: str) -> None:
    """Label Studio's tasks and labelme's shapes lack the layout, not a folder of images."""
    path = tmp_path / "tasks.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=r"has not the COCO layout.*images, annotations, cat"):
        load_dataset(path)


def test_a_damaged_file_is_what_its_name_says(tmp_path: Path) -> None:
    """A wrong checksum in the first record would hide that it holds records."""
    path = tmp_path / "val.tfrecord"
    path.write_bytes(b"\x07" + frame(b"data")[1:])
    with pytest.raises(DatasetError, match=r"record is damaged.*val.tfrecord, record 1"):
        load_dataset(path)


@pytest.mark.parametrize(
    "name", ["none.json", "none-?????-of-00002", "none@3", "no,ne", "no*", 400 * "x"]
)
def test_nothing_there(tmp_path: Path, name: str) -> None:
    """Said with the path, and what could be named."""
    with pytest.raises(DatasetError, match=r"not there|no such files") as caught:
        load_dataset(tmp_path / name)
    assert "COCO json, TFRecords" in str(caught.value)


def test_an_empty_folder_says_what_it_should_hold(tmp_path: Path) -> None:
    """Every kind is named."""
    with pytest.raises(DatasetError, match=r"expected COCO json, .* got an empty folder"):
        load_dataset(tmp_path)


def test_a_set_with_a_folder_of_annotations_is_named_as_a_whole(
    make_coco: Make, tmp_path: Path
) -> None:
    """As CVAT exports it."""
    path, folder = make_coco()
    (tmp_path / "set" / "annotations").mkdir(parents=True)
    path.rename(tmp_path / "set" / "annotations" / "instances_default.json")
    folder.rename(tmp_path / "set" / "images")
    assert len(load_dataset(tmp_path / "set").images) == 3


def test_a_part_of_a_numbered_set_is_answered_with_the_whole(
    make_coco: Make, tmp_path: Path
) -> None:
    """By the name of one part, or by the name that the OD API's tools were given."""
    coco = load_dataset(*make_coco())
    for number in range(2):
        write_tfrecords(coco, str(tmp_path / f"val.record-0000{number}-of-00002"))
    pattern = tmp_path / "val.record-?????-of-00002"
    for name in ("val.record", "val.record-00001-of-00002"):
        with pytest.raises(DatasetError, match=re.escape(f"--coco-annotations='{pattern}'")):
            load_dataset(tmp_path / name)
    (tmp_path / "val.record-00000-of-00002").unlink()
    with pytest.raises(DatasetError, match=r"1 part .*fetch the others"):
        load_dataset(tmp_path / "val.record-00001-of-00002")


def test_several_jsons_in_a_folder_are_named(make_coco: Make, tmp_path: Path) -> None:
    """As COCO's own annotations folder has them."""
    path, _ = make_coco()
    (tmp_path / "other.json").write_text(path.read_text())
    (tmp_path / "no.json").write_text(json.dumps({"images": []}))
    with pytest.raises(DatasetError, match=r"several COCO .*got instances_tiny.json, other.json"):
        load_dataset(tmp_path)


def test_a_set_is_joined_by_name_where_its_numbers_are_ours(
    make_coco: Make, tmp_path: Path
) -> None:
    """Names in alphabetical order say nothing about a model's classes."""
    write_voc(load_dataset(*make_coco()), tmp_path / "voc")
    dataset = load_dataset(tmp_path / "voc")
    assert dataset.categories == {1: "cat", 2: "person"}
    with pytest.raises(DatasetError, match=r"names of categories and no numbers.*label map"):
        join_categories(None, dataset, 2)
    assert join_categories({1: "person", 2: "cat"}, dataset, 2).categories == {1: 2, 2: 1}
