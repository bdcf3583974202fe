"""Pieces of runs that nobody ran."""

from __future__ import annotations

from drawn_detections import scenes

from validation.pieces.piece import Piece, PieceFacts, PieceImage, RunFacts
from validation.record.types import ModelKey

RUN = RunFacts(ModelKey("mini", "float"), "run float", "ab" * 32, "cd" * 32, {"numpy": "2.0"})


def images(count: int) -> tuple[PieceImage, ...]:
    """Images as a session lists them."""
    return tuple(PieceImage(str(place), f"{place:064x}") for place in range(count))


def piece(first: int, last: int, run: RunFacts = RUN) -> Piece:
    """What a file may detect on a range of them."""
    found = scenes(last)
    own = images(last)[first:]
    facts = PieceFacts(run, first, own, 1.5, {"system": "drawn"})
    return Piece(facts, {image.key: found[image.key] for image in own})
