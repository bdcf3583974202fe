"""``python -m validation detect``: what a model file finds on images, as table and picture."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from validation.cli.detectors import (
    add_model_flags,
    open_model,
    refuse_other_models,
    usable_labels,
)
from validation.cli.flags import Commands, add_parser, say
from validation.cli.output import print_json
from validation.comparison.matching import ImageMatch, match_detections
from validation.errors import DatasetError
from validation.files.atomic import write_bytes_atomic
from validation.files.targets import require_writable_folder
from validation.inference.score_notices import score_notices
from validation.kinds.kind import Wanted
from validation.kinds.recognition import nearest_beside
from validation.kinds.refusal import require_kind
from validation.policy.load import load_policy
from validation.preprocess.image import ImageFile, load_rgb, shown_otherwise
from validation.record.detections import Detections
from validation.report.annotated import annotated, encoded, side_by_side

# What an app would show; the suites compare lower scores too.
_SHOWN = 0.5
_PICTURES = (".jpg", ".jpeg", ".png")


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "detect",
        "detect objects on images, with one model file or two",
        "Print the detections of each image, and write the image with boxes and labels.",
        "detect.tflite street.jpg --label_map=coco --output_directory=found",
        _detect,
    )
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help=".tflite, with or without the post-processing op, or frozen_inference_graph.pb",
    )
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="image files")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OTHER",
        help="a second model: both are drawn side by side and their detections paired",
    )
    add_model_flags(parser)
    parser.add_argument(
        "--score_threshold",
        type=_share,
        default=_SHOWN,
        metavar="SCORE",
        help="lowest score to show (default: %(default)s)",
    )
    parser.add_argument(
        "--output_directory",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="folder for the pictures, created if missing (default: the current folder)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a score from 0 to 1, got {text!r}")
    return share


def _detect(options: argparse.Namespace) -> None:
    _require_images(options.images)
    require_writable_folder(options.output_directory)
    images = [ImageFile(str(index), path) for index, path in enumerate(options.images)]
    paths = [options.model, *([options.compare] if options.compare else [])]
    runs, notices = [], []
    refuse_other_models(paths, options)
    with contextlib.ExitStack() as stack:
        # Both are opened first: a second one that cannot be read is reported without a wait.
        models = [stack.enter_context(open_model(path, options)) for path in paths]
        for model in models:
            detections = model.detect(images, progress=len(images) > 1)
            about_scores = score_notices(detections.values())
            for notice in about_scores:
                say(f"{model.name}: {notice.describe()}")
            notices.append([each.as_json() for each in (*model.notices, *about_scores)])
            runs.append(
                {key: _above(detections[key], options.score_threshold) for key in detections}
            )
    labels = usable_labels(models[0].labels, models[0].num_classes)
    names = _picture_names(options.images, "compared" if options.compare else "detected")
    entries = []
    for image, name in zip(images, names, strict=True):
        each = [run[image.key] for run in runs]
        match = _matched(*each) if options.compare else None
        picture = options.output_directory / name
        _draw(picture, image.path, [model.name for model in models], each, labels)
        entry = _describe_image(image.path, picture, each[0], labels)
        entry["notices"] = notices[0]
        if match is not None:
            entry["compared"] = _compared(models[1].name, each[1], match, image.path, labels)
            entry["compared"]["notices"] = notices[1]
        entries.append(entry)
        if shown_otherwise(image.path):
            say(
                f"{image.path.name}: used as it is stored; viewers rotate it, as its EXIF data asks"
            )
        if not options.json:
            _print(entry)
    if options.json:
        print_json(entries)


def _require_images(images: Sequence[Path]) -> None:
    for path in images:
        if not path.exists():
            advice = nearest_beside(path) or "name the image files themselves"
            raise DatasetError("no such image", where=path, next_step=advice)
        require_kind(path, Wanted.PICTURE, DatasetError)


def _above(detections: Detections, threshold: float) -> Detections:
    kept = detections.take(detections.scores >= threshold)
    return kept.take(np.argsort(-kept.scores, kind="stable"))


def _matched(one: Detections, other: Detections) -> ImageMatch:
    """Pairs among what is shown; what rounding moves over the threshold is not excused."""
    min_iou = load_policy().setting("parity_min_iou")
    return match_detections(one, other, min_score=0, score_epsilon=0, min_iou=min_iou)


def _picture_names(images: Sequence[Path], what: str) -> list[str]:
    """A name for each picture, none twice."""
    names: list[str] = []
    for path in images:
        suffix = path.suffix if path.suffix.lower() in _PICTURES else ".png"
        stem, number = path.stem, 1
        while (name := f"{stem}.{what}{suffix}") in names:
            number += 1
            stem = f"{path.stem}-{number}"
        names.append(name)
    return names


def _draw(
    target: Path,
    image: Path,
    titles: Sequence[str],
    runs: Sequence[Detections],
    labels: Mapping[int, str],
) -> None:
    pixels = load_rgb(image)
    pictures = [annotated(pixels, detections, labels) for detections in runs]
    whole = side_by_side(list(zip(titles, pictures, strict=True))) if runs[1:] else pictures[0]
    write_bytes_atomic(target, encoded(whole, target.suffix), make_folder=True)
    say(f"picture: {target}")


def _describe_image(
    image: Path, picture: Path, detections: Detections, labels: Mapping[int, str]
) -> dict[str, Any]:
    height, width = load_rgb(image).shape[:2]
    return {
        "image": str(image),
        "width": width,
        "height": height,
        "picture": str(picture),
        "detections": [
            {
                "class_id": class_id,
                "label": labels.get(class_id, ""),
                "score": score,
                "box": dict(zip(("ymin", "xmin", "ymax", "xmax"), box, strict=True)),
                "pixels": np.multiply(box, (height, width) * 2).round(1).tolist(),
            }
            for box, score, class_id in zip(
                detections.boxes.tolist(),
                detections.scores.tolist(),
                detections.classes.tolist(),
                strict=True,
            )
        ],
    }


def _compared(
    name: str, detections: Detections, match: ImageMatch, image: Path, labels: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "model": name,
        "detections": _describe_image(image, image, detections, labels)["detections"],
        "pairs": len(match.pairs),
        "only_first": len(match.unmatched_reference),
        "only_second": len(match.unmatched_candidate),
        "worst_iou": min((pair.iou for pair in match.pairs), default=None),
        "worst_score_shift": max((abs(pair.score_shift) for pair in match.pairs), default=None),
    }


def _print(entry: Mapping[str, Any]) -> None:
    print(f"{entry['image']} ({entry['width']}x{entry['height']})")
    _print_rows(entry["detections"])
    other = entry.get("compared")
    if other is None:
        return
    print(f"  {other['model']}:")
    _print_rows(other["detections"])
    line = f"  paired: {other['pairs']}"
    if other["pairs"]:
        shift = other["worst_score_shift"]
        line += f", worst IoU {other['worst_iou']:.4f}, worst score shift {shift:.4f}"
    first, second = other["only_first"], other["only_second"]
    print(f"{line}; alone in the first: {first}, in the second: {second}")


def _print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        print("  nothing above the threshold")
        return
    print(
        f"  {'score':>6}  {'class':<24} {'ymin':>7} {'xmin':>7} {'ymax':>7} {'xmax':>7}  (pixels)"
    )
    for row in rows:
        name = f"{row['class_id']} {row['label']}".strip()
        corners = " ".join(f"{side:7.1f}" for side in row["pixels"])
        print(f"  {row['score']:6.3f}  {name:<24} {corners}")
