"""One piece: what a model file detected on a range of a session's images, as one file.

The file is an uncompressed .npz of three members: ``about``, JSON of `PieceFacts`; ``detections``,
as `validation.record.detection_files` writes them; and ``matches``, as `validation.coco.matches`
writes them, where the images have labels. It says itself what it is of, by hashes.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from validation.coco.matches import Matches, matches_bytes, parse_matches
from validation.errors import ArtefactMissing, RecordError, RecordVersionError
from validation.files.arrays import parse_npz
from validation.files.atomic import write_bytes_atomic
from validation.files.guard import guarded
from validation.files.outside import Size, read_bytes
from validation.files.structured import refuse_constant, structure, unstructure
from validation.record.detection_files import detections_bytes, parse_detections
from validation.record.detections import Detections
from validation.record.types import ModelKey

PIECE_VERSION = 1
PIECE_SUFFIX = ".piece.npz"
_ABOUT, _DETECTIONS, _MATCHES = "about", "detections", "matches"


@dataclass(frozen=True)
class RunFacts:
    """A model file that is run on images, and all that its detections depend on but these.

    Args:
        key: Model and subject; of what judges it, the variant is ``reference``.
        step: Its name among the steps of a run.
        address: Hash over everything that the detections depend on besides the images and versions.
        model_sha256: Of the file; of a SavedModel, over the hashes of its files.
        versions: Of the packages that decode, run and close it, and of this harness's code.
    """

    key: ModelKey
    step: str
    address: str
    model_sha256: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class PieceImage:
    """One image of a piece.

    Args:
        key: See `validation.preprocess.image.ImageFile`.
        sha256: Of the file, and whether it was turned, see `validation.workspace.products`.
    """

    key: str
    sha256: str


@dataclass(frozen=True)
class LabelReading:
    """Labels, and how detections are scored by them.

    Args:
        dataset_sha256: Of the labelled images as a whole.
        categories: Category id of each class id; None where a class is not scored.
        most_class: Detections of classes beyond are left out; None: of none.
    """

    dataset_sha256: str
    categories: tuple[tuple[int, int | None], ...]
    most_class: int | None = None


@dataclass(frozen=True)
class MatchFacts:
    """What the matches of a piece were found with.

    Args:
        reading: Of the labels.
        detections: How many were matched.
        unscored_detections: How many are of classes that are not scored.
    """

    reading: LabelReading
    detections: int
    unscored_detections: int


@dataclass(frozen=True)
class PieceFacts:
    """What a piece is of, without its arrays.

    Args:
        run: What was run.
        first: Place of the first image in the session's order.
        images: From there on.
        seconds: Wall time of the detections, what is run having been opened.
        machine: Where that was.
        detections_sha256: Of the member.
        matched: What its matches were found with; None without.
        matches_sha256: Of the member; empty without.
        version: Of the layout.
    """

    run: RunFacts
    first: int
    images: tuple[PieceImage, ...]
    seconds: float
    machine: Mapping[str, str]
    detections_sha256: str = ""
    matched: MatchFacts | None = None
    matches_sha256: str = ""
    version: int = PIECE_VERSION

    @property
    def last(self) -> int:
        """The place behind its last image."""
        return self.first + len(self.images)

    def describe(self) -> str:
        """``ssd_mobilenet_v1-float, run float, images 0 to 299``."""
        return f"{self.run.key}, {self.run.step}, images {self.first} to {self.last - 1}"


@dataclass(frozen=True)
class Piece:
    """One piece.

    Args:
        facts: What it is of.
        detections: By image key, in the order of the facts' images.
        matches: Of those images that have labels; None without labels.
    """

    facts: PieceFacts
    detections: Mapping[str, Detections]
    matches: Matches | None = None

    @cached_property
    def data(self) -> bytes:
        """The bytes of its file; equal pieces are equal to the byte."""
        detections = detections_bytes(self.detections)
        matches = b"" if self.matches is None else matches_bytes(self.matches)
        facts = replace(
            self.facts,
            detections_sha256=hashlib.sha256(detections).hexdigest(),
            matches_sha256=hashlib.sha256(matches).hexdigest() if matches else "",
        )
        about = json.dumps(unstructure(facts), allow_nan=False).encode()
        members = {_ABOUT: about, _DETECTIONS: detections, _MATCHES: matches}
        with io.BytesIO() as stream:
            arrays: Any = {name: np.frombuffer(data, np.uint8) for name, data in members.items()}
            np.savez(stream, **arrays)
            return stream.getvalue()


@dataclass(frozen=True)
class SealedPiece:
    """A piece as another process hands it over: what it is of, and the bytes of its file.

    Args:
        facts: See `Piece`.
        data: See `Piece`.
    """

    facts: PieceFacts
    data: bytes


def write_piece(folder: Path, piece: Piece | SealedPiece) -> Path:
    """Write a piece into a folder, whole or not at all; named by run and range.

    Returns:
        The file.

    Raises:
        ArtefactError: It cannot be written.
    """
    facts = piece.facts
    path = folder / f"{facts.run.address[:20]}-{facts.first}-{facts.last}{PIECE_SUFFIX}"
    write_bytes_atomic(path, piece.data, make_folder=True)
    return path


def read_piece(path: Path) -> Piece:
    """Read a piece, whose members are held against its facts.

    Raises:
        ArtefactMissing: There is none, or it cannot be read.
        RecordError: No piece, or a damaged one: a member is not the one that its facts name, or of
            other images.
        RecordVersionError: Another layout.
    """
    members = _members(_data(path), path)
    facts = _facts(members[_ABOUT], path)
    for name, stated in (
        (_DETECTIONS, facts.detections_sha256),
        (_MATCHES, facts.matches_sha256),
    ):
        found = hashlib.sha256(members[name]).hexdigest() if members[name] else ""
        if found != stated:
            raise RecordError(
                f"the {name} of a piece are not those that it names",
                expected=f"sha256 {stated}",
                got=f"sha256 {found}",
                where=path,
                next_step="copy the piece anew, or make its share again",
            )
    detections = parse_detections(members[_DETECTIONS], path)
    if list(detections) != [image.key for image in facts.images]:
        raise RecordError(
            "a piece has detections of other images than it names",
            expected=f"{len(facts.images)} images, the first {facts.images[0].key}"
            if facts.images
            else "no images",
            got=f"{len(detections)} images",
            where=path,
            next_step="make its share again",
        )
    matches = parse_matches(members[_MATCHES], path) if members[_MATCHES] else None
    return Piece(facts, detections, matches)


def read_piece_facts(path: Path) -> PieceFacts:
    """What a piece is of; its arrays are not looked at.

    Raises:
        ArtefactMissing, RecordError, RecordVersionError: As `read_piece`.
    """
    return parse_piece_facts(_data(path), path)


def parse_piece_facts(data: bytes, path: Path) -> PieceFacts:
    """As `read_piece_facts`, of the bytes of a file.

    Args:
        data: Of the file.
        path: Where it lies, for messages.
    """
    return _facts(_members(data, path)[_ABOUT], path)


def _data(path: Path) -> bytes:
    try:
        return read_bytes(path, Size.ARRAYS)
    except OSError as error:
        raise ArtefactMissing(
            "a piece cannot be read", got=error.strerror or error, where=path
        ) from error


def _members(data: bytes, path: Path) -> dict[str, bytes]:
    with guarded(
        RecordError,
        "the file is no piece of a run",
        expected=f".npz with {_ABOUT}, {_DETECTIONS} and {_MATCHES}",
        where=path,
        next_step="copy the piece anew, or make its share again",
    ):
        held = parse_npz(data)
        return {name: held[name].tobytes() for name in (_ABOUT, _DETECTIONS, _MATCHES)}


def _facts(data: bytes, path: Path) -> PieceFacts:
    with guarded(RecordError, "what a piece says of itself is damaged", where=path):
        document = json.loads(data, parse_constant=refuse_constant)
        version = document["version"]
    if version != PIECE_VERSION:
        raise RecordVersionError(
            "the piece has another layout",
            expected=f"version {PIECE_VERSION}",
            got=f"version {version}",
            where=path,
            next_step="make all shares with one version of the harness",
        )
    return structure(PieceFacts, document, where=str(path))
