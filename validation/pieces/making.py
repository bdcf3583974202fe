"""Make one piece: a model file run on a range of images."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from validation.inference.base import detect_all
from validation.inference.input_cache import InputCache
from validation.pieces.labels import PieceLabels
from validation.pieces.piece import Piece, PieceFacts, PieceImage, RunFacts
from validation.pieces.plans import DetectorPlan
from validation.preprocess.image import ImageFile


def make_piece(
    run: RunFacts,
    plan: DetectorPlan,
    path: Path,
    images: Sequence[ImageFile],
    first: int,
    hashes: Mapping[str, str],
    *,
    feeds: InputCache,
    workers: int,
    machine: Mapping[str, str],
    labels: PieceLabels | None = None,
) -> Piece:
    """What a model file detects on some images.

    Args:
        run: What is run.
        plan: How.
        path: Where the file lies here.
        images: Those of the piece, where they lie here.
        first: Place of the first one in the session's order.
        hashes: Of each image by its key.
        feeds: Prepared images.
        workers: Images at a time.
        machine: This one, for the piece.
        labels: Of some of the images or more; None where there are none.

    Raises:
        ValidationError: The file cannot be run, or an image cannot be read.
    """
    with plan.opened(path, feeds) as make:
        started = time.perf_counter()
        found = detect_all(make, images, workers=workers, label=str(run.key))
        seconds = time.perf_counter() - started
    each = tuple(PieceImage(image.key, hashes[image.key]) for image in images)
    facts = PieceFacts(run, first, each, seconds, dict(machine))
    own = None if labels is None else labels.of(found)
    if own is None:
        return Piece(facts, found)
    matched = own.matched(found)
    return Piece(replace(facts, matched=own.facts(matched)), found, matched.matches)
