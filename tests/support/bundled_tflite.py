"""Bundled models as .tflite files, converted once for all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from validation.workspace.groups import chosen_models
from validation.workspace.model_build import ModelBuild
from validation.workspace.products import ProductCache
from validation.zoo.bundled_files import BUNDLED_GROUP


def write_bundled(folder: Path, model: str, *variants: str) -> None:
    """Convert a model that ships with the package.

    Args:
        folder: Gets ``<variant>.tflite``.
        model: Its name.
        variants: That need no images.
    """
    (entry,) = chosen_models(BUNDLED_GROUP, (model,))
    cache = folder / "cache"
    work = ProductCache(cache / "work", lambda _: None)
    build = ModelBuild(entry, work, cache_dir=cache, offline=True, on_step=lambda _: None)
    for variant in variants:
        shutil.copyfile(build.tflite(variant), folder / f"{variant}.tflite")
