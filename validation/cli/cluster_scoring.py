"""The images of a data set, detected and scored by the workers of a cluster."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from validation.cli.detectors import OpenModel
from validation.cli.flags import say
from validation.cluster.images import ImagePlaces
from validation.cluster.kept_pieces import kept_pieces
from validation.cluster.pieces import ClusterImages, ClusterRun
from validation.cluster.session import cluster_session, raise_first
from validation.coco.dataset import Dataset
from validation.coco.image_matches import ImageMatcher, MatchedImages
from validation.coco.scored_ranges import ScoredRange, score_range
from validation.files.digest import file_sha256
from validation.inference.score_notices import score_facts
from validation.pieces.labels import PieceLabels
from validation.pieces.piece import Piece, read_piece
from validation.pieces.plans import DetectorPlan, FilePlan, GraphPlan
from validation.pieces.store import PieceStore
from validation.policy.load import load_policy
from validation.record.cluster_use import ClusterUse
from validation.record.run import Stage
from validation.record.types import ModelKey
from validation.workspace.planned_run import PlannedRun
from validation.workspace.products import image_sha256
from validation.zoo.cache import default_cache_dir


@dataclass(frozen=True)
class ClusterWork:
    """What is to be done on a cluster.

    Args:
        model: Open here, so that what is wrong with it is said here.
        dataset: The images.
        categories: Category id of each class id; None where a class is not scored.
        options: With the flags of `validation.cluster.address`.
    """

    model: OpenModel
    dataset: Dataset
    categories: Mapping[int, int | None]
    options: argparse.Namespace


@contextlib.contextmanager
def scored_on_cluster(
    work: ClusterWork, matcher: ImageMatcher, used: Callable[[ClusterUse], object], *, results: bool
) -> Iterator[Iterator[ScoredRange]]:
    """As `range_scoring.scored_ranges`, by workers; pieces are kept until all are there.

    Args:
        work: What is to be done.
        matcher: Of the data set.
        used: Takes what the cluster did.
        results: See `score_range`.

    Raises:
        ValidationError: What a worker raises; the cluster is lost.
    """
    dataset, options = work.dataset, work.options
    hashes = {image.key: image_sha256(image) for image in dataset.files}
    run = _run(work)
    folder = kept_pieces(default_cache_dir(), [run], hashes)
    store = PieceStore((folder,))
    places = ImagePlaces.of(dataset.files, options.coco_images, options.cluster_images)
    images = ClusterImages(dataset.files, hashes, places)
    with cluster_session(options.cluster, load_policy(), say) as session:
        made = session.make_pieces([run], images, store, work.model.name)
        raise_first(made)
        used(session.use(options.cluster_images or ""))
    yield (
        _scored(read_piece(path), matcher, dataset, results=results) for path in store.of(run.facts)
    )
    shutil.rmtree(folder, ignore_errors=True)


def _run(work: ClusterWork) -> ClusterRun:
    path: Path = work.options.model
    tflite = work.model.tflite
    # Where the file lies here plays no part there.
    plan: DetectorPlan = (
        GraphPlan()
        if tflite is None
        else FilePlan(dataclasses.replace(tflite, path=Path(path.name)))
    )
    planned = PlannedRun(
        ModelKey(path.stem, "", path.name),
        Stage.RUN,
        "evaluate",
        {"plan": hashlib.sha256(pickle.dumps(plan)).hexdigest()},
        path,
        file_sha256(path),
        lambda: plan,
    )
    labels = PieceLabels(work.dataset, work.categories)
    return ClusterRun(planned.facts, plan, path, labels)


def _scored(piece: Piece, matcher: ImageMatcher, dataset: Dataset, *, results: bool) -> ScoredRange:
    facts, matches = piece.facts, piece.matches
    if results or matches is None or facts.matched is None:
        found = {int(key): each for key, each in piece.detections.items()}
        images = dataset.images[facts.first : facts.last]
        return score_range(matcher, images, found, with_results=results)
    matched = MatchedImages(matches, facts.matched.detections, facts.matched.unscored_detections)
    return ScoredRange(matched, score_facts(piece.detections.values()), "")
