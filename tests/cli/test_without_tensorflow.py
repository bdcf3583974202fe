"""Commands over .tflite files, configs and records work where TensorFlow cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles, make_case

_PROGRAM = (
    "import sys\n"
    "for name in ('tensorflow', 'tf_keras', 'tf_slim'):\n"
    "    sys.modules[name] = None\n"
    "from validation.cli import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("detect {tflite} {image} --output_directory={folder}", "score"),
        (
            "compare {tflite} {raw} --images={images} --export_directory={export}",
            "detected by both",
        ),
        ("inspect {tflite}", "TFLite_Detection_PostProcess"),
        ("inspect {config}", "ssd_"),
        ("visualize {tflite} --output_file={folder}/model.dot", "model.dot"),
        ("zoo show {archive}", "pipeline.config"),
        ("zoo list --zoo=bundled", "ssd_mobilenet_v1"),
    ],
    ids=lambda text: " ".join(text.split()[:2]),
)
def test_command(miniature: MiniatureFiles, tmp_path: Path, command: str, said: str) -> None:
    """It ends well and tells what it was asked for."""
    build = make_case(miniature).build
    words = {
        "tflite": build.tflite("float"),
        "raw": build.tflite("raw"),
        "export": build.exported(add_postprocessing_op=False).graph.parent,
        "archive": miniature.archive,
        "config": miniature.archive / "pipeline.config",
        "images": miniature.images,
        "image": sorted(miniature.images.iterdir())[0],
        "folder": tmp_path,
    }
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *(word.format(**words) for word in command.split())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
