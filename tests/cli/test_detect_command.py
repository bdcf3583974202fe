"""detect prints what a file finds and draws it; two models are drawn and paired."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from miniature_cases import MiniatureFiles, make_case
from PIL import Image

from validation.cli import main
from validation.cli.detectors import usable_labels
from validation.labels.alignment import align, no_names
from validation.labels.reading import labels_by_id

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def tflite(miniature: MiniatureFiles) -> Path:
    """The miniature's float file."""
    return make_case(miniature).build.tflite("float")


@pytest.fixture
def image(miniature: MiniatureFiles) -> Path:
    """A labelled image."""
    return sorted(miniature.images.iterdir())[0]


def test_table_and_picture(tflite: Path, image: Path, tmp_path: Path, capsys: Capture) -> None:
    """A row for each detection with its label, and the image with boxes beside."""
    labels = tmp_path / "labels.txt"
    labels.write_text("???\nbox\ndisc\n")
    before = image.read_bytes()
    flags = [f"--label_map={labels}", f"--output_directory={tmp_path / 'new' / 'folder'}"]
    assert main(["detect", str(tflite), str(image), *flags]) == 0
    out = capsys.readouterr().out
    assert out.startswith(str(image))
    assert "1 box" in out or "2 disc" in out
    (picture,) = (tmp_path / "new" / "folder").iterdir()
    assert picture.name == f"{image.stem}.detected{image.suffix}"
    with Image.open(picture) as drawn, Image.open(image) as plain:
        assert drawn.size == plain.size
        assert np.asarray(drawn.convert("RGB")).tobytes() != np.asarray(plain).tobytes()
    assert image.read_bytes() == before


def test_label_list_without_the_first_line(
    tflite: Path, image: Path, tmp_path: Path, capsys: Capture
) -> None:
    """With or without the '???' line the names are the same."""
    outputs = []
    for content in ("???\nbox\ndisc\n", "box\ndisc\n", 'item { id: 1 name: "box" }\n'
                    'item { id: 2 name: "disc" }\n'):  # fmt: skip
        labels = tmp_path / "labels"
        labels.write_text(content)
        flags = [f"--label_map={labels}", f"--output_directory={tmp_path}", "--json"]
        assert main(["detect", str(tflite), str(image), *flags]) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert outputs[0] == outputs[1] == outputs[2]
    assert {row["label"] for row in outputs[0][0]["detections"]} <= {"box", "disc"}


def test_photograph_that_viewers_turn(
    tflite: Path, image: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Phones store photographs lying down; a model that finds nothing then is not at fault."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, tags in (("upright.jpg", None), ("lying.jpg", exif)):
        with Image.open(image) as pixels:
            pixels.convert("RGB").save(tmp_path / name, exif=tags or Image.Exif())
    images = [str(tmp_path / name) for name in ("upright.jpg", "lying.jpg")]
    assert main(["detect", str(tflite), *images, f"--output_directory={tmp_path}"]) == 0
    err = capsys.readouterr().err
    assert "lying.jpg: used as it is stored; viewers rotate it" in err
    assert "upright.jpg: taken" not in err


def test_without_a_label_map_the_user_is_told(
    tflite: Path, image: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Ids stand in the table then, and the flag that names them is mentioned."""
    assert main(["detect", str(tflite), str(image), f"--output_directory={tmp_path}"]) == 0
    assert "classes are shown by id; --label_map=FILE names them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("num_classes", "first", "message"),
    [(90, "person", "assuming that the 90 classes are COCO's"), (91, None, "shown by id")],
)
def test_labels_that_are_not_given(
    num_classes: int, first: str | None, message: str, capsys: Capture
) -> None:
    """Only COCO's ids run to 90."""
    assert usable_labels(no_names(num_classes), num_classes).get(1) == first
    assert message in capsys.readouterr().err
    named = align(labels_by_id({1: "box"}, "mine"), num_classes)
    assert usable_labels(named, num_classes) == {1: "box"}
    assert capsys.readouterr().err == ""


def test_json_says_where(tflite: Path, image: Path, tmp_path: Path, capsys: Capture) -> None:
    """Boxes in shares of the sides and in pixels, class ids from 1, scores above the threshold."""
    flags = [f"--output_directory={tmp_path}", "--json", "--score_threshold=0.3"]
    assert main(["detect", str(tflite), str(image), *flags]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert entry["detections"]
    for row in entry["detections"]:
        assert row["score"] >= 0.3
        assert row["class_id"] in (1, 2)
        ymin, xmin, ymax, xmax = row["pixels"]
        assert ymin == pytest.approx(row["box"]["ymin"] * entry["height"], abs=0.06)
        assert xmax == pytest.approx(row["box"]["xmax"] * entry["width"], abs=0.06)
        assert xmin < xmax and ymin < ymax


def test_compare_draws_and_pairs_both(
    miniature: MiniatureFiles, tflite: Path, image: Path, tmp_path: Path, capsys: Capture
) -> None:
    """The inference graph beside the .tflite: every detection finds its partner."""
    graph = miniature.archive / "frozen_inference_graph.pb"
    flags = [f"--compare={graph}", f"--output_directory={tmp_path}", "--json"]
    assert main(["detect", str(tflite), str(image), *flags]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    other = entry["compared"]
    assert other["pairs"] == len(entry["detections"]) > 0
    assert (other["only_first"], other["only_second"]) == (0, 0)
    assert other["worst_iou"] > 0.99
    (picture,) = tmp_path.iterdir()
    with Image.open(picture) as drawn:
        assert drawn.width > 2 * entry["width"]


def test_images_of_one_name_keep_apart(tflite: Path, image: Path, tmp_path: Path) -> None:
    """Two folders may hold images of one name; no picture replaces another."""
    again = Path(shutil.copy(image, tmp_path / image.name))
    folder = tmp_path / "out"
    assert (
        main(["detect", str(tflite), str(image), str(again), f"--output_directory={folder}"]) == 0
    )
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("make", ["missing", "folder", "text"])
def test_image_that_is_none(tflite: Path, tmp_path: Path, capsys: Capture, make: str) -> None:
    """One line names the image; nothing is written."""
    path = tmp_path / "image.jpg"
    if make == "folder":
        path.mkdir()
    elif make == "text":
        path.write_text("no image")
    folder = tmp_path / "out"
    assert main(["detect", str(tflite), str(path), f"--output_directory={folder}"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err and "image.jpg" in err
    assert not folder.exists()
