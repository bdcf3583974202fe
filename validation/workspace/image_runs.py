"""What models detect on the images of a session, each run once and kept by content."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from validation.files.digest import file_sha256
from validation.inference.base import DetectFile, detect_all
from validation.inference.input_cache import InputCache
from validation.preprocess.image import ImageFile
from validation.record.detection_files import read_detections, write_detections
from validation.record.detections import Detections
from validation.record.run import Evidence, Stage
from validation.record.types import ModelKey
from validation.runtimes.tflite import default_threads
from validation.specs.contracts import RAW_OUTPUTS
from validation.workspace.memory import give_back
from validation.workspace.products import ProductCache, image_sha256
from validation.workspace.sides import Arrays

_DETECTIONS, _SECONDS = "detections.npz", "seconds.txt"


@dataclass(frozen=True)
class ImageRuns:
    """The images of a session, and where runs on them are kept.

    Args:
        images: The data set's and the canaries.
        work: Products that later sessions find again: the reference's detections.
        runs: Of this session: files under test are run anew in every one.
        feeds: Prepared images.
        scratch: Folder for files made on the way; it goes with the session.
        workers: Images at a time; None: one for each core.
    """

    images: tuple[ImageFile, ...]
    work: ProductCache
    runs: ProductCache
    feeds: InputCache
    scratch: Path
    workers: int | None = None

    @cached_property
    def image_hashes(self) -> dict[str, str]:
        """Hash of each image by key: what is detected depends on them."""
        return {image.key: image_sha256(image) for image in self.images}

    def detected(
        self,
        cache: ProductCache,
        key: ModelKey,
        stage: Stage,
        step: str,
        made_from: Mapping[str, object],
        opened: Callable[[], AbstractContextManager[Callable[[], DetectFile]]],
        *,
        file: Path | None = None,
        one_by_one: Callable[[], bool] = bool,
    ) -> Run:
        """Detections of every image, run now or found again.

        Args:
            cache: `work` or `runs`.
            key: Of what is run.
            stage: For the step's report.
            step: Alike, without the number of images.
            made_from: What the detections depend on besides the images.
            opened: Opens what is run, where it is, and gives what `detect_all` takes.
            file: Where that is one file.
            one_by_one: Asked where it is run: one image at a time.
        """

        def fill(folder: Path) -> None:
            give_back()
            workers = 1 if one_by_one() else self.workers or default_threads()
            with opened() as make:
                started = time.perf_counter()
                found = detect_all(make, self.images, workers=workers, label=str(key))
                (folder / _SECONDS).write_text(
                    repr(time.perf_counter() - started), encoding="utf-8"
                )
            write_detections(folder / _DETECTIONS, found)

        depends = {**made_from, "images": self.image_hashes}
        on = f"{step} on {len(self.images)} images"
        folder = cache.product(key.model, stage, on, depends, fill, file=file)
        return Run(key, folder, len(self.images))

    def raw_outputs(
        self,
        cache: ProductCache,
        model: str,
        stage: Stage,
        step: str,
        made_from: Mapping[str, object],
        count: int,
        run: Callable[[], Arrays],
        *,
        file: Path,
    ) -> Arrays:
        """Box encodings and class predictions on the first images, run now or found again.

        Args:
            cache: `work` or `runs`.
            model: For the step's report.
            stage: For the step's report.
            step: Alike, without the number of images.
            made_from: What they depend on besides the images.
            count: The first images.
            run: Gives both by name: [I, 1, N, ...].
            file: What is run.
        """

        def fill(folder: Path) -> None:
            give_back()
            out = run()
            for index, name in enumerate(RAW_OUTPUTS):
                np.save(folder / f"{index}.npy", out[name], allow_pickle=False)

        depends = {**made_from, "images": list(self.image_hashes.values())[:count]}
        on = f"{step} on {count} images"
        folder = cache.product(model, stage, on, depends, fill, file=file)
        return {name: np.load(folder / f"{index}.npy") for index, name in enumerate(RAW_OUTPUTS)}


@dataclass(frozen=True)
class Run:
    """The folder of what one model detected.

    Args:
        key: Of the model.
        folder: Where it is kept.
        images: How many were run.
    """

    key: ModelKey
    folder: Path
    images: int

    @cached_property
    def detections(self) -> Mapping[str, Detections]:
        """By image key."""
        return read_detections(self.folder / _DETECTIONS)

    @property
    def seconds(self) -> float:
        """Wall time of the detections, what is run having been opened."""
        return float((self.folder / _SECONDS).read_text(encoding="utf-8"))

    def evidence(self) -> Evidence:
        """The file for the record."""
        path = self.folder / _DETECTIONS
        return evidence_of(self.key, path, self.images)


def evidence_of(key: ModelKey, path: Path, images: int) -> Evidence:
    """A file of detections for the record."""
    return Evidence(
        key.model,
        key.variant,
        str(path),
        file_sha256(path),
        path.stat().st_size,
        images,
        file=key.file,
    )
