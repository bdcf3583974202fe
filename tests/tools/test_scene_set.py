"""Splits of scenes: the files that are written, and the split that ships with the package."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import make_scenes
import numpy as np
import pytest
from bundled import scene_set
from bundled.scene_set import (
    CALIBRATION_SEED,
    FIRST_TRAINING_SEED,
    VALIDATION_COUNT,
    VALIDATION_SEED,
    annotation_table,
    labelled_scenes,
    scene_random,
    write_split,
)
from bundled.shapes import CLASSES
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from validation.coco.categories import join_categories
from validation.coco.dataset import Dataset, load_dataset
from validation.errors import UsageError
from validation.labels.alignment import align
from validation.labels.reading import read_labels

COMMITTED = make_scenes.TARGET
SUBFOLDER = "images"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def listed_sums(folder: Path) -> dict[str, str]:
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small split, read only: nine images, so that one of them is a .png."""
    folder = tmp_path_factory.mktemp("splits") / "split"
    write_split(folder, seed=5, count=9)
    return folder


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    """The committed annotation file."""
    read: dict[str, Any] = json.loads((COMMITTED / "annotations.json").read_bytes())
    return read


@pytest.fixture(scope="module")
def committed() -> Dataset:
    return load_dataset(COMMITTED / "annotations.json", COMMITTED / SUBFOLDER)


def test_split_has_the_promised_files_and_no_others(split: Path) -> None:
    """Nothing of the work is left behind, in the folder or beside it."""
    images = {f"images/{number:06}.jpg" for number in (1, 2, 3, 4, 5, 6, 7, 9)}
    others = {"images/000008.png", "annotations.json", "label_map.pbtxt", "SHA256SUMS"}
    assert set(contents(split)) == images | others
    assert list(split.parent.iterdir()) == [split]


def test_same_seed_writes_the_same_bytes(split: Path, tmp_path: Path) -> None:
    """A split is made again by its seed, in whatever folder."""
    write_split(tmp_path / "elsewhere", seed=5, count=9)
    assert contents(tmp_path / "elsewhere") == contents(split)


def test_a_longer_split_begins_with_the_shorter_one() -> None:
    """A scene is drawn from its seed and index, not from those before it."""
    longer = list(labelled_scenes(5, 4))
    for one, other in zip(labelled_scenes(5, 2), longer, strict=False):
        assert np.array_equal(one.scene.image, other.scene.image)
    # Seed and index are no sum: neighbouring seeds share no scene.
    first = {scene_random(seed, index).random() for seed in (5, 6) for index in (0, 1)}
    assert len(first) == 4


def test_lossless_images_hold_the_drawn_pixels_and_are_small(split: Path) -> None:
    """A .png keeps every pixel; a .jpg keeps the picture."""
    for labelled in labelled_scenes(5, 9):
        with Image.open(split / SUBFOLDER / labelled.file_name) as opened:
            assert opened.mode == "RGB"
            pixels = np.asarray(opened)
        if labelled.file_name.endswith(".png"):
            assert np.array_equal(pixels, labelled.scene.image)
            assert max(pixels.shape) <= 160
        else:
            error = np.abs(pixels.astype(int) - labelled.scene.image)
            assert 0 < error.mean() < 8


def test_label_map_names_the_categories(split: Path) -> None:
    """The OD API's label map, the annotation file and the code agree on ids and names."""
    labels = align(read_labels(split / "label_map.pbtxt"), len(CLASSES)).names
    assert labels == dict(enumerate(CLASSES, start=1))
    data = load_dataset(split / "annotations.json", split / SUBFOLDER)
    assert data.categories == labels
    assert join_categories(labels, data, len(labels)).categories == {key: key for key in labels}


def test_sums_are_those_of_every_other_file(split: Path) -> None:
    """SHA256SUMS lists each file but itself, as sha256sum does."""
    files = contents(split)
    del files["SHA256SUMS"]
    assert listed_sums(split) == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }


def test_boxes_of_the_table_are_those_of_the_scenes() -> None:
    """COCO's x, y, width, height are the scene's corners; the area is the mask's."""
    scenes = list(labelled_scenes(14, 9))
    written = annotation_table(scenes, 14)["annotations"]
    boxes = np.concatenate([labelled.scene.boxes for labelled in scenes])
    assert len(written) == len(boxes) > 9
    x, y, width, height = np.array([entry["bbox"] for entry in written]).T
    assert np.array_equal(np.stack((y, x, y + height, x + width), 1), boxes)
    areas = np.concatenate([labelled.scene.areas for labelled in scenes])
    assert [entry["area"] for entry in written] == areas.tolist()
    crowds = [bool(crowd) for labelled in scenes for crowd in labelled.scene.crowd]
    assert [bool(entry["iscrowd"]) for entry in written] == crowds
    assert any(crowds)
    labels = [int(label) for labelled in scenes for label in labelled.scene.classes]
    assert [entry["category_id"] for entry in written] == labels
    assert [entry["id"] for entry in written] == list(range(1, len(boxes) + 1))


def test_a_split_is_replaced_by_a_shorter_one(tmp_path: Path) -> None:
    """Images of the former split do not stay."""
    write_split(tmp_path / "split", seed=5, count=3)
    write_split(tmp_path / "split", seed=6, count=1)
    assert set(listed_sums(tmp_path / "split")) == {
        "annotations.json",
        "images/000001.jpg",
        "label_map.pbtxt",
    }
    assert list(tmp_path.iterdir()) == [tmp_path / "split"]


