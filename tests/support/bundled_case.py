"""A bundled model as a thing under test, on some of the scenes that ship with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from image_runs import image_runs

from validation.calibration.images import drawn_from_folder
from validation.coco.dataset import Dataset, load_dataset
from validation.policy.load import load_policy
from validation.record.types import ModelKey
from validation.workspace.context import CheckContext, image_files
from validation.workspace.groups import chosen_models
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.zoo.bundled_files import (
    BUNDLED_GROUP,
    CALIBRATION_NAME,
    calibration_scenes,
    labelled_scenes,
)


def bundled_case(
    folder: Path, variant: str = "float", model: str = "ssd_mobilenet_v1", images: int = 24
) -> CheckContext:
    """A case as a session over the first labelled scenes would make it.

    Args:
        folder: Keeps products: what a test leaves alone is made once.
        variant: See `ModelKey`.
        model: Of the bundled ones.
        images: How many scenes.
    """
    (entry,) = chosen_models(BUNDLED_GROUP, (model,))
    work = ProductCache(folder / "work", lambda _: None)
    build = ModelBuild(
        entry,
        work,
        cache_dir=folder,
        offline=True,
        on_step=lambda _: None,
        representative=None
        if entry.quantised
        else drawn_from_folder(calibration_scenes(), load_policy(), CALIBRATION_NAME),
    )
    dataset = _scenes(images)
    runs = image_runs(image_files(dataset, ()), work, lambda _: None)
    keys = tuple(ModelKey(model, each) for each in ("float", "raw"))
    inference = ModelInference(build, runs)
    key = ModelKey(model, variant)
    return CheckContext(key, build, inference, load_policy(), dataset, (), keys)


@cache
def _scenes(count: int) -> Dataset:
    annotations, folder = labelled_scenes()
    return load_dataset(annotations, folder, max_images=count)
