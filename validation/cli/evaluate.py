"""``python -m validation evaluate``: COCO's twelve figures of one model file."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from validation.cli.bundled import LABELLED_WORDS
from validation.cli.detectors import OpenModel, add_model_flags, open_model, refuse_other_models
from validation.cli.flags import Commands, add_parser, say
from validation.cli.labelled_images import labelled_images, refuse_other_labels
from validation.cli.output import lines_beside, print_json, print_line
from validation.cli.range_scoring import scored_ranges
from validation.cluster.address import add_cluster_flags
from validation.coco.categories import CategoryJoin, join_categories
from validation.coco.dataset import Dataset
from validation.coco.evaluate import CocoEvaluation, evaluation_of, require_objects
from validation.coco.flags import add_labelled_image_flags
from validation.coco.image_matches import ImageMatcher
from validation.coco.results import results_file
from validation.coco.scored_ranges import RangeCollector
from validation.errors import first_few
from validation.files.structured import unstructure
from validation.files.targets import require_writable
from validation.record.class_join import JoinedBy
from validation.record.coco_figures import CocoFigures

if TYPE_CHECKING:
    from validation.record.cluster_use import ClusterUse

_EXAMPLE = r"""detect.tflite \
    --coco-annotations=instances_val2017.json --coco-images=val2017"""

# In the words of COCO's own evaluation.
_MEANING = {
    "ap": "AP        {} IoU 0.50:0.95",
    "ap50": "AP50      {} IoU 0.50",
    "ap75": "AP75      {} IoU 0.75",
    "ap_small": "AP small  {} objects under 32x32 pixels",
    "ap_medium": "AP medium {} up to 96x96",
    "ap_large": "AP large  {} beyond",
    "ar_1": "AR 1      {} recall, 1 detection an image",
    "ar_10": "AR 10     {} 10 detections",
    "ar_100": "AR 100    {} 100 detections",
    "ar_small": "AR small  {} 100 detections",
    "ar_medium": "AR medium {} 100 detections",
    "ar_large": "AR large  {} 100 detections",
}


def add_command(commands: Commands) -> None:
    """Declare the command; its function is the default ``command``."""
    parser = add_parser(
        commands,
        "evaluate",
        "COCO average precision of one model file",
        "Detect on labelled images and score with pycocotools. A .tflite needs no TensorFlow and "
        "no other file.",
        _EXAMPLE,
        _evaluate,
    )
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help=".tflite, or frozen_inference_graph.pb"
    )
    add_labelled_image_flags(parser.add_argument, required=True, why=LABELLED_WORDS)
    add_model_flags(parser)
    add_cluster_flags(parser.add_argument)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--per_category", action="store_true", help="also print the AP of each category"
    )
    parser.add_argument(
        "--results_file",
        type=Path,
        metavar="FILE",
        help="write the detections in COCO's results format",
    )


def _evaluate(options: argparse.Namespace) -> None:
    # What each argument is comes first: a model takes seconds to open, and prints notices.
    refuse_other_models([options.model], options)
    refuse_other_labels(options)
    if options.results_file is not None:
        require_writable(options.results_file)
    with open_model(options.model, options) as model:
        dataset = labelled_images(options)
        labels = model.labels
        join = join_categories(labels.names, dataset, model.num_classes, labels.count)
        if join.facts.by is JoinedBy.NUMBER and not join.facts.class_names_known:
            say("classes are joined to categories by number: --label_map joins them by name")
        require_objects(dataset, join.categories)
        started = time.perf_counter()
        collector, use = _collected(model, dataset, join, options)
        seconds = time.perf_counter() - started
    notices = (*model.notices, *collector.scores.notices())
    if options.results_file is not None:
        say(f"detections: {options.results_file}")
    say("scoring")
    result = evaluation_of(collector.matched())
    facts = _describe_result(options.model, dataset, join, result, seconds)
    if use is not None:
        facts["cluster"] = unstructure(use)
        for line in (use.describe(), *use.notices()):
            say(line)
    facts["labels"] = {**unstructure(labels), "text": labels.describe()}
    facts["trusted"] = not any(notice.not_trusted for notice in notices)
    facts["notices"] = [*(notice.as_json() for notice in notices), *facts["notices"]]
    with lines_beside(options.results_file):
        if options.json:
            print_json(facts)
        else:
            _print(facts, dataset, join, result, options.per_category)


def _collected(
    model: OpenModel, dataset: Dataset, join: CategoryJoin, options: argparse.Namespace
) -> tuple[RangeCollector, ClusterUse | None]:
    """All images, detected and matched, here or on a cluster; detections are written if asked."""
    collector = RangeCollector()
    used: list[ClusterUse] = []
    matcher = ImageMatcher(dataset, join.categories)
    results = options.results_file
    with contextlib.ExitStack() as stack:
        add = None if results is None else stack.enter_context(results_file(results))
        if options.cluster is None:
            ranges = scored_ranges(model, dataset, matcher, with_results=add is not None)
        else:
            from validation.cli.cluster_scoring import ClusterWork, scored_on_cluster

            work = ClusterWork(model, dataset, join.categories, options)
            ranges = scored_on_cluster(work, matcher, used.append, results=add is not None)
        for scored in stack.enter_context(ranges):
            collector.add(scored)
            if add is not None:
                add(scored.results)
    return collector, used[0] if used else None


def _describe_result(
    model: Path, dataset: Dataset, join: CategoryJoin, result: CocoEvaluation, seconds: float
) -> dict[str, Any]:
    return {
        "model": model.name,
        "data_set": dataset.name,
        "data_set_kind": dataset.kind,
        "images": result.images,
        "objects": sum(item.category_id in result.category_ids for item in dataset.ground_truth),
        "detections": result.detections,
        "unscored_detections": result.unscored_detections,
        "seconds": round(seconds, 3),
        "figures": dataclasses.asdict(result.figures),
        "per_category": {
            _category_name(dataset, key): value for key, value in result.per_category.items()
        },
        "classes": {**unstructure(join.facts), "text": join.facts.describe()},
        # What another reading of labels or annotations would score otherwise.
        "doubts": [
            *join.facts.doubts(),
            *(notice.describe() for notice in dataset.notices if notice.moves_figures),
        ],
        "notices": [
            {**unstructure(notice), "text": notice.describe()} for notice in dataset.notices
        ],
    }


def _print(
    facts: Mapping[str, Any],
    dataset: Dataset,
    join: CategoryJoin,
    result: CocoEvaluation,
    per_category: bool,
) -> None:
    names = first_few(_category_name(dataset, key) for key in result.category_ids)
    print_line(
        f"{facts['model']} on {facts['data_set']}: {facts['images']} images, {facts['objects']} "
        f"objects, {facts['detections']} detections; scored: {names}"
    )
    if facts["unscored_detections"]:
        print_line(f"ignored: {facts['unscored_detections']} detections of other classes")
    # What else was noticed of the file stands on standard error.
    for notice in facts["notices"]:
        if notice.get("not_trusted"):
            print_line(notice["text"])
    for text in (*join.facts.describe(), *(notice.describe() for notice in dataset.notices)):
        print_line(text)
    for figure in dataclasses.fields(CocoFigures):
        value = _number(facts["figures"][figure.name])
        print_line("  " + _MEANING[figure.name].format(value))
    if per_category:
        best_first = sorted(facts["per_category"].items(), key=lambda item: -item[1])
        for name, average in best_first:
            print_line(f"  {name:<24} {_number(average)}")


def _category_name(dataset: Dataset, key: int) -> str:
    """Its name, with its id where another category has it too; its id where it has none."""
    name = dataset.categories[key]
    alone = list(dataset.categories.values()).count(name) == 1
    return f"{name} ({key})" if name and not alone else name or str(key)


def _number(value: float) -> str:
    """Three decimals as COCO prints them; -1 means that there was nothing to find."""
    return "    -" if value < 0 else f"{value:.3f}"
