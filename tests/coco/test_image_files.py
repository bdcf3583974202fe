"""Image files are found as tools name them, and turned as their annotations are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from validation.coco.dataset import Dataset, load_dataset
from validation.errors import DatasetError
from validation.preprocess.image import load, load_rgb, stored_image
from validation.record.dataset_notices import DatasetNoticeKind as Kind

Make = Callable[..., tuple[Path, Path]]

# Upper left red, upper right green, lower left blue: every turn can be told.
_PIXELS = np.zeros((20, 40, 3), np.uint8)
_PIXELS[:10, :20, 0] = _PIXELS[:10, 20:, 1] = _PIXELS[10:, :20, 2] = 255


def _named(name: str) -> Callable[[dict[str, Any]], None]:
    def change(table: dict[str, Any]) -> None:
        table["images"][0]["file_name"] = name

    return change


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/data/train/seven.png", Kind.FILE_BY_LAST_NAME),
        ("C:" + r"\data\images\seven.png", Kind.FILE_BY_LAST_NAME),
        ("train2017/seven.png", Kind.FILE_BY_LAST_NAME),
        ("../images/elsewhere/seven.png", Kind.FILE_BY_LAST_NAME),
        ("https://host/a/seven.png", Kind.FILE_BY_LAST_NAME),
        ("SEVEN.PNG", Kind.FILE_BY_OTHER_SPELLING),
        ("seven.PNG", Kind.FILE_BY_OTHER_SPELLING),
        ("./seven.png", None),
    ],
)
def test_names_of_another_machine_are_found(make_coco: Make, name: str, kind: Kind | None) -> None:
    """By their last parts, whatever separates them, and whatever the case."""
    path, folder = make_coco(_named(name))
    dataset = load_dataset(path, folder)
    assert dataset.images[-1].path.resolve() == (folder / "seven.png").resolve()
    assert [notice.kind for notice in dataset.notices] == ([kind] if kind else [])


def test_folders_of_a_name_are_kept_where_they_are_there(make_coco: Make) -> None:
    """Two images of one last name are two files; the longest part of a name that fits is taken."""
    path, folder = make_coco(_named(r"set\b\seven.png"))
    (folder / "b").mkdir()
    (folder / "seven.png").rename(folder / "b" / "seven.png")
    (folder / "c").mkdir()
    Image.new("RGB", (40, 20)).save(folder / "c" / "seven.png")
    dataset = load_dataset(path, folder)
    assert dataset.images[-1].path == folder / "b" / "seven.png"


def test_a_file_in_a_folder_below_is_found_where_it_is_the_only_one(make_coco: Make) -> None:
    """Of two of the name, which one was annotated is not known."""
    path, folder = make_coco()
    (folder / "b").mkdir()
    (folder / "seven.png").rename(folder / "b" / "seven.png")
    assert load_dataset(path, folder).images[-1].path == folder / "b" / "seven.png"
    (folder / "c").mkdir()
    Image.new("RGB", (40, 20)).save(folder / "c" / "seven.png")
    with pytest.raises(DatasetError, match="1 of 3 images are missing"):
        load_dataset(path, folder)


def test_accents_of_two_systems_are_one(make_coco: Make) -> None:
    """Some systems store an accent as a character of its own."""
    path, folder = make_coco(_named("K\u00e4fer.png"))
    (folder / "seven.png").rename(folder / "Ka\u0308fer.png")
    (notice,) = load_dataset(path, folder).notices
    assert notice.kind is Kind.FILE_BY_OTHER_SPELLING


def test_an_absolute_name_is_looked_for_in_the_folder(make_coco: Make, tmp_path: Path) -> None:
    """The folder is what was asked for, even where the other file is there too."""
    other = tmp_path / "seven.png"
    Image.new("RGB", (40, 20), "red").save(other)
    path, folder = make_coco(_named(str(other)))
    assert load_dataset(path, folder).images[-1].path == folder / "seven.png"


def test_two_images_of_one_file_are_refused(make_coco: Make) -> None:
    """What one entry's objects find would count as wrong on the other."""

    def change(table: dict[str, Any]) -> None:
        table["images"][2] = {**table["images"][0], "id": 5, "file_name": "b/seven.png"}

    with pytest.raises(DatasetError, match=r"2 images of the annotations are 1 files.*5: b/seven"):
        load_dataset(*make_coco(change))


def _turned_set(make_coco: Make, orientations: dict[str, int], *, shown: bool) -> Dataset:
    """The data set with JPEG orientations; annotated as shown, or as stored."""
    sizes = {"seven.png": (40, 20), "three.png": (30, 50), "five.png": (10, 10)}

    def change(table: dict[str, Any]) -> None:
        for entry in table["images"]:
            if shown and orientations.get(entry["file_name"], 1) > 4:
                entry["width"], entry["height"] = entry["height"], entry["width"]
        for entry in table["annotations"]:
            entry["bbox"], entry["area"] = [0, 0, 4, 4], 16

    path, folder = make_coco(change)
    for name, orientation in orientations.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.new("RGB", sizes[name]).save(folder / name, "JPEG", exif=exif)
    return load_dataset(path, folder)


@pytest.mark.parametrize("shown", [True, False])
def test_the_annotated_size_says_which_way_up(make_coco: Make, shown: bool) -> None:
    """Pixels are turned where boxes are those of the turned image, and only there."""
    dataset = _turned_set(make_coco, {"seven.png": 6, "three.png": 8}, shown=shown)
    assert [image.turned for image in dataset.images] == [shown, False, shown]
    assert [file.turned for file in dataset.files] == [shown, False, shown]
    (notice,) = dataset.notices
    kind = Kind.TURNED if shown else Kind.TURN_NOT_ANNOTATED
    assert (notice.kind, notice.count, notice.moves_figures) == (kind, 2, False)
    width, height = dataset.images[2].width, dataset.images[2].height
    assert load(dataset.files[2]).shape == (height, width, 3)


@pytest.mark.parametrize("shown", [True, False])
def test_images_of_equal_sides_follow_the_others(make_coco: Make, shown: bool) -> None:
    """As they do where they are upside down, which leaves the size as it is."""
    orientations = {"seven.png": 6, "five.png": 8, "three.png": 3}
    dataset = _turned_set(make_coco, orientations, shown=shown)
    assert [image.turned for image in dataset.images] == [shown] * 3
    assert not any(notice.moves_figures for notice in dataset.notices)


def test_without_others_it_is_not_known(make_coco: Make) -> None:
    """The pixels are used as they are stored, and it is a doubt."""
    dataset = _turned_set(make_coco, {"five.png": 8, "three.png": 3}, shown=True)
    assert not any(image.turned for image in dataset.images)
    (notice,) = dataset.notices
    assert (notice.kind, notice.count, notice.moves_figures) == (Kind.TURN_UNDECIDED, 2, True)


@pytest.mark.parametrize("orientation", range(10))
def test_pixels_are_turned_as_viewers_do(tmp_path: Path, orientation: int) -> None:
    """Pillow's own way of showing them is the measure; 0 and 9 are no orientations."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.png"
    Image.fromarray(_PIXELS).save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.array(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(load_rgb(path, turned=True), expected)
    np.testing.assert_array_equal(load_rgb(path), _PIXELS)
    stored = stored_image(path)
    assert stored.shown_size == expected.shape[1::-1]
    assert stored.is_upright is bool(
        (expected.shape == _PIXELS.shape) and (expected == _PIXELS).all()
    )
