"""A miniature as a thing under test: its files laid out, and cases over a shared cache."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from image_runs import image_runs
from zoo_archives import entries_at

from validation.checks.accuracy import accuracy
from validation.checks.guide import guide_facts
from validation.coco.dataset import load_dataset
from validation.policy.load import load_policy
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.specs.feeds import NOTHING_STATED, StatedFeed
from validation.tflite.facts import read_tflite
from validation.workspace.context import CheckContext, image_files
from validation.workspace.given_subject import GivenSubject
from validation.workspace.model_build import FAST_NMS, GUIDE_DEFAULT, ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.workspace.sides import Reference
from validation.zoo.canaries import Canary, load_canaries

MODEL = "mini"
VARIANTS = ("float", "raw")
# Tensors of the miniature's graph before the NMS: every anchor's box and scores.
RAW_TENSORS = ("Postprocessor/Reshape", "Postprocessor/convert_scores")
GIVEN_FILE = "detect.tflite"
SUBJECTS = tuple(ModelKey(MODEL, variant) for variant in VARIANTS)


@dataclass(frozen=True)
class MiniatureFiles:
    """Where a miniature's files lie.

    Args:
        zoo: Folder of archives with the one.
        annotations: Labelled images, in the COCO layout.
        images: Their folder.
        cache: Products of the harness; shared by tests, since it is addressed by content.
    """

    zoo: Path
    annotations: Path
    images: Path
    cache: Path

    @property
    def archive(self) -> Path:
        """The unpacked archive."""
        return self.zoo / MODEL


def files_in(folder: Path) -> MiniatureFiles:
    """Where `lay_out` puts them."""
    coco = folder / "coco"
    return MiniatureFiles(
        folder / "zoo", coco / "annotations.json", coco / "images", folder / "cache"
    )


def lay_out(folder: Path) -> MiniatureFiles:
    """Write the archive and the labelled images."""
    import miniatures

    files = files_in(folder)
    archive = miniatures.write_archive(files.archive)
    assert miniatures.write_coco(folder / "coco", archive) == (files.annotations, files.images)
    return files


def make_case(
    files: MiniatureFiles,
    variant: str = "float",
    *,
    cache: Path | None = None,
    steps: list[Step] | None = None,
    canaries: Sequence[Canary] | None = None,
    labelled: bool = True,
) -> CheckContext:
    """A case as a session would make it.

    Args:
        files: See `lay_out`.
        variant: See `ModelKey`.
        cache: Instead of the shared one.
        steps: Gets the steps.
        canaries: None takes the harness's own.
        labelled: False leaves the labelled images out.
    """
    told = [] if steps is None else steps
    cache = cache or files.cache
    (entry,) = entries_at(files.zoo)
    work = ProductCache(cache / "work", told.append)
    build = ModelBuild(entry, work, cache_dir=cache, offline=True, on_step=told.append)
    dataset = load_dataset(files.annotations, files.images) if labelled else None
    tried = load_canaries() if canaries is None else tuple(canaries)
    inference = ModelInference(build, image_runs(image_files(dataset, tried), work, told.append))
    key = ModelKey(MODEL, variant)
    return CheckContext(key, build, inference, load_policy(), dataset, tried, SUBJECTS)


def given_case(
    context: CheckContext,
    path: Path,
    reference: Reference,
    stated: StatedFeed = NOTHING_STATED,
) -> CheckContext:
    """The case of a float file that was made elsewhere, beside the variants of a case.

    Args:
        context: See `make_case`.
        path: The file; it is called `GIVEN_FILE`.
        reference: What it is judged by.
        stated: What the user states of its feed.
    """
    key = ModelKey(context.key.model, "float", GIVEN_FILE)
    given = GivenSubject(key, path, read_tflite(path), context.runs, reference, stated)
    return dataclasses.replace(context, key=key, given=given, judged_by=reference)


def own_canaries(files: MiniatureFiles) -> tuple[Canary, ...]:
    """Labelled images that serve as canaries: the first object of each of the first two."""
    table: dict[str, Any] = json.loads(files.annotations.read_text())
    labels = {category["id"]: category["name"] for category in table["categories"]}
    canaries = []
    for image in table["images"][:2]:
        first = next(each for each in table["annotations"] if each["image_id"] == image["id"])
        x, y, width, height = first["bbox"]
        box = (
            y / image["height"],
            x / image["width"],
            (y + height) / image["height"],
            (x + width) / image["width"],
        )
        label = labels[first["category_id"]]
        canaries.append(Canary(files.images / image["file_name"], label, box, "drawn", "none"))
    return tuple(canaries)


def fill_cache(files: MiniatureFiles) -> None:
    """Make every product that a session over the miniature asks for."""
    for variant in VARIANTS:
        context = make_case(files, variant)
        context.build.summary(add_postprocessing_op=variant == "float")
        accuracy(context)
    for count in (1, int(context.policy.setting("parity_images"))):
        context.inference.session_raw_outputs(count)
    for options in (FAST_NMS, GUIDE_DEFAULT):
        context.build.tflite("float", options)
    guide_facts(make_case(files, "float"))


def with_key(context: CheckContext, variant: str) -> CheckContext:
    """The same session's case of another variant."""
    return dataclasses.replace(context, key=ModelKey(context.key.model, variant))
