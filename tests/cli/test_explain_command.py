"""explain says in what two files differ, and draws where that shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tflite_surgery
from miniature_cases import MiniatureFiles, make_case

from validation.cli import main
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


def _swapped(model: Any) -> None:
    boxes, classes, *others = model.subgraphs[0].outputs
    model.subgraphs[0].outputs = [classes, boxes, *others]


def _moved_anchors(model: Any) -> None:
    graph = model.subgraphs[0]
    (op,) = [each for each in graph.operators if each.customOptions is not None]
    buffer = model.buffers[graph.tensors[op.inputs[2]].buffer]
    anchors = np.frombuffer(bytes(buffer.data), np.float32).copy()
    anchors[:8] *= 1.5
    buffer.data = np.frombuffer(anchors.tobytes(), np.uint8)


@pytest.mark.parametrize(
    ("change", "aspects", "words"),
    [
        (lambda _: None, [], "the same detector"),
        (
            tflite_surgery.change_attributes(max_detections=3, h_scale=9.0),
            ["post-processing"],
            "only in post-processing (max_detections, h_scale)",
        ),
        (_moved_anchors, ["post-processing"], "only in post-processing (anchors)"),
        (_swapped, ["interface"], "the same detector; the files differ only in interface"),
        (
            tflite_surgery.change_weights("Conv2d_2/Conv2D", lambda values: values * 2),
            ["weights"],
            "only in weights",
        ),
    ],
    ids=["copy", "attributes", "anchors", "outputs", "weights"],
)
def test_in_what_they_differ(
    tflite: Path,
    facts: Callable[..., dict[str, Any]],
    tmp_path: Path,
    change: tflite_surgery.Change,
    aspects: list[str],
    words: str,
) -> None:
    """One thing is changed, and that is what the verdict names."""
    other = tflite_surgery.rewrite(tflite, tmp_path / "other.tflite", change)
    said = facts(tflite, other)
    assert said["aspects"] == aspects
    assert words in said["verdict"]


def test_layers_point_at_the_changed_weights(
    tflite: Path, facts: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Of two float files: the first layer of other values is the one that loses most by itself."""
    change = tflite_surgery.change_weights("Conv2d_2/Conv2D", lambda values: values * 2)
    said = facts(tflite, tflite_surgery.rewrite(tflite, tmp_path / "other.tflite", change))
    (pair,) = [each for each in said["weights"]["pairs"] if each["state"] == "other values"]
    layers = said["layers"]
    for row in (layers["first_beyond"], layers["worst"]):
        assert "Conv2d_2" in row["tensor"]["name"]
    assert "Conv2d_2" in pair["layer"]


def test_page_and_text(tflite: Path, labelled: list[str], tmp_path: Path, capsys: Capture) -> None:
    """One detection an image: AP of both, the worst images beside the ground truth."""
    change = tflite_surgery.change_attributes(max_detections=1)
    other = tflite_surgery.rewrite(tflite, tmp_path / "<b>other.tflite", change)
    page = tmp_path / "page.html"
    assert main(["explain", str(tflite), str(other), *labelled, f"--html={page}"]) == 0
    out = capsys.readouterr().out
    assert "max_detections" in out and "20 | 1 " in out
    assert re.search(r"of \d+ right detections of A, B loses [1-9]\d*, and has 0 new false", out)
    assert re.search(r"AP    A \d\.\d+, B \d\.\d+", out)
    html = page.read_text(encoding="utf-8")
    assert html.count("ground truth") == html.count('<div class="picture">') > 0
    assert "<b>other" not in html and "&lt;b&gt;other" in html
    assert "<script" not in html and "http" not in html.replace("http-equiv", "")


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
    assert said["verdict"].startswith("nothing differs of what could be compared")


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
