"""Pieces of runs, made by the workers of a cluster and kept here as they come."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tqdm import tqdm

from validation.cluster.images import ImagePlaces, RemoteImage, local_images
from validation.cluster.model_file import ModelFile
from validation.cluster.task import Task
from validation.cluster.tasks import TaskRunner
from validation.cluster.worker import WorkerFacts
from validation.errors import ClusterLost, ValidationError
from validation.inference.input_cache import InputCache
from validation.isolation.forks import range_size
from validation.isolation.limits import ProcessLimits
from validation.pieces.labels import PieceLabels
from validation.pieces.making import make_piece
from validation.pieces.piece import RunFacts, SealedPiece
from validation.pieces.plans import DetectorPlan
from validation.pieces.store import PieceStore
from validation.preprocess.image import ImageFile

# Opening a graph takes seconds.
_SMALLEST_PIECE = 16
# Seconds of a piece for each thread of the cluster, at least: handing one out and keeping it takes
# this process some 10 ms, and with many workers it would do nothing else.
_LEAST_SECONDS = 0.05


@dataclass(frozen=True, eq=False)
class ClusterRun:
    """A model file that is to be run on all images.

    Args:
        facts: What its pieces are of.
        plan: How it is run.
        path: The file, or the folder of a SavedModel.
        labels: Of the images that have any, where pieces are to say what is right.
    """

    facts: RunFacts
    plan: DetectorPlan
    path: Path
    labels: PieceLabels | None = None


@dataclass(frozen=True)
class ClusterImages:
    """The images of a session.

    Args:
        images: In the session's order.
        hashes: Of each by its key, as pieces name them.
        places: Where workers find them.
    """

    images: Sequence[ImageFile]
    hashes: Mapping[str, str]
    places: ImagePlaces

    def remote(self, first: int, last: int) -> tuple[RemoteImage, ...]:
        """Some of them as workers find them."""
        return tuple(
            # What follows the hash says that an image is turned.
            self.places.remote(each, self.hashes[each.key].partition(" ")[0])
            for each in self.images[first:last]
        )


@dataclass
class Made:
    """What came of runs.

    Args:
        pieces: Made on the cluster.
        images: In these pieces.
        kept: Images that pieces of an earlier session cover.
        failed: What stopped a run, by its subject and step.
    """

    pieces: int = 0
    images: int = 0
    kept: int = 0
    failed: dict[str, ValidationError] = field(default_factory=dict)

    def __iadd__(self, other: Made) -> Made:
        """Both together."""
        self.pieces += other.pieces
        self.images += other.images
        self.kept += other.kept
        self.failed |= other.failed
        return self


def make_pieces(
    runs: Sequence[ClusterRun],
    images: ClusterImages,
    store: PieceStore,
    runner: TaskRunner,
    *,
    threads: int,
    limits: ProcessLimits,
    label: str,
) -> Made:
    """Have workers make what the store lacks of some runs; each piece is kept when it comes.

    Args:
        runs: Model files.
        images: That they are run on.
        store: Gets the pieces.
        runner: Of the cluster.
        threads: Tasks that the cluster runs at a time.
        limits: Of an image, and of a step as a whole.
        label: Of the progress bar.

    Returns:
        What was made; a run that cannot be made is among `failed`, and the others go on.

    Raises:
        ClusterLost: The scheduler or all workers are gone; says how much is kept.
    """
    made, count = Made(), len(images.images)
    threads, paces = max(threads, 1), dict[str, float]()
    gaps = {run.facts.address: store.missing(run.facts, count) for run in runs}
    total = sum(last - first for each in gaps.values() for first, last in each)
    made.kept = count * len(gaps) - total

    def tasks() -> Iterator[Task]:
        left = total
        for run in runs:
            model = ModelFile(run.path)
            for first, last in gaps[run.facts.address]:
                at = first
                while at < last and _name(run.facts) not in made.failed:
                    smallest = smallest_piece(left, threads, paces.get(run.facts.address, 0.0))
                    end = min(at + range_size(left, threads, smallest), last)
                    yield _task(run, model, images, at, end, limits)
                    left -= end - at
                    at = end

    shown = sys.stderr.isatty()
    with tqdm(total=total, desc=label, unit="image", disable=not shown) as bar:
        try:
            for done in runner.results(tasks()):
                facts: RunFacts = done.task.arguments[0]  # type: ignore[assignment]
                if done.error is not None:
                    made.failed.setdefault(_name(facts), done.error)
                    continue
                piece: SealedPiece = done.value
                store.add(piece)
                done_images = len(piece.facts.images)
                paces[facts.address] = done.seconds / done_images
                made.pieces += 1
                made.images += done_images
                bar.update(done_images)
        except ClusterLost as error:
            error.got = f"{made.kept + made.images} of {made.kept + total} images are kept"
            raise
    return made


def smallest_piece(left: int, threads: int, pace: float) -> int:
    """How many images a piece has at least.

    Args:
        left: Images that no worker has taken.
        threads: Tasks that the cluster runs at a time.
        pace: Seconds that an image of the run takes; 0 where none has been run yet.
    """
    if not pace:
        return _SMALLEST_PIECE
    lasting = math.ceil(_LEAST_SECONDS * threads / pace)
    # No worker is without a piece because others have larger ones.
    return max(_SMALLEST_PIECE, min(lasting, left // threads))


def _task(
    run: ClusterRun,
    model: ModelFile,
    images: ClusterImages,
    first: int,
    last: int,
    limits: ProcessLimits,
) -> Task:
    facts, own = run.facts, images.images[first:last]
    return Task(
        f"{_name(facts)}, images {first} to {last - 1}",
        piece_on_worker,
        (
            facts,
            run.plan,
            images.remote(first, last),
            first,
            {each.key: images.hashes[each.key] for each in own},
            None if run.labels is None else run.labels.of(each.key for each in own),
        ),
        model,
        limit_seconds=limits.step_seconds + limits.image_seconds * (last - first),
    )


def _name(facts: RunFacts) -> str:
    return f"{facts.key}, {facts.step}"


def piece_on_worker(
    worker: WorkerFacts,
    path: Path,
    facts: RunFacts,
    plan: DetectorPlan,
    images: Sequence[RemoteImage],
    first: int,
    hashes: Mapping[str, str],
    labels: PieceLabels | None,
) -> SealedPiece:
    """One piece, on the worker that was chosen: one interpreter, one thread.

    Args:
        worker: This one.
        path: The model's file here.
        facts: What is run.
        plan: How.
        images: Of the piece.
        first: Place of the first one in the session's order.
        hashes: Of each image by its key.
        labels: Of the images; None where none has any.

    Raises:
        ValidationError: The file cannot be run, or an image cannot be read.
    """
    piece = make_piece(
        facts,
        plan,
        path,
        local_images(images, worker.address),
        first,
        hashes,
        feeds=_feeds(),
        workers=1,
        machine=worker.machine,
        labels=labels,
    )
    # The worker makes the bytes: the controlling process has those of all workers to keep.
    return SealedPiece(piece.facts, piece.data)


@cache
def _feeds() -> InputCache:
    """Of this worker, for all files that it runs."""
    return InputCache()
