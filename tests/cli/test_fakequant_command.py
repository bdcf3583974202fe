"""``validation fakequant``: a float model and a folder of images, one line an error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from validation.cli import main
from validation.policy.load import load_policy

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def source(small_zoo: Path) -> Path:
    """A float archive."""
    return small_zoo / "small"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two photographs, or what stands for them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(2):
        pixels = np.random.RandomState(index).randint(0, 256, (40, 60, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def _arguments(source: Path, images: Path, output: Path, **changes: str) -> list[str]:
    flags = {
        "frozen_graph": str(source / "frozen_inference_graph.pb"),
        "pipeline_config_path": str(source / "pipeline.config"),
        "representative_images": str(images),
        "output_directory": str(output),
        **changes,
    }
    return ["fakequant", *(f"--{name}={value}" for name, value in flags.items() if value)]


def test_archive_is_written_whole(
    source: Path, images: Path, tmp_path: Path, capsys: Capture
) -> None:
    """Its files are reported, and which images made it; nothing else is left."""
    output = tmp_path / "new" / "quantised"
    assert main(_arguments(source, images, output, range_method="minmax")) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(path) for path in sorted(output.iterdir())]
    assert "calibrating on 2 images of photos" in err
    facts = json.loads((output / "calibration.json").read_text())
    assert facts == {
        "source": "photos",
        "images": ["0.png", "1.png"],
        "seed": load_policy().setting("calibration_seed"),
        "method": "minmax",
        "percent": None,
    }
    assert list(output.parent.iterdir()) == [output]


def test_failure_leaves_nothing(
    source: Path, images: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A damaged checkpoint is one line, and no half of an archive."""
    (tmp_path / "model.ckpt.index").write_bytes(b"no checkpoint")
    changes = {"frozen_graph": "", "trained_checkpoint_prefix": str(tmp_path / "model.ckpt")}
    output = tmp_path / "quantised"
    assert main(_arguments(source, images, output, **changes)) == 1
    assert "the checkpoint cannot be opened" in capsys.readouterr().err
    assert not output.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.ckpt.index", "photos"]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"frozen_graph": "absent.pb"}, 1, "no such graph"),
        (
            {"frozen_graph": "", "trained_checkpoint_prefix": "absent/model.ckpt"},
            1,
            "no checkpoint with this prefix",
        ),
        ({"pipeline_config_path": "absent.config"}, 1, "no such pipeline.config"),
        ({"representative_images": "absent"}, 1, "no folder of images"),
    ],
)
def test_what_is_not_there_is_told_first(
    source: Path,
    images: Path,
    tmp_path: Path,
    capsys: Capture,
    changes: dict[str, str],
    code: int,
    said: str,
) -> None:
    """Before TensorFlow is loaded, and in one line."""
    assert main(_arguments(source, images, tmp_path / "out", **changes)) == code
    err = capsys.readouterr().err
    assert said in err
    assert "loading TensorFlow" not in err


def test_folder_in_use_is_refused(source: Path, images: Path, capsys: Capture) -> None:
    """Files of two archives in one folder are none."""
    assert main(_arguments(source, images, images)) == 2
    assert "the folder for the archive is not empty" in capsys.readouterr().err


def test_folder_that_cannot_be_written(
    source: Path, images: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A file where the folder's parent should be."""
    (tmp_path / "file").write_text("")
    assert main(_arguments(source, images, tmp_path / "file" / "out")) == 1
    assert "the folder cannot be written" in capsys.readouterr().err