@pytest.mark.parametrize("step", ["drawing", "renaming"])
def test_an_interrupted_write_leaves_the_former_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whenever it stops, the folder holds one whole split."""
    folder = tmp_path / "split"
    write_split(folder, seed=5, count=2)
    before = contents(folder)
    rename = Path.replace

    def stop(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError("disk is full")
        return rename(path, target)

    def stop_drawing(*_: object) -> None:
        raise OSError("disk is full")

    if step == "drawing":
        monkeypatch.setattr(scene_set, "_encoded", stop_drawing)
    else:
        monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(OSError, match="disk is full"):
        write_split(folder, seed=6, count=2)
    assert contents(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def holds_a_stranger(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it")


@pytest.mark.parametrize(
    ("prepare", "seed", "count", "message"),
    [
        (None, 5, 0, r"a split without images \(count\): expected at least 1, got 0"),
        (None, -1, 1, r"a seed counts from 0 \(seed\): got -1"),
        (Path.touch, 5, 1, "a split is a folder, and this is a file"),
        (holds_a_stranger, 5, 1, "belong to no split .*got thesis.txt; name a new or empty folder"),
    ],
)
def test_refusals_say_why_and_touch_nothing(
    tmp_path: Path, prepare: Callable[[Path], None] | None, seed: int, count: int, message: str
) -> None:
    """What would write nothing of use, or delete what is no split, is refused."""
    folder = tmp_path / "split"
    if prepare:
        prepare(folder)
    before = contents(tmp_path)
    with pytest.raises(UsageError, match=message):
        write_split(folder, seed, count)
    assert contents(tmp_path) == before
    assert folder.exists() == (prepare is not None)


def test_a_split_needs_the_folder_around_it(tmp_path: Path) -> None:
    """A mistyped path is not made."""
    with pytest.raises(UsageError, match=r"no such folder .*make it first"):
        write_split(tmp_path / "typo" / "split", seed=5, count=1)
    assert not list(tmp_path.iterdir())


def test_command_writes_what_was_asked_for(split: Path, tmp_path: Path) -> None:
    """Seed, count and folder are the command's own."""
    target = tmp_path / "split"
    words = ["--seed", "5", "--count", "9", "--output-directory", str(target)]
    assert make_scenes.main(words) == 0
    assert contents(target) == contents(split)


def test_command_tells_an_error_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong use is exit code 2 and no trace."""
    words = ["--count", "0", "--output-directory", str(tmp_path / "split")]
    assert make_scenes.main(words) == 2
    message = capsys.readouterr().err
    assert message.startswith("make_scenes: UsageError: a split without images")
    assert message.count("\n") == 1


def test_command_starts_as_a_script_and_shows_an_example() -> None:
    """The line that the help shows begins as the command is called."""
    script = Path(make_scenes.__file__)
    done = subprocess.run(
        [sys.executable, str(script), "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=script.parents[1],
        env={"PYTHONPATH": str(script.parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert "python tools/make_scenes.py --seed 2 --count 24" in done.stdout


def test_seeds_of_validation_calibration_and_training_are_apart() -> None:
    """No model is judged or calibrated with a scene that it was trained on."""
    assert VALIDATION_SEED != CALIBRATION_SEED
    assert max(VALIDATION_SEED, CALIBRATION_SEED) < FIRST_TRAINING_SEED


def test_committed_files_are_those_of_the_sums() -> None:
    """Each committed file has its sum, none is missing and none is beside them; small in all."""
    files = contents(COMMITTED)
    assert sum(map(len, files.values())) < 7_500_000
    del files["SHA256SUMS"]
    assert listed_sums(COMMITTED) == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items()
    }


def test_committed_annotations_are_what_the_generator_draws(table: dict[str, Any]) -> None:
    """The split can be made again. Outlines may differ by a pixel's rounding, boxes may not."""
    drawn = annotation_table(
        list(labelled_scenes(VALIDATION_SEED, VALIDATION_COUNT)), VALIDATION_SEED
    )

    def exact(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in entry.items() if key not in ("segmentation", "area")}
            for entry in entries
        ]

    assert exact(table["annotations"]) == exact(drawn["annotations"])
    for key in ("info", "categories", "images"):
        assert table[key] == drawn[key]


def test_committed_split_is_a_detection_task(committed: Dataset) -> None:
    """All classes, several scales and shapes, crowds and empty images are in it."""
    assert len(committed.images) == VALIDATION_COUNT >= 200
    objects = [item for item in committed.ground_truth if not item.is_crowd]
    crowds = [item for item in committed.ground_truth if item.is_crowd]
    count = Counter(committed.categories[item.category_id] for item in objects)
    assert set(count) == set(CLASSES) and min(count.values()) >= 40
    assert crowds
    assert {image.id for image in committed.images} - {item.image_id for item in objects + crowds}
    # COCO's limits of small and large.
    assert sum(item.area < 32**2 for item in objects) > 50
    assert sum(item.area > 96**2 for item in objects) > 10
    assert sum(image.width > image.height for image in committed.images) > 40
    assert sum(image.height > image.width for image in committed.images) > 40
    assert {image.path.suffix for image in committed.images} == {".jpg", ".png"}


def test_committed_split_loads_with_pycocotools(
    table: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Outlines have the annotated area and lie inside of the box; every category is known."""
    reader = COCO(COMMITTED / "annotations.json")
    capsys.readouterr()
    assert set(reader.getCatIds()) == set(range(1, len(CLASSES) + 1))
    assert len(reader.anns) == len(table["annotations"])
    for entry in reader.anns.values():
        assert entry["category_id"] in reader.cats
        outline = reader.annToRLE(entry)
        x, y, width, height = entry["bbox"]
        left, top, wide, high = coco_mask.toBbox(outline)
        assert coco_mask.area(outline) == entry["area"]
        assert x <= left and left + wide <= x + width
        assert y <= top and top + high <= y + height
