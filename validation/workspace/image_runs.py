"""What models detect on the images of a session, each run once and kept by content."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from validation.coco.image_matches import MatchedImages, join_images
from validation.files.digest import file_sha256
from validation.inference.input_cache import InputCache
from validation.pieces.labels import PieceLabels
from validation.pieces.making import make_piece
from validation.pieces.piece import Piece, PieceImage
from validation.pieces.store import PieceStore, Range
from validation.preprocess.image import ImageFile
from validation.record.detection_files import read_detections, write_detections
from validation.record.detections import Detections
from validation.record.machine_facts import machine_facts
from validation.record.run import Evidence, Stage
from validation.record.types import ModelKey
from validation.runtimes.tflite import default_threads
from validation.specs.contracts import RAW_OUTPUTS
from validation.workspace.memory import give_back
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import ProductCache, image_sha256
from validation.workspace.sides import Arrays
from validation.workspace.stacked_outputs import open_stacked, save_stacked

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
        pieces: What other machines made of the runs; None without any.
        increments: The same images in parts, each of which is run by itself; empty where all of
            them are run together.
    """

    images: tuple[ImageFile, ...]
    work: ProductCache
    runs: ProductCache
    feeds: InputCache
    scratch: Path
    workers: int | None = None
    pieces: PieceStore | None = None
    increments: tuple[tuple[ImageFile, ...], ...] = ()
    _hashes: dict[str, str] = field(default_factory=dict, init=False, compare=False)

    @cached_property
    def image_hashes(self) -> dict[str, str]:
        """Hash of each image by key: what is detected depends on them."""
        return self._hashed(self.images)

    def _hashed(self, images: Sequence[ImageFile]) -> dict[str, str]:
        """Alike of some images: a share of a run never reads the others."""
        for image in images:
            if image.key not in self._hashes:
                self._hashes[image.key] = image_sha256(image)
        return {image.key: self._hashes[image.key] for image in images}

    def detected(self, run: PlannedRun) -> Run:
        """Detections of every image, run now, found again, or joined from pieces made elsewhere."""

        def fill(folder: Path) -> None:
            give_back()
            found, seconds = self._found(run)
            (folder / _SECONDS).write_text(repr(seconds), encoding="utf-8")
            write_detections(folder / _DETECTIONS, found)

        depends = {**run.made_from, "images": self.image_hashes}
        on = f"{run.step} on {len(self.images)} images"
        cache = self.work if run.is_kept else self.runs
        folder = cache.product(run.key.model, run.stage, on, depends, fill, file=run.path)
        return Run(run.key, folder, len(self.images))

    def _found(self, run: PlannedRun) -> tuple[Mapping[str, Detections], float]:
        """Detections of all images, and the wall time that they took."""
        if len(self.increments) > 1:
            return self._joined([self._only(part).detected(run) for part in self.increments])
        parts = [self.piece(run, first, last) for first, last in self._missing(run)]
        if self.pieces is not None:
            parts += self.pieces.covering(run.facts, self.listed)
        parts.sort(key=lambda each: each.facts.first)
        found = {key: each for part in parts for key, each in part.detections.items()}
        return found, sum(part.facts.seconds for part in parts)

    def _joined(self, runs: Sequence[Run]) -> tuple[Mapping[str, Detections], float]:
        found = {key: each for part in runs for key, each in part.detections.items()}
        in_order = {image.key: found[image.key] for image in self.images}
        return in_order, sum(part.seconds for part in runs)

    def _only(self, images: tuple[ImageFile, ...]) -> ImageRuns:
        """Of some of the images; each file is hashed once."""
        part = dataclasses.replace(self, images=images, increments=(), pieces=None)
        part._hashes.update(self.image_hashes)
        return part

    def _missing(self, run: PlannedRun) -> tuple[Range, ...]:
        if self.pieces is None or not run.is_shared:
            return ((0, len(self.images)),)
        return self.pieces.missing(run.facts, len(self.images))

    def matched(self, run: PlannedRun, labels: PieceLabels) -> MatchedImages | None:
        """What pieces say is right of a run's detections; None where it is to be found here.

        Args:
            run: What was run.
            labels: Of all images of the session that have any.
        """
        if self.pieces is None or self._missing(run):
            return None
        parts = [
            MatchedImages(each.matches, matched.detections, matched.unscored_detections)
            for each in self.pieces.covering(run.facts, self.listed)
            if each.matches is not None and (matched := each.facts.matched) is not None
            if matched.reading == labels.reading
        ]
        there = sum(len(each.matches.image_ids) for each in parts)
        return join_images(parts) if there == len(labels.dataset.images) else None

    def piece(
        self, run: PlannedRun, first: int, last: int, labels: PieceLabels | None = None
    ) -> Piece:
        """A run on some of the images, made now.

        Args:
            run: What is run.
            first: Place of the first image.
            last: The place behind the last one.
            labels: Of the session's images, where the piece is to say what is right.
        """
        workers = 1 if run.one_by_one() else self.workers or default_threads()
        return make_piece(
            run.facts,
            run.plan(),
            run.path,
            self.images[first:last],
            first,
            self._hashed(self.images[first:last]),
            feeds=self.feeds,
            workers=workers,
            machine=machine_facts(),
            labels=labels,
        )

    @cached_property
    def listed(self) -> tuple[PieceImage, ...]:
        """The images as pieces name them."""
        return tuple(PieceImage(image.key, self.image_hashes[image.key]) for image in self.images)

    def raw_outputs(
        self,
        cache: ProductCache,
        model: str,
        stage: Stage,
        step: str,
        made_from: Mapping[str, object],
        count: int,
        run: Callable[[], Iterator[Arrays]],
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
            run: Gives both by name, for one image after the other: [1, N, ...].
            file: What is run.

        Returns:
            [I, 1, N, ...], not to be written to: the pages of files.
        """

        def fill(folder: Path) -> None:
            give_back()
            paths = {name: folder / f"{index}.npy" for index, name in enumerate(RAW_OUTPUTS)}
            save_stacked(paths, run(), len(self.images[:count]))

        depends = {**made_from, "images": list(self.image_hashes.values())[:count]}
        on = f"{step} on {count} images"
        folder = cache.product(model, stage, on, depends, fill, file=file)
        return {
            name: open_stacked(folder / f"{index}.npy") for index, name in enumerate(RAW_OUTPUTS)
        }


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
