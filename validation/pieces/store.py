"""The pieces of runs that lie in some folders: which images they cover, and what they join to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from validation.errors import RecordError
from validation.pieces.piece import (
    PIECE_SUFFIX,
    Piece,
    PieceFacts,
    PieceImage,
    RunFacts,
    SealedPiece,
    read_piece,
    read_piece_facts,
    write_piece,
)

Range = tuple[int, int]


@dataclass(frozen=True)
class PieceStore:
    """Pieces in folders; new ones go into the first.

    Args:
        folders: One of them may be missing yet.
    """

    folders: tuple[Path, ...]

    def add(self, piece: Piece | SealedPiece) -> Path:
        """Keep a piece, whole or not at all.

        Raises:
            ArtefactError: It cannot be written.
        """
        path = write_piece(self.folders[0], piece)
        self._index.setdefault(piece.facts.run.address, {})[path] = piece.facts
        return path

    @cached_property
    def _index(self) -> dict[str, dict[Path, PieceFacts]]:
        found: dict[str, dict[Path, PieceFacts]] = {}
        for folder in self.folders:
            for path in sorted(folder.glob(f"*{PIECE_SUFFIX}")) if folder.is_dir() else ():
                facts = read_piece_facts(path)
                found.setdefault(facts.run.address, {})[path] = facts
        return found

    def of(self, run: RunFacts) -> dict[Path, PieceFacts]:
        """The pieces of a run, by their first image.

        Raises:
            RecordError: A piece of the same run that was made with other versions of packages.
        """
        found = sorted(self._index.get(run.address, {}).items(), key=lambda each: each[1].first)
        for path, facts in found:
            require_same_run(run, facts, path)
        return dict(found)

    def missing(self, run: RunFacts, count: int) -> tuple[Range, ...]:
        """The ranges of a run's images that no piece covers.

        Args:
            run: What is run.
            count: Of all images.
        """
        gaps, at = [], 0
        for facts in self.of(run).values():
            if facts.first > at:
                gaps.append((at, min(facts.first, count)))
            at = max(at, facts.last)
        if at < count:
            gaps.append((at, count))
        return tuple(gaps)

    def covering(self, run: RunFacts, images: Sequence[PieceImage]) -> tuple[Piece, ...]:
        """The pieces of a run, read, each of whose images is the session's at its place.

        Raises:
            RecordError: Another image at a place, two pieces of one image, or a damaged piece.
            ArtefactMissing: A piece cannot be read.
        """
        found, at = [], 0
        for path, facts in self.of(run).items():
            _require_images(facts, images, path)
            if facts.first < at:
                raise RecordError(
                    "two pieces of the same images",
                    expected=f"images from {at} on",
                    got=facts.describe(),
                    where=path,
                    next_step="remove one of the two",
                )
            at = facts.last
            found.append(read_piece(path))
        return tuple(found)


def require_same_run(run: RunFacts, facts: PieceFacts, path: Path) -> None:
    """A piece is of this run, made by the same code and packages.

    Raises:
        RecordError: It is of another model file, or made with other versions.
    """
    if facts.run.model_sha256 != run.model_sha256:
        raise RecordError(
            "a piece of another model file",
            expected=f"{run.key}, {run.step}: sha256 {run.model_sha256}",
            got=f"sha256 {facts.run.model_sha256}",
            where=path,
            next_step="make every piece of one and the same file",
        )
    if other := different_versions(run.versions, facts.run.versions):
        raise RecordError(
            "a piece was made with other versions",
            expected=", ".join(f"{name} {run.versions.get(name)}" for name in other),
            got=", ".join(f"{name} {facts.run.versions.get(name)}" for name in other),
            where=path,
            next_step="use the same environment everywhere",
        )


def different_versions(one: Mapping[str, str], two: Mapping[str, str]) -> tuple[str, ...]:
    """The names whose versions differ."""
    return tuple(sorted(name for name in {*one, *two} if one.get(name) != two.get(name)))


def _require_images(facts: PieceFacts, images: Sequence[PieceImage], path: Path) -> None:
    for place, found in enumerate(facts.images, facts.first):
        if place >= len(images) or images[place] != found:
            wanted = images[place] if place < len(images) else None
            raise RecordError(
                "a piece of other images",
                expected="no image" if wanted is None else f"{wanted.key}, sha256 {wanted.sha256}",
                got=f"{found.key}, sha256 {found.sha256}",
                where=f"{path}, image {place}",
                next_step="use the same images everywhere",
            )
