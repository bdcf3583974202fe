"""Canaries of the bundled models: plain, whole, not square, and of their classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import choose_canaries
import pytest
from PIL import Image

from validation.coco.dataset import load_dataset
from validation.errors import DatasetError
from validation.zoo.bundled_files import bundled_canaries, calibration_scenes, labelled_scenes
from validation.zoo.canaries import load_canaries

_NAMES = ("ball", "arrow")


def _write(folder: Path, images: list[tuple[int, int, list[tuple[int, list[int]]]]]) -> Path:
    """Scenes: width, height and the objects of each image as category and box."""
    (folder / "scenes" / "images").mkdir(parents=True)
    table: dict[str, list[dict[str, Any]]] = {
        "categories": [{"id": key, "name": name} for key, name in enumerate(_NAMES, 1)],
        "images": [],
        "annotations": [],
    }
    for key, (width, height, objects) in enumerate(images, 1):
        name = f"{key}.png"
        Image.new("RGB", (width, height)).save(folder / "scenes" / "images" / name)
        table["images"].append({"id": key, "file_name": name, "width": width, "height": height})
        for category, box in objects:
            number = len(table["annotations"]) + 1
            common = {"id": number, "image_id": key, "iscrowd": int(category < 0)}
            found = {"category_id": abs(category), "bbox": box, "area": box[2] * box[3]}
            table["annotations"].append({**common, **found})
    (folder / "scenes" / "annotations.json").write_text(json.dumps(table))
    return folder


def _chosen(folder: Path) -> list[tuple[str, str]]:
    (folder / "canaries.toml").write_text(choose_canaries.document(folder, _NAMES))
    return [(each.label, each.path.name) for each in load_canaries(folder / "canaries.toml")]


_WIDE = (200, 100, [(1, [20, 20, 40, 40])])
_TALL = (100, 200, [(2, [20, 20, 40, 40])])


def test_larger_object_is_chosen(tmp_path: Path) -> None:
    """One image a class, wide and tall in turn, with the box in shares of the sides."""
    larger = (200, 100, [(1, [20, 20, 60, 60]), (2, [100, 20, 40, 40])])
    folder = _write(tmp_path, [_WIDE, larger, _TALL, _TALL])
    assert _chosen(folder) == [("ball", "2.png"), ("arrow", "3.png")]
    assert load_canaries(folder / "canaries.toml")[0].box == (0.2, 0.1, 0.8, 0.4)


@pytest.mark.parametrize(
    "better",
    [
        (110, 100, [(1, [20, 20, 60, 60])]),
        (100, 200, [(1, [20, 20, 60, 60])]),
        (200, 100, [(1, [2, 20, 60, 60])]),
        (200, 100, [(1, [20, 20, 60, 78])]),
        (200, 100, [(-1, [20, 20, 60, 60])]),
        (200, 100, [(1, [20, 20, 60, 60]), (1, [100, 20, 40, 40])]),
        (200, 100, [(1, [20, 20, 60, 60]), (2, [100, 20, 9, 9]), (2, [100, 40, 9, 9])]),
        (200, 100, []),
    ],
    ids=["square", "tall", "left", "bottom", "crowd", "two of a class", "three", "empty"],
)
def test_what_is_no_canary(tmp_path: Path, better: Any) -> None:
    """Larger, but almost square, of the wrong shape, cut, a crowd, ambiguous or full."""
    assert _chosen(_write(tmp_path, [better, _WIDE, _TALL]))[0] == ("ball", "2.png")


def test_what_the_original_misses_is_no_canary(tmp_path: Path) -> None:
    """By the detections of a run: the next largest is chosen."""
    folder = _write(tmp_path, [_WIDE, _WIDE, _TALL])
    text = choose_canaries.document(folder, _NAMES, lambda image, _: image.id != 1)
    assert "1.png" not in text
    assert "2.png" in text


def test_no_image_is_plain_enough(tmp_path: Path) -> None:
    """The class is named, and what was looked for."""
    with pytest.raises(DatasetError, match=r"canary of arrow .*one object .* image that is tall"):
        choose_canaries.document(_write(tmp_path, [_WIDE]), _NAMES)


def test_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Writes the list beside the scenes; an error is one line and its exit code."""
    monkeypatch.setattr(choose_canaries, "BUNDLED_FOLDER", tmp_path)
    assert choose_canaries.main([]) == 1
    assert capsys.readouterr().err.startswith("choose_canaries: DatasetError: the annotation file")
    _write(tmp_path, [_WIDE, _TALL])
    monkeypatch.setattr(choose_canaries, "document", lambda folder: f"{folder.name}\n")
    assert choose_canaries.main([]) == 0
    assert (tmp_path / "canaries.toml").read_text() == f"{tmp_path.name}\n"


def test_shipped_canaries_are_labelled_scenes() -> None:
    """Each box is one of the annotations; the colours and the directions are all there."""
    dataset = load_dataset(*labelled_scenes())
    canaries = load_canaries(bundled_canaries())
    assert [each.label for each in canaries] == list(choose_canaries.CLASSES)
    for canary in canaries:
        (image,) = [each for each in dataset.images if each.path == canary.path]
        sides = (image.height, image.width, image.height, image.width)
        top, left, bottom, right = (
            share * side for share, side in zip(canary.box, sides, strict=True)
        )
        assert any(
            (x, y, x + width, y + height) == pytest.approx((left, top, right, bottom), abs=0.01)
            and dataset.categories[each.category_id] == canary.label
            for each in dataset.ground_truth
            if each.image_id == image.id
            for x, y, width, height in [each.bbox]
        )
        assert image.width != image.height


def test_shipped_calibration_scenes_are_others() -> None:
    """Enough of them, small, and none is a labelled scene."""
    folder = calibration_scenes()
    calibrating = {path.read_bytes() for path in folder.iterdir()}
    assert len(calibrating) >= 20
    assert sum(map(len, calibrating)) < 400_000
    labelled = {path.read_bytes() for path in labelled_scenes()[1].iterdir()}
    assert not calibrating & labelled
