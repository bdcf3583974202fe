"""``python -m validation explain``: where two files of one model differ, down to layers."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.cli.compared_images import images_to_compare_on, told_apart
from validation.cli.detectors import OpenModel, add_model_flags, open_model, refuse_other_models
from validation.cli.flags import Commands, add_json, add_parser, say
from validation.cli.labelled_images import labelled_images, refuse_other_labels
from validation.cli.output import lines_beside, print_json, print_line
from validation.coco.categories import CategoryJoin
from validation.coco.dataset import Dataset
from validation.coco.flags import add_labelled_image_flags
from validation.coco.labelled_images import category_names, ground_truth
from validation.errors import DatasetError, NotSsdGraph, UsageError
from validation.explanation.accuracy import accuracy_facts, joins_of, other_feed, stated_feed
from validation.explanation.explain import explain
from validation.explanation.facts import AccuracyFacts, OtherFeed
from validation.explanation.page import as_page, picture_files, seen_images
from validation.explanation.sides import Side, side_of_graph, side_of_tflite
from validation.explanation.text import as_lines
from validation.files.atomic import write_bytes_atomic, write_text_atomic
from validation.files.native_log import held_back
from validation.files.targets import require_writable, require_writable_folder
from validation.inference.base import DetectFile, on_files
from validation.inference.model_file import TfliteModel
from validation.policy.load import Policy, load_policy
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "explain",
        "where two files of one model differ: attributes, weights, layers, detections",
        "Compare two model files from their inputs to their detections. It explains and does not "
        "judge: the exit code is 0 whatever differs.",
        "detect_float.tflite detect_int8.tflite --images=photos --html=difference.html",
        _explain,
    )
    kind = ".tflite, or frozen_inference_graph.pb"
    parser.add_argument("first", type=Path, metavar="A", help=kind)
    parser.add_argument("second", type=Path, metavar="B", help="another, compared with A")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="images to run both on (default: photographs and scenes of this package)",
    )
    add_labelled_image_flags(
        parser.add_argument,
        why=", instead of --images; adds AP and the ground truth",
        images_alone=False,
    )
    add_model_flags(parser)
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with pictures of the worst images"
    )
    parser.add_argument(
        "--output_directory",
        type=Path,
        metavar="DIR",
        help="write the pictures of these images as files, created if missing",
    )
    add_json(parser)


def _explain(options: argparse.Namespace) -> None:
    refuse_other_models((options.first, options.second), options)
    if options.html is not None:
        require_writable(options.html)
    if options.output_directory is not None:
        require_writable_folder(options.output_directory)
    dataset, images = _images(options)
    names = told_apart(options.first, options.second)
    with contextlib.ExitStack() as stack:
        models = [
            stack.enter_context(open_model(path, options))
            for path in (options.first, options.second)
        ]
        sides = (
            _side(names[0], options.first, models[0]),
            _side(names[1], options.second, models[1]),
        )
        runs = models[0].detect(images), models[1].detect(images)
    policy = load_policy()
    scored = _Scored() if dataset is None else _score(sides, runs, dataset, policy)
    say("comparing weights and layers")
    found = explain(*sides, runs, images, policy, scored.accuracy, scored.why_not)
    truth = categories = None
    if dataset is not None and scored.join is not None:
        joined = scored.join.categories
        truth, categories = ground_truth(dataset, joined), category_names(dataset, joined)
    seen = seen_images(found, sides, runs, images, truth, categories)
    if options.html is not None:
        width = int(policy.setting("picture_width"))
        write_text_atomic(options.html, as_page(found, seen, width))
        say(f"page: {options.html}")
    if options.output_directory is not None:
        for name, data in picture_files(seen):
            write_bytes_atomic(options.output_directory / name, data, make_folder=True)
            say(f"picture: {options.output_directory / name}")
    with lines_beside(options.html):
        if options.json:
            print_json(found)
        else:
            for line in as_lines(found):
                print_line(line)


@dataclass(frozen=True)
class _Scored:
    """Figures of labelled images, with the join of the first side; or why there are none."""

    accuracy: AccuracyFacts | None = None
    join: CategoryJoin | None = None
    why_not: str = ""


def _score(
    sides: tuple[Side, Side],
    runs: tuple[Mapping[str, Detections], Mapping[str, Detections]],
    dataset: Dataset,
    policy: Policy,
) -> _Scored:
    """Other classes than the labels have, or values that are not finite, stop no explanation."""
    say("scoring")
    join = None
    try:
        joins = joins_of(sides, dataset)
        join = joins[0]
        accuracy = accuracy_facts(sides, runs, dataset, joins, policy)
        feeds = tuple(_other_feeds(sides, dataset, joins))
    except DatasetError as error:
        return _Scored(None, join, error.with_next_step())
    return _Scored(dataclasses.replace(accuracy, other_feeds=feeds), join)


def _other_feeds(
    sides: tuple[Side, Side], dataset: Dataset, joins: tuple[CategoryJoin, CategoryJoin]
) -> Iterator[OtherFeed]:
    """Run what is fed otherwise than is stated of it once more, as it is stated."""
    for side, join in zip(sides, joins, strict=True):
        model = stated_feed(side)
        if model is not None:
            say(f"{side.name}: fed what {model.feeding.stated_by} asks for, to compare")
            again = OpenModel(side.name, functools.partial(_made, model))
            yield other_feed(side, again.detect(dataset.files), dataset, join)


def _made(model: TfliteModel) -> DetectFile:
    return on_files(model.detector())


def _images(options: argparse.Namespace) -> tuple[Dataset | None, Sequence[ImageFile]]:
    if options.coco_annotations is None:
        if options.coco_images is not None:
            raise UsageError(
                "the labels of the images are missing",
                expected="--coco-annotations with --coco-images, or --images",
                got="--coco-images alone",
            )
        images = images_to_compare_on(options.images)
        return None, images[: options.max_images]
    if options.images is not None:
        raise UsageError(
            "one set of images is compared on",
            expected="--images, or --coco-annotations",
            got="both",
        )
    refuse_other_labels(options)
    dataset = labelled_images(options)
    return dataset, dataset.files


def _side(name: str, path: Path, model: OpenModel) -> Side:
    if model.tflite is not None:
        return side_of_tflite(name, model.tflite, model.labels)
    with held_back():
        from validation.export.exported import ExportOptions
        from validation.export.from_graph import export_from_graph
        from validation.export.graph_io import read_graph

        try:
            export = export_from_graph(read_graph(path), ExportOptions(), where=path.name)
        except NotSsdGraph:
            # It runs all the same; what it detects can be compared.
            return side_of_graph(name, model.labels, model.num_classes, None, None)
    return side_of_graph(name, model.labels, model.num_classes, export.contract, export.anchors)
