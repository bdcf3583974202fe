"""Label maps of commands: names are aligned by count in any layout, or the command says no."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.cli import main
from validation.labels.reading import labels_by_id
from validation.metadata.detector import detector_metadata
from validation.metadata.packing import write_with_metadata
from validation.specs.contracts import Preprocessing
from validation.tflite.facts import read_tflite

Capture = pytest.CaptureFixture[str]
_FED = Preprocessing(48, 64, (1 / 127.5,) * 3, (1.0,) * 3)


@pytest.fixture
def tflite(miniature: MiniatureFiles) -> Path:
    """The miniature's float file, of two classes: square and disc."""
    return make_case(miniature).build.tflite("float")


@pytest.fixture
def images(miniature: MiniatureFiles) -> list[str]:
    """Flags for its labelled images."""
    flags = [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]
    return [*flags, "--max-images=12", "--json"]


@pytest.fixture
def labelled(tflite: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes the same file with these lines as the labels of its metadata."""

    def make(*lines: str) -> Path:
        path = tmp_path / "labelled.tflite"
        labels = labels_by_id({1: "square", 2: "disc"}, "test")
        whole = detector_metadata(read_tflite(tflite), _FED, labels)
        outputs = tuple(
            dataclasses.replace(
                output,
                files=tuple(dataclasses.replace(file, lines=lines) for file in output.files),
            )
            for output in whole.outputs
        )
        return write_with_metadata(tflite, dataclasses.replace(whole, outputs=outputs), path)

    return make


def _figures(capsys: Capture, *arguments: str) -> tuple[dict[str, float], str]:
    assert main(["evaluate", *arguments]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    return {"ap": facts["figures"]["ap"], **facts["per_category"]}, err


def test_background_line_in_metadata_moves_no_figure(
    labelled: Callable[..., Path], images: list[str], capsys: Capture
) -> None:
    """One line more than classes: the names stay with their classes, and it is said."""
    own, err = _figures(capsys, str(labelled("square", "disc")), *images)
    assert own["ap"] > 0.5
    assert "labelled.tflite: 2 names for 2 classes (its own metadata)" in err
    for first in ("background", "???"):
        figures, err = _figures(capsys, str(labelled(first, "square", "disc")), *images)
        assert figures == own
        assert "2 names for 2 classes, and one for the background, which is no class (its" in err


@pytest.mark.parametrize("lines", [("square",), ("square", "disc", "ring")])
def test_labels_of_metadata_that_do_not_fit_are_ignored_aloud(
    labelled: Callable[..., Path],
    images: list[str],
    tmp_path: Path,
    capsys: Capture,
    lines: tuple[str, ...],
) -> None:
    """No name is joined with a class by guess; a stated list goes before them."""
    path = labelled(*lines)
    _, err = _figures(capsys, str(path), *images)
    said = "its labels are ignored: the label list does not fit the model's classes (its own metad"
    assert said in err
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "its labels name no classes: the label list does not fit" in out
    own = tmp_path / "labels.csv"
    own.write_text("id,name\n1,square\n2,disc\n")
    _, err = _figures(capsys, str(path), *images, f"--label_map={own}")
    assert "2 names for 2 classes (labels.csv)" in err
    assert "ignored" not in err


@pytest.mark.parametrize("command", ["evaluate", "detect"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("square\n", "expected 2 names, or 3 with the background first, got 1 name for 2 classes"),
        ("square\ndisc\nring\n", "got 3 names for 2 classes, the first 'square'"),
        ("background\nsquare\n", "in two ways (labels.txt): got 2 lines for 2 classes"),
        ("1 square\ndisc\n3 ring\n", "some lines have a number and others have none"),
    ],
)
def test_list_that_does_not_fit_does_not_end_silently(
    miniature: MiniatureFiles, tflite: Path, tmp_path: Path, capsys: Capture,
    command: str, content: str, said: str,
) -> None:  # fmt: skip
    """Exit code 1 and what would fit, before an image is looked at."""
    labels = tmp_path / "labels.txt"
    labels.write_text(content)
    image = sorted(miniature.images.iterdir())[0]
    rest = {
        "evaluate": [
            f"--coco-annotations={miniature.annotations}",
            f"--coco-images={miniature.images}",
        ],
        "detect": [str(image), f"--output_directory={tmp_path}"],
    }[command]
    assert main([command, str(tflite), *rest, f"--label_map={labels}"]) == 1
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


def test_names_beyond_the_classes_are_named(
    tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """A list with ids that the model does not have may be another model's."""
    labels = tmp_path / "labels.pbtxt"
    names = enumerate(("square", "disc", "ring"), 1)
    labels.write_text("".join(f"item {{ id: {key} name: '{name}' }}" for key, name in names))
    arguments = ["evaluate", str(tflite), *images, f"--label_map={labels}"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert facts["classes"]["names"]["surplus"] == facts["labels"]["surplus"] == ["ring"]
    assert facts["labels"]["names"] == {"1": "square", "2": "disc"}
    assert "3 names for 2 classes; 1 of no class: ring (labels.pbtxt)" in err
    assert main([each for each in arguments if each != "--json"]) == 0
    said = "the label list has 1 name beyond the model's classes: ring"
    assert said in capsys.readouterr().out


def test_any_layout_scores_alike(
    labelled: Callable[..., Path], tflite: Path, images: list[str], tmp_path: Path, capsys: Capture
) -> None:
    """The same names in another layout give the same figures; so do those of another file."""
    contents = {
        "labels.pbtxt": "item { id: 2 name: \u201cdisc\u201d } item { id: 1, name: square, }",
        "labels.txt": "0  square\n1  disc\n",
        "labels.json": '{"square": 1, "disc": 2}',
        "data.yaml": "nc: 2\nnames:\n  0: square\n  1: disc\n",
    }
    paths = [labelled("background", "square", "disc")]
    for name, content in contents.items():
        paths.append(tmp_path / name)
        paths[-1].write_text(content)
    figures = []
    for path in paths:
        found, err = _figures(capsys, str(tflite), *images, f"--label_map={path}")
        figures.append(found)
        assert "2 names for 2 classes" in err
        assert f"({path.name})" in err
    assert all(each == figures[0] for each in figures)
