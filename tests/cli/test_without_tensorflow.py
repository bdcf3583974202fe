"""Commands over .tflite files, configs and records work where TensorFlow cannot be imported."""

from __future__ import annotations

from pathlib import Path

import pytest
from miniature_cases import MiniatureFiles, make_case
from warm_process import WarmProcess

_PROGRAM = (
    "import sys\n"
    "for name in ('tensorflow', 'tf_keras', 'tf_slim'):\n"
    "    assert name not in sys.modules\n"
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
        (
            "explain {tflite} {raw} --images={images} --export_directory={export}",
            "only in post-processing (ends in)",
        ),
        ("inspect {tflite}", "TFLite_Detection_PostProcess"),
        ("inspect {config}", "ssd_"),
        ("visualize {tflite} --output_file={folder}/model.dot", "model.dot"),
        ("zoo show {archive}", "pipeline.config"),
        ("zoo list --zoo=bundled", "ssd_mobilenet_v1"),
    ],
    ids=lambda text: " ".join(text.split()[:2]),
)
def test_command(
    miniature: MiniatureFiles, light_process: WarmProcess, tmp_path: Path, command: str, said: str
) -> None:
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
    arguments = (word.format(**words) for word in command.split())
    ended = light_process.run(["python", "-c", _PROGRAM, *arguments])
    assert ended.code == 0, ended.err.decode()
    assert said in ended.out.decode()
