"""Clean cases: a bundled model laid out as a user has it, as complete or thin as is asked for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from validation.calibration.images import CalibrationImages, drawn_from_folder
from validation.faults.fault import Case, Part
from validation.faults.label_edits import write_lines
from validation.faults.table import Subject
from validation.policy.load import Policy
from validation.workspace.groups import chosen_models
from validation.workspace.model_build import ModelBuild
from validation.workspace.products import ProductCache
from validation.zoo.bundled_files import (
    BUNDLED_GROUP,
    CALIBRATION_NAME,
    calibration_scenes,
    labelled_scenes,
)

# Of each part, the files that it consists of.
_FILES: dict[Part, tuple[str, ...]] = {
    Part.GRAPH: ("frozen_inference_graph.pb",),
    Part.META: ("model.ckpt.meta",),
    Part.CHECKPOINT: ("checkpoint", "model.ckpt.index", "model.ckpt.data-*"),
    Part.CONFIG: ("pipeline.config",),
    Part.SHIPPED: ("tflite_graph.pb",),
}
# A name by which an archive's label map is found.
_LABELS = "labels.txt"


@dataclass
class CleanModels:
    """Bundled models before any fault; what is made of them is made once.

    Args:
        cache_dir: Archives and products.
        policy: How many images calibrate.
    """

    cache_dir: Path
    policy: Policy
    _builds: dict[str, ModelBuild] = field(default_factory=dict)

    def case(self, subject: Subject, folder: Path) -> Case:
        """Lay a clean case out in an empty folder.

        Args:
            subject: Which model, what there is of it, and how many labelled images.
            folder: Takes every file of the case; images stay where they are.
        """
        build = self._build(subject.model)
        archive = folder / subject.model
        archive.mkdir(parents=True)
        for part in subject.parts:
            self._lay_out(build, part, archive)
        annotations, images = labelled_scenes()
        about = chosen_images(json.loads(annotations.read_text(encoding="utf-8")), subject)
        own = folder / "annotations.json"
        own.write_text(json.dumps(about), encoding="utf-8")
        labels = archive / _LABELS
        write_lines(labels, [each["name"] for each in about["categories"]])
        file = None
        if subject.is_given:
            (variant,) = subject.variants
            file = folder / "detect.tflite"
            shutil.copyfile(build.tflite(variant), file)
        return Case(archive, own, images, labels, subject.variants, file)

    def representative(self) -> CalibrationImages:
        """What int8 files are calibrated with."""
        return drawn_from_folder(calibration_scenes(), self.policy, CALIBRATION_NAME)

    def _lay_out(self, build: ModelBuild, part: Part, target: Path) -> None:
        root = build.archive.folder
        if part is Part.SHIPPED and build.archive.tflite_graph is None:
            shutil.copyfile(build.exported().graph, target / _FILES[part][0])
            return
        for pattern in _FILES[part]:
            for path in root.glob(pattern):
                shutil.copyfile(path, target / path.name)

    def _build(self, model: str) -> ModelBuild:
        if model not in self._builds:
            (entry,) = chosen_models(BUNDLED_GROUP, (model,))
            say: Callable[[object], None] = lambda _: None  # noqa: E731 - so short
            self._builds[model] = ModelBuild(
                entry,
                ProductCache(self.cache_dir / "work", say),
                cache_dir=self.cache_dir,
                offline=True,
                on_step=say,
                representative=None if entry.quantised else self.representative(),
            )
        return self._builds[model]


def chosen_images(about: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """COCO's json with so many of its images: the first ones, or some drawn by the seed."""
    images = sorted(about["images"], key=lambda each: each["id"])
    if subject.seed:
        drawn = np.random.default_rng(subject.seed).permutation(len(images))[: subject.images]
        images = [images[place] for place in sorted(drawn)]
    else:
        images = images[: subject.images]
    ids = {each["id"] for each in images}
    annotations = [each for each in about["annotations"] if each["image_id"] in ids]
    return {**about, "images": images, "annotations": annotations}
