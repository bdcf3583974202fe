"""Train the models that ship inside the package, on scenes drawn for it.

    python tools/train_bundled.py --output-directory archives
        all of them, one after the other

Each becomes DIR/<model>.tar.gz, an archive in the detection zoo's layout, and
DIR/<model>.training.json, which tells how it was trained and what average precision it has.
DIR/<model>/ stays beside them: a quantised model starts from the float weights there.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from bundled.recipes import Recipe, load_recipes

from validation.coco.dataset import Dataset, load_dataset
from validation.coco.evaluate import CocoEvaluation, evaluate
from validation.errors import ArtefactMissing, UsageError, ValidationError, did_you_mean
from validation.files.atomic import write_bytes_atomic, write_text_atomic
from validation.files.structured import unstructure
from validation.pipeline.config import PipelineConfig, parse_pipeline
from validation.preprocess.image import load_rgb
from validation.specs.contracts import DETECTION_OUTPUTS

_SCENES = Path(__file__).resolve().parent.parent / "validation" / "zoo" / "bundled" / "scenes"
_EXAMPLE = """example:
  python tools/train_bundled.py ssd_mobilenet_v1 ssd_mobilenet_v1_quantized \\
    --output-directory archives
"""
_MOST_POINTS = 200
_PREFIX = "model.ckpt"
_PACKAGES = ("tensorflow", "tf-slim", "numpy", "pillow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train some models.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        0, or the exit code of the error on stderr.
    """
    options = _parser().parse_args(arguments)
    # TensorFlow's start-up notes would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        _train_all(options)
    except ValidationError as error:
        sys.stderr.write(f"train_bundled: {type(error).__name__}: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("train_bundled: interrupted; nothing half-written is left\n")
        return 130
    return 0


def chosen_recipes(names: Sequence[str], recipes: Mapping[str, Recipe]) -> tuple[Recipe, ...]:
    """Recipes of some models, in file order, so that a start comes before what starts from it.

    Args:
        names: Of models; none: all.
        recipes: By name.

    Raises:
        UsageError: There is no such model.
    """
    for name in names:
        if name not in recipes:
            raise UsageError(
                f"no recipe for {name!r}",
                expected=f"one of {', '.join(recipes)}",
                next_step=did_you_mean(name, recipes),
            )
    return tuple(each for each in recipes.values() if not names or each.name in names)


def pack(folder: Path, target: Path) -> None:
    """Pack a folder as the zoo packs its archives; the same files give the same bytes.

    Args:
        folder: Its name is the archive's only top entry.
        target: The .tar.gz, replaced in one go.
    """
    packed = io.BytesIO()
    # Neither the file's name nor the time go into the header.
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in [folder, *sorted(folder.rglob("*"))]:
            member = tar.gettarinfo(path, path.relative_to(folder.parent).as_posix())
            member.mtime = member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() else 0o644
            if member.isdir():
                tar.addfile(member)
            else:
                with path.open("rb") as file:
                    tar.addfile(member, file)
    write_bytes_atomic(target, packed.getvalue())


def loss_curve(losses: Sequence[float], points: int = _MOST_POINTS) -> list[tuple[int, float]]:
    """Means of the loss over equal stretches of steps, with the last step of each.

    Args:
        losses: Of every step.
        points: No more than so many.
    """
    parts = np.array_split(np.arange(len(losses)), min(points, len(losses)))
    values = np.asarray(losses)
    return [(int(part[-1]) + 1, round(float(values[part].mean()), 4)) for part in parts]


def score(config: PipelineConfig, archive: Path, dataset: Dataset) -> CocoEvaluation:
    """Accuracy of an archive's inference graph, made anew from its checkpoint.

    Args:
        config: Of the archive.
        archive: Its folder.
        dataset: Whose category ids are the class ids.
    """
    from validation.export.checkpoint import open_checkpoint
    from validation.export.from_checkpoint import inference_graph_from_checkpoint
    from validation.inference.graph import GraphDetector
    from validation.runtimes.session import SessionRuntime

    prefix = archive / _PREFIX
    graph = inference_graph_from_checkpoint(config, prefix, open_checkpoint(prefix))
    with SessionRuntime(graph, DETECTION_OUTPUTS) as runtime:
        detector = GraphDetector(runtime)
        detections = {image.id: detector.detect(load_rgb(image.path)) for image in dataset.images}
    return evaluate(dataset, detections, category_ids=dataset.categories.keys())


def start_of(recipe: Recipe, folder: Path) -> dict[str, Any] | None:
    """Every variable of the archive that a model starts from; None where it starts from nothing.

    Args:
        recipe: Of the model.
        folder: Where the archive was trained to.

    Raises:
        ArtefactMissing: It is not there.
    """
    if not recipe.starts_from:
        return None
    from validation.export.checkpoint import checkpoint_shapes, open_checkpoint

    prefix = folder / recipe.starts_from / _PREFIX
    if not prefix.with_name(f"{_PREFIX}.index").is_file():
        raise ArtefactMissing(
            f"{recipe.name} starts from the weights of {recipe.starts_from}",
            expected=f"{recipe.starts_from}/{_PREFIX}.index",
            where=folder,
            next_step=f"train {recipe.starts_from} first, into the same directory",
        )
    values = open_checkpoint(prefix)
    return {name: values(name) for name in checkpoint_shapes(prefix) if name != "global_step"}


def _train_all(options: argparse.Namespace) -> None:
    recipes = chosen_recipes(options.models, load_recipes())
    dataset = load_dataset(options.coco_annotations, options.coco_images)
    options.output_directory.mkdir(parents=True, exist_ok=True)
    for recipe in recipes:
        _train_one(recipe, dataset, options)


def _train_one(recipe: Recipe, dataset: Dataset, options: argparse.Namespace) -> None:
    from bundled.feed import FeedOptions, batches
    from bundled.training import train

    from validation.export.archive_writer import write_archive
    from validation.graphs.ssd import build

    began = time.perf_counter()
    text = recipe.config.read_text(encoding="utf-8")
    config = parse_pipeline(text, recipe.name)
    training = recipe.training
    if options.steps is not None:
        training = dataclasses.replace(
            training, steps=options.steps, warm_up=min(training.warm_up, options.steps)
        )
    built = build(config)
    feed = FeedOptions(
        seed=recipe.seed,
        scenes=recipe.scenes,
        batch=recipe.batch,
        preprocessing=built.contract.preprocessing,
        anchors=built.anchors,
        scales=config.box_coder_scales,
        rule=recipe.rule,
        view=recipe.view,
    )
    start = start_of(recipe, options.output_directory)
    made = batches(feed, training.steps, workers=options.workers)
    trained = train(config, made, training, start=start, progress=True)
    folder = options.output_directory / recipe.name
    with tempfile.TemporaryDirectory(dir=options.output_directory, prefix=".") as temporary:
        fresh = Path(temporary) / recipe.name
        fresh.mkdir()
        write_archive(fresh, config, text, lambda _: trained.values)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
    evaluation = score(config, folder, dataset)
    target = options.output_directory / f"{recipe.name}.tar.gz"
    pack(folder, target)
    facts: dict[str, Any] = {
        "model": recipe.name,
        "starts_from": recipe.starts_from or None,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "size_bytes": target.stat().st_size,
        "parameters": sum(value.size for value in trained.values.values()),
        "accuracy": unstructure(evaluation.figures),
        "accuracy_by_category": {
            dataset.categories[key]: value for key, value in evaluation.per_category.items()
        },
        "dataset": unstructure(dataset.facts()),
        "seed": recipe.seed,
        "scenes": recipe.scenes,
        "batch": recipe.batch,
        "training": unstructure(training),
        "rule": unstructure(recipe.rule),
        "view": unstructure(recipe.view),
        "training_seconds": round(trained.seconds, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "versions": {package: version(package) for package in _PACKAGES},
        "loss_curve": loss_curve(trained.losses),
    }
    beside = options.output_directory / f"{recipe.name}.training.json"
    write_text_atomic(beside, json.dumps(facts, indent=1) + "\n")
    sys.stderr.write(
        f"{target}: {facts['size_bytes']} bytes, AP {evaluation.figures.ap:.3f}, "
        f"{facts['seconds']:.0f} s\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="names in recipes.toml (default: all)"
    )
    parser.add_argument(
        "--output-directory", type=Path, required=True, metavar="DIR", help="made if need be"
    )
    parser.add_argument(
        "--steps", type=_positive, metavar="N", help="instead of the recipe's, for a trial"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes that draw scenes; 0 draws between the steps (default: %(default)s)",
    )
    parser.add_argument(
        "--coco-annotations",
        type=Path,
        default=_SCENES / "annotations.json",
        metavar="FILE",
        help="scenes to judge by (default: the package's own)",
    )
    parser.add_argument(
        "--coco-images",
        type=Path,
        default=_SCENES / "images",
        metavar="DIR",
        help="their images (default: the package's own)",
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
