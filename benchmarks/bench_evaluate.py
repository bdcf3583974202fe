"""Time and peak memory of ``evaluate`` on 5,000 images: ``pytest benchmarks/bench_evaluate.py``.

Measured, never asserted: machines differ. The peak is that of a process of its own:
``extra_info`` in the file of ``--benchmark-json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from validation.zoo.bundled_files import labelled_scenes

_IMAGES = 5000
_MODEL = "ssd_mobilenet_v1"

# 100 detections an image in some of so many categories, near objects and away from them.
_SCORING = """
import sys
from pathlib import Path
import numpy as np
from validation.coco.annotations import CocoAnnotation, CocoImage
from validation.coco.dataset import Dataset
from validation.coco.evaluate import evaluate
from validation.record.detections import Detections

images, categories = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
files, truth, found = [], [], {}
for key in range(1, images + 1):
    files.append(CocoImage(key, f"{key}.jpg", Path(f"{key}.jpg"), 640, 480))
    low = rng.uniform(0, 0.7, (8, 2))
    boxes = np.concatenate([low, low + rng.uniform(0.02, 0.3, (8, 2))], axis=1)
    classes = rng.integers(1, categories + 1, 8)
    for (y0, x0, y1, x1), category in zip(boxes * [480, 640, 480, 640], classes.tolist()):
        truth.append(CocoAnnotation(key, category, (x0, y0, x1 - x0, y1 - y0),
                                    (x1 - x0) * (y1 - y0), False))
    near = rng.integers(0, 8, 100)
    own = np.where(rng.random(100) < 0.5, classes[near], rng.integers(1, categories + 1, 100))
    noise = rng.normal(0, 0.03, (100, 4))
    found[key] = Detections((boxes[near] + noise).astype(np.float32),
                            np.sort(rng.random(100, np.float32))[::-1], own)
names = {key: str(key) for key in range(1, categories + 1)}
dataset = Dataset("drawn", Path("drawn.json"), tuple(files), tuple(truth), names, "")
print(evaluate(dataset, found, category_ids=list(names)).figures.ap)
"""


def _measured(benchmark: Any, command: list[str]) -> None:
    """Run a command once in a process of its own, and keep its peak."""
    script = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(code)\n"
    )
    outer = [sys.executable, "-c", script, sys.executable, *command]
    done = benchmark.pedantic(
        lambda: subprocess.run(outer, check=True, capture_output=True, text=True), rounds=1
    )
    benchmark.extra_info["peak_mb"] = round(int(done.stdout) / 1024)


@pytest.mark.parametrize("categories", [80, 1])
def test_scoring(benchmark: Any, categories: int) -> None:
    """COCO's figures of drawn detections, spread over categories or all of one."""
    _measured(benchmark, ["-c", _SCORING, str(_IMAGES), str(categories)])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Annotations and folder of the package's scenes under many ids."""
    annotations, folder = labelled_scenes()
    table = json.loads(annotations.read_text())
    root = tmp_path_factory.mktemp("scenes")
    many: dict[str, Any] = {**table, "images": [], "annotations": []}
    for key in range(1, _IMAGES + 1):
        image = table["images"][key % len(table["images"])]
        name = f"{key:06d}.jpg"
        (root / name).symlink_to(folder / image["file_name"])
        many["images"].append({**image, "id": key, "file_name": name})
        many["annotations"] += [
            {**each, "image_id": key, "id": len(many["annotations"]) + number}
            for number, each in enumerate(
                (each for each in table["annotations"] if each["image_id"] == image["id"]), 1
            )
        ]
    path = root / "annotations.json"
    path.write_text(json.dumps(many))
    return path, root


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundled model as a float .tflite."""
    root = tmp_path_factory.mktemp("model")
    validation = [sys.executable, "-m", "validation"]
    archive = root / "models" / _MODEL
    for command in (
        ["zoo", "fetch", _MODEL, f"--output_directory={root / 'models'}"],
        [
            "export",
            f"--pipeline_config_path={archive / 'pipeline.config'}",
            f"--trained_checkpoint_prefix={archive / 'model.ckpt'}",
            f"--output_directory={root / 'tflite'}",
            "--max_detections=100",
        ],
        [
            "convert",
            f"--graph_def_file={root / 'tflite' / 'tflite_graph.pb'}",
            f"--output_file={root / 'tflite' / 'detect.tflite'}",
        ],
    ):
        subprocess.run([*validation, *command], check=True, capture_output=True)
    return root / "tflite" / "detect.tflite"


def test_evaluate(benchmark: Any, model: Path, scenes: tuple[Path, Path]) -> None:
    """The command as a user types it: detect and score."""
    annotations, images = scenes
    _measured(
        benchmark,
        [
            *("-m", "validation", "evaluate", str(model)),
            f"--coco-annotations={annotations}",
            f"--coco-images={images}",
        ],
    )
