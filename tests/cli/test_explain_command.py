"""explain says in what two files differ, and draws where that shows."""

from __future__ import annotations

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import strangers
from miniature_cases import MiniatureFiles, make_case

from validation.cli import main
from validation.faults import file_edits
from validation.workspace.model_build import GUIDE_DEFAULT

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def tflite(miniature: MiniatureFiles) -> Path:
    """The miniature's float file."""
    return make_case(miniature).build.tflite("float")


@pytest.fixture
def labelled(miniature: MiniatureFiles) -> list[str]:
    """The flags for its labelled images."""
    return [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]


@pytest.fixture
def facts(capsys: Capture, miniature: MiniatureFiles) -> Callable[..., dict[str, Any]]:
    """Runs the command on two files and gives what it prints for programs."""

    def run(first: Path, second: Path, *flags: str) -> dict[str, Any]:
        chosen = flags or (f"--images={miniature.images}",)
        assert main(["explain", str(first), str(second), *chosen, "--json"]) == 0
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return run


def _heavier(source: Path, target: Path) -> Path:
    change = file_edits.change_weights("Conv2d_2/Conv2D", lambda values: values * 2)
    return file_edits.rewrite(source, target, change)


@pytest.mark.parametrize(
    ("change", "aspects", "words"),
    [
        (shutil.copy, [], "the same detector; on"),
        (
            functools.partial(strangers.other_op, max_detections=3, h_scale=9.0),
            ["post-processing"],
            "only in post-processing (max_detections, h_scale)",
        ),
        (strangers.other_anchors, ["post-processing"], "only in post-processing (anchors)"),
        (
            strangers.permuted_outputs,
            ["interface"],
            "the same detector; the files differ only in interface (order of the outputs)",
        ),
        (strangers.tf2_style, ["interface"], "the same detector"),
        (strangers.other_mean, ["feed", "metadata"], "the files differ in feed and metadata"),
        (_heavier, ["weights"], "only in weights"),
    ],
    ids=["copy", "attributes", "anchors", "outputs", "tf2", "mean", "weights"],
)
def test_in_what_they_differ(
    tflite: Path,
    facts: Callable[..., dict[str, Any]],
    tmp_path: Path,
    change: Callable[[Path, Path], Path],
    aspects: list[str],
    words: str,
) -> None:
    """One thing is changed, and that is what the verdict names."""
    said = facts(tflite, change(tflite, tmp_path / "other.tflite"))
    assert said["aspects"] == aspects
    assert words in said["verdict"]


def test_layers_point_at_the_changed_weights(
    tflite: Path, facts: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Of two float files: the first layer of other values is the one that loses most by itself."""
    said = facts(tflite, _heavier(tflite, tmp_path / "other.tflite"))
    (pair,) = [each for each in said["weights"]["pairs"] if each["state"] == "other values"]
    layers = said["layers"]
    for row in (layers["first_beyond"], layers["worst"]):
        assert "Conv2d_2" in row["tensor"]["name"]
    assert "Conv2d_2" in pair["layer"]


def test_page_and_text(tflite: Path, labelled: list[str], tmp_path: Path, capsys: Capture) -> None:
    """One detection an image: AP of both, the worst images beside the ground truth."""
    other = strangers.other_op(tflite, tmp_path / "<b>other.tflite", max_detections=1)
    page = tmp_path / "page.html"
    written = [f"--html={page}", f"--output_directory={tmp_path / 'pictures'}"]
    assert main(["explain", str(tflite), str(other), *labelled, *written]) == 0
    out = capsys.readouterr().out
    assert "max_detections" in out and "20 | 1 " in out
    assert re.search(r"of \d+ right detections of A, B loses [1-9]\d*, and has 0 new false", out)
    assert re.search(r"AP    A \d\.\d+, B \d\.\d+", out)
    html = page.read_text(encoding="utf-8")
    assert html.count("ground truth") == html.count('<div class="picture">') > 0
    assert len(list((tmp_path / "pictures").iterdir())) == html.count('<div class="picture">')
    assert "<b>other" not in html and "&lt;b&gt;other" in html
    # The script of all pages, which needs none of them and asks for nothing.
    assert html.count("<script") == 1 and "http" not in html.replace("http-equiv", "")


def test_graph_on_one_side(
    miniature: MiniatureFiles, tflite: Path, facts: Callable[..., dict[str, Any]]
) -> None:
    """Attributes, anchors and detections are compared; weights are said not to be."""
    graph = miniature.archive / "frozen_inference_graph.pb"
    said = facts(graph, tflite)
    assert said["weights"] is None
    assert said["postprocessing"] == []
    assert said["detections"]["images_differing"] == 0
    assert "no weights and layers" in said["not_compared"][0]
    assert said["verdict"].startswith("of what could be compared nothing differs")


def test_labels_of_other_classes_stop_nothing(
    tflite: Path, labelled: list[str], facts: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """All but average precision is explained, and why it is not there is said."""
    names = tmp_path / "names.txt"
    names.write_text("zebra\nunicorn\n")
    said = facts(tflite, tflite, *labelled, f"--label_map={names}")
    assert said["accuracy"] is None
    assert said["verdict"].startswith("the same detector")
    assert "no class of the model is a category of the data set" in said["not_compared"][0]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--images=x", "--coco-annotations=y"], "one set of images"),
        (["--coco-images=x"], "the labels of the images are missing"),
    ],
)
def test_wrong_use(tflite: Path, capsys: Capture, flags: list[str], said: str) -> None:
    """One line, exit code 2."""
    assert main(["explain", str(tflite), str(tflite), *flags]) == 2
    assert said in capsys.readouterr().err


def test_compare_names_it(miniature: MiniatureFiles, capsys: Capture) -> None:
    """Where two files differ, `compare` says what tells more; of copies it does not."""
    build = make_case(miniature).build
    paths = [str(build.tflite("float")), str(build.tflite("float", GUIDE_DEFAULT))]
    assert main(["compare", *paths, f"--images={miniature.images}"]) == 0
    assert "validation explain " in capsys.readouterr().out.splitlines()[-1]
    assert main(["compare", paths[0], paths[0], f"--images={miniature.images}"]) == 0
    assert "explain" not in capsys.readouterr().out


def test_what_was_changed_is_named(
    tflite: Path, tmp_path: Path, miniature: MiniatureFiles, capsys: Capture
) -> None:
    """As text, a line a change; equal files have no such section."""
    heavier = _heavier(tflite, tmp_path / "heavier.tflite")
    images = f"--images={miniature.images}"
    assert main(["explain", str(tflite), str(heavier), images]) == 0
    text = capsys.readouterr().out
    assert "What was changed from A to B\n  weights are multiplied by a factor: kernel of" in text
    assert "times 2" in text
    same = shutil.copy(tflite, tmp_path / "same.tflite")
    assert main(["explain", str(tflite), str(same), images]) == 0
    assert "What was changed" not in capsys.readouterr().out
