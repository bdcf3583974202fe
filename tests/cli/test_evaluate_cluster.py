"""evaluate --cluster prints what evaluate prints, and goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from miniature_cases import MiniatureFiles, make_case

from validation.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def command(
    miniature: MiniatureFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Of the miniature's float file, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = make_case(miniature).build.tflite("float")
    images = [f"--coco-annotations={miniature.annotations}", f"--coco-images={miniature.images}"]
    return ["evaluate", str(path), *images, "--json"]


def _facts(capsys: Capture) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    del facts["seconds"]
    return facts


def test_figures_and_detections(
    command: list[str], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, images from another place among them; nothing is left in the cache."""
    assert main([*command, f"--results_file={tmp_path / 'alone.json'}"]) == 0
    alone = _facts(capsys)
    folder = next(each for each in command if each.startswith("--coco-images="))
    url = f"--cluster-images=file://{folder.partition('=')[2]}"
    results = f"--results_file={tmp_path / 'shared.json'}"
    assert main([*command, "--cluster=local:2", url, results]) == 0
    shared = _facts(capsys)
    use = shared.pop("cluster")
    assert shared == alone
    assert (tmp_path / "shared.json").read_bytes() == (tmp_path / "alone.json").read_bytes()
    assert use["address"] == "local:2"
    assert use["images_from"].startswith("file://")
    cache = tmp_path / "cache" / "ssd-tflite-validation"
    assert len(list((cache / "cluster-images").glob("*/*"))) == use["images"]
    assert not list((cache / "cluster-pieces").iterdir())
    # Kept where the command ends before its figures are printed.
    monkeypatch.setattr("validation.cli.cluster_scoring.shutil.rmtree", lambda *_, **__: None)
    assert main([*command, "--cluster=local:1"]) == 0
    capsys.readouterr()
    assert main([*command, "--cluster=local:1"]) == 0
    again = _facts(capsys).pop("cluster")
    assert (again["pieces"], again["kept"]) == (0, use["images"])
