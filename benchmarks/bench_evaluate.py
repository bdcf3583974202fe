"""``evaluate`` beside the machine's limit, and its memory: ``pytest benchmarks/bench_evaluate.py``.

Measured, never asserted: machines differ, and figures count only where nothing else runs. What is
measured is printed, and in ``extra_info`` of the file of ``--benchmark-json``. EVALUATE_IMAGES says
on how many images (5,000), EVALUATE_MANY how many the memory is measured with (100,000).
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from validation.convert.conversion import conversion_of
from validation.convert.tflite import convert
from validation.export.archive_writer import PREFIX, write_archive
from validation.export.checkpoint import open_checkpoint
from validation.export.detector_weights import detector_weights
from validation.export.exported import ExportOptions
from validation.export.from_checkpoint import export_from_checkpoint
from validation.export.graph_io import write_export
from validation.pipeline.config import load_pipeline, parse_pipeline
from validation.pipeline.synthetic import load_synthetic, pipeline_text
from validation.zoo.bundled_files import labelled_scenes

_IMAGES = int(os.environ.get("EVALUATE_IMAGES", "5000"))
_MANY = int(os.environ.get("EVALUATE_MANY", "100000"))
_BUNDLED, _FULL_SIZE = "ssd_mobilenet_v1", "ssd_mobilenet_v1_coco"
# As many files are made of the scenes at COCO's size; the others lead to them.
_ENLARGED, _COCO_SIZE = 300, (640, 480)

# What has to be done to the images and no more: decode, resize and normalise, invoke. Nothing of
# the command is used but the arithmetic of the resize. The clock runs from when all workers are
# ready, which the command's does not.
_LIMIT = """
import itertools, multiprocessing, sys, threading, time
from pathlib import Path
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from validation.preprocess.resize import resize_bilinear

model, folder, way, workers = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
files = sorted(folder.glob("[0-9]*.jpg"))
context = multiprocessing.get_context("fork")
ready = (context if way == "processes" else threading).Barrier(workers + 1)
taken = context.Value("q", 0)

def work():
    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    (into,) = interpreter.get_input_details()
    _, height, width, _ = into["shape"]
    interpreter.invoke()
    ready.wait()
    while True:
        with taken.get_lock():
            first = taken.value
            taken.value += 4
        if first >= len(files):
            return
        for file in files[first : first + 4]:
            with Image.open(file) as image:
                pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
            feed = resize_bilinear(pixels, height, width)
            feed *= np.float32(1 / 127.5)
            feed -= np.float32(1)
            interpreter.set_tensor(into["index"], feed[np.newaxis])
            interpreter.invoke()

make = context.Process if way == "processes" else threading.Thread
all_workers = [make(target=work) for _ in range(workers)]
for each in all_workers:
    each.start()
ready.wait()
started = time.perf_counter()
for each in all_workers:
    each.join()
print(time.perf_counter() - started)
"""
# An allocator that gives freed memory back for each image makes the limit look lower than it is.
_KEPT = {
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "OPENBLAS_NUM_THREADS": "1",
}

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


def _below(process: int) -> Iterator[int]:
    """The process and all that it has started."""
    yield process
    for task in Path("/proc", str(process), "task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _below(int(child))


def _proportional_kb(process: int) -> int:
    """Memory of a process, of what it shares its share."""
    try:
        text = Path("/proc", str(process), "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if "Pss:" in line), 0)


def _run(arguments: list[str], *, with_peak: bool = False) -> tuple[float, int]:
    """Wall seconds of a command, and the peak in MB of all its processes together."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    while True:
        try:
            # Looking takes milliseconds of a core: not beside what is timed.
            code = process.wait(0.5 if with_peak else None)
            break
        except subprocess.TimeoutExpired:
            peak = max(peak, sum(map(_proportional_kb, _below(process.pid))))
    seconds = time.perf_counter() - started
    assert code == 0
    return seconds, peak // 1024


def _cpu_seconds() -> float:
    """Of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _limit_seconds(model: Path, images: Path, way: str) -> float:
    workers = str(len(os.sched_getaffinity(0)))
    command = [sys.executable, "-c", _LIMIT, str(model), str(images), way, workers]
    environment = {**os.environ, **_KEPT}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout)


@pytest.mark.parametrize("categories", [80, 1])
def test_scoring(benchmark: Any, categories: int) -> None:
    """COCO's figures of drawn detections, spread over categories or all of one."""
    benchmark.extra_info["peak_mb"] = benchmark.pedantic(
        lambda: _run(["-c", _SCORING, str(_IMAGES), str(categories)], with_peak=True)[1], rounds=1
    )


MakeScenes = Callable[[int, bool], Path]


