"""Measure what a full-size model costs to make and to run, for docs/scale.md.

    python tools/measure_scale.py scale.json [MODEL...]
    python tools/measure_scale.py scale.json --record RECORD MODEL...

Synthetic models have the graphs of the zoo and seeded weights, so that speed and conversion are
those of the zoo's models. Each is measured in a process of its own with one thread, on the
package's photographs, in CPU seconds: other work on the machine disturbs them little. With a record
of a run over them, models are added whose steps it has: wall seconds of the float and raw files,
opening included, and the other variants taken as float.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

# One of each size of graph; docs/scale.md says which models of the zoo each stands for.
MODELS = (
    "ssd_mobilenet_v1_coco",
    "ssdlite_mobilenet_v2_coco",
    "ssd_inception_v2_coco",
    "ssd_mobilenet_v1_fpn_shared_box_predictor_640x640_coco14_sync",
    "ssd_resnet50_v1_fpn_shared_box_predictor_640x640_coco14_sync",
)
VARIANTS = ("float", "raw", "float16", "dynamic", "int8")
_ROUNDS = 3


@dataclass(frozen=True)
class Cost:
    """What one model costs, in CPU seconds.

    Args:
        model: Its name.
        export: Archive to exported graph, imports included.
        convert: Each variant, from the exported graph to the .tflite.
        prepare: Each image: decoding and resizing.
        reference: Each image in the inference graph, decoding included.
        invoke: Each image in each variant's file, the input having been prepared.
        megabytes: Of the float file.
    """

    model: str
    export: float
    convert: dict[str, float]
    prepare: float
    reference: float
    invoke: dict[str, float]
    megabytes: float


def measure(model: str) -> Cost:
    """Make a model's files and run each on photographs."""
    # Not at the top: a process for each model imports them, and the one that starts it does not.
    from validation.calibration.images import drawn_from_folder
    from validation.export.exported import read_anchors
    from validation.inference.input_cache import InputCache
    from validation.pieces.plans import ExportedPlan, GraphPlan
    from validation.policy.load import load_policy
    from validation.preprocess.image import ImageFile
    from validation.workspace.groups import chosen_models
    from validation.workspace.model_build import ModelBuild
    from validation.workspace.products import ProductCache
    from validation.zoo.bundled_files import calibration_scenes
    from validation.zoo.canaries import load_canaries

    images = [ImageFile(canary.path.name, canary.path) for canary in load_canaries()]
    with tempfile.TemporaryDirectory() as folder:
        (entry,) = chosen_models("synthetic", [model])
        build = ModelBuild(
            entry,
            ProductCache(Path(folder) / "work", lambda _: None),
            cache_dir=Path(folder),
            offline=True,
            on_step=lambda _: None,
            representative=drawn_from_folder(calibration_scenes(), load_policy()),
        )
        graph = build.reference_graph
        made = time.process_time()
        export = build.exported()
        export_seconds = time.process_time() - made
        convert, invoke = {}, {}
        for variant in VARIANTS:
            made = time.process_time()
            path = build.tflite(variant)
            convert[variant] = time.process_time() - made
            raw = variant == "raw"
            with_op = build.exported(add_postprocessing_op=not raw)
            plan = ExportedPlan(
                with_op.contract,
                export.contract.preprocessing,
                read_anchors(with_op) if raw else None,
                None,
            )
            feeds = InputCache()
            with plan.opened(path, feeds) as make:
                detect = make()
                for image in images:
                    detect(image)
                invoke[variant] = _each(lambda detect=detect: [detect(i) for i in images]) / len(
                    images
                )
        megabytes = build.tflite("float").stat().st_size / 1e6
        wanted = export.contract.preprocessing
        prepare = _each(lambda: [InputCache(0).of(i, wanted) for i in images]) / len(images)
        with GraphPlan().opened(graph, InputCache()) as make:
            detect = make()
            detect(images[0])
            reference = _each(lambda: [detect(i) for i in images], 2) / len(images)
    return Cost(model, export_seconds, convert, prepare, reference, invoke, megabytes)


def _each(call: Callable[[], object], rounds: int = _ROUNDS) -> float:
    """Median CPU seconds of a call."""
    taken = []
    for _ in range(rounds):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return sorted(taken)[len(taken) // 2]


def of_record(path: Path, models: list[str]) -> list[Cost]:
    """What the steps of a run say of some models."""
    from validation.record.store import load_record

    record = load_record(path)
    found = []
    for model in models:
        steps = {each.step: each.seconds for each in record.steps if each.model == model}
        sizes = [
            each.size_bytes for each in record.artefacts if each.name == f"{model}-float.tflite"
        ]

        def image(name: str, steps: dict[str, float] = steps) -> float:
            ((step, seconds),) = [
                each for each in steps.items() if each[0].startswith(f"{name} on ")
            ]
            return seconds / int(step.split()[-2])

        float_seconds, raw = image("run float"), image("run raw")
        convert = {
            name: steps["convert raw" if name == "raw" else "convert float"] for name in VARIANTS
        }
        invoke = {name: raw if name == "raw" else float_seconds for name in VARIANTS}
        found.append(
            Cost(model, steps["export"], convert, 0.0, image("reference"), invoke, sizes[0] / 1e6)
        )
    return found


def main() -> None:
    """Measure some models, each in a process of its own."""
    target, *models = sys.argv[1:]
    if models[:1] == ["--record"]:
        before = json.loads(Path(target).read_text(encoding="utf-8"))
        added = [asdict(each) for each in of_record(Path(models[1]), models[2:])]
        kept = [each for each in before if each["model"] not in models[2:]]
        Path(target).write_text(f"{json.dumps([*kept, *added], indent=1)}\n", encoding="utf-8")
        return
    if target == "--one":
        sys.stdout.write(json.dumps(asdict(measure(models[0]))))
        return
    one_thread = {
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    found = []
    for model in models or MODELS:
        done = subprocess.run(
            [sys.executable, __file__, "--one", model],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, **one_thread},
            text=True,
        )
        found.append(json.loads(done.stdout))
        sys.stderr.write(f"{model}: {done.stdout}\n")
    Path(target).write_text(f"{json.dumps(found, indent=1)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