@pytest.fixture(scope="module")
def make_scenes(tmp_path_factory: pytest.TempPathFactory) -> MakeScenes:
    """Makes a folder of the package's scenes under many ids, with its annotations.json."""

    def make(count: int, is_enlarged: bool) -> Path:
        annotations, folder = labelled_scenes()
        table = json.loads(annotations.read_text())
        root = tmp_path_factory.mktemp("scenes")
        sources = table["images"][: _ENLARGED if is_enlarged else None]
        objects: dict[int, list[Any]] = {}
        for each in table["annotations"]:
            objects.setdefault(each["image_id"], []).append(each)
        many: dict[str, Any] = {**table, "images": [], "annotations": []}
        for key in range(1, count + 1):
            image = sources[key % len(sources)]
            name, file = f"{key:06d}.jpg", folder / image["file_name"]
            size, factors = (image["width"], image["height"]), (1.0, 1.0)
            if is_enlarged:
                file = _enlarged(file, root)
                factors = _COCO_SIZE[0] / size[0], _COCO_SIZE[1] / size[1]
                size = _COCO_SIZE
            (root / name).symlink_to(file)
            many["images"].append(
                {"id": key, "file_name": name, "width": size[0], "height": size[1]}
            )
            for each in objects.get(image["id"], ()):
                box = [side * factors[axis % 2] for axis, side in enumerate(each["bbox"])]
                area = each["area"] * factors[0] * factors[1]
                number = len(many["annotations"]) + 1
                own = {"id": number, "image_id": key, "bbox": box, "area": area}
                many["annotations"].append({**each, **own})
        (root / "annotations.json").write_text(json.dumps(many))
        return root

    return make


def _enlarged(file: Path, root: Path) -> Path:
    path = root / f"scene-{file.stem}.jpg"
    if not path.exists():
        with Image.open(file) as image:
            image.convert("RGB").resize(_COCO_SIZE, Image.Resampling.BICUBIC).save(path, quality=90)
    return path


def _bundled(root: Path) -> Path:
    """A bundled model as a float .tflite."""
    validation = [sys.executable, "-m", "validation"]
    archive = root / "models" / _BUNDLED
    for command in (
        ["zoo", "fetch", _BUNDLED, f"--output_directory={root / 'models'}"],
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


def _full_size(root: Path) -> Path:
    """A model of the zoo at full size, its weights seeded by name, as a float .tflite."""
    text = pipeline_text(load_synthetic()[_FULL_SIZE])
    archive = root / "archive"
    archive.mkdir()
    write_archive(archive, parse_pipeline(text, _FULL_SIZE), text, detector_weights)
    config = load_pipeline(archive / "pipeline.config")
    checkpoint = open_checkpoint(archive / PREFIX)
    options = ExportOptions(max_detections=100)
    exported = export_from_checkpoint(config, archive / PREFIX, checkpoint, options)
    written = write_export(root / "tflite", exported)
    return convert(written.graph, conversion_of("float"), root / "tflite" / "detect.tflite")


def _show(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def _evaluate(model: Path, scenes: Path) -> list[str]:
    return [
        *("-m", "validation", "evaluate", str(model)),
        f"--coco-annotations={scenes / 'annotations.json'}",
        f"--coco-images={scenes}",
    ]


@pytest.mark.parametrize(
    ("name", "is_enlarged"),
    [(_BUNDLED, False), (_BUNDLED, True), (_FULL_SIZE, True)],
    ids=[_BUNDLED, f"{_BUNDLED}-640x480", _FULL_SIZE],
)
def test_evaluate_and_the_limit(
    benchmark: Any,
    tmp_path: Path,
    make_scenes: MakeScenes,
    capsys: pytest.CaptureFixture[str],
    name: str,
    is_enlarged: bool,
) -> None:
    """The whole command as a user types it, beside decode, resize and invoke on all cores.

    CPU seconds are of whole processes, the limit's with its start: where others use the machine,
    they tell more than the clock.
    """
    model = (_full_size if name == _FULL_SIZE else _bundled)(tmp_path)
    scenes = make_scenes(_IMAGES, is_enlarged)
    ways, cpu = {}, {}
    for way in ("threads", "processes"):
        before = _cpu_seconds()
        ways[way] = _limit_seconds(model, scenes, way)
        cpu[way] = _cpu_seconds() - before
    before = _cpu_seconds()
    seconds, _ = benchmark.pedantic(lambda: _run(_evaluate(model, scenes)), rounds=1)
    command_cpu = _cpu_seconds() - before
    limit = min(ways.values())
    facts = {
        "images": _IMAGES,
        **{f"limit_{way}_s": round(each, 2) for way, each in ways.items()},
        "command_s": round(seconds, 2),
        "ratio": round(limit / seconds, 3),
        "limit_cpu_s": round(min(cpu.values()), 2),
        "command_cpu_s": round(command_cpu, 2),
        "cpu_ratio": round(min(cpu.values()) / command_cpu, 3),
    }
    benchmark.extra_info.update(facts)
    _show(capsys, f"{name}, images {'of 640x480' if is_enlarged else 'as shipped'}: {facts}")


def test_memory_of_many_images(
    benchmark: Any, tmp_path: Path, make_scenes: MakeScenes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Peak of all processes of the command together, with a results file."""
    model, scenes = _bundled(tmp_path), make_scenes(_MANY, False)
    command = [*_evaluate(model, scenes), f"--results_file={tmp_path / 'results.json'}"]
    seconds, peak = benchmark.pedantic(lambda: _run(command, with_peak=True), rounds=1)
    facts = {"images": _MANY, "peak_mb": peak, "command_s": round(seconds, 1)}
    benchmark.extra_info.update(facts)
    _show(capsys, f"memory: {facts}")
