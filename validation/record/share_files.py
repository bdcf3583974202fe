"""The folder of a share: what one machine of several has left of a run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from validation.errors import ArtefactError, ArtefactMissing, RecordError
from validation.files.atomic import atomic_folder, write_bytes_atomic
from validation.files.outside import Size, read_bytes
from validation.policy.limits import Status
from validation.record.lines import Entry
from validation.record.run import Footer, Header
from validation.record.shares import (
    PIECES_FOLDER,
    PRODUCTS_FOLDER,
    SHARE_NAME,
    KeptPiece,
    KeptProduct,
    ShareFacts,
)
from validation.record.store import RECORD_NAME, parse_entries
from validation.record.types import CheckResult

_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class ShareFolder:
    """Everything that one share left behind.

    Args:
        folder: Of the share.
        header: Of its session.
        facts: Which share it is.
        pieces: In the order in which they were made.
        products: Converted files.
        failed: Subjects whose pieces could not be made, with the reason.
        footer: When it ended.
    """

    folder: Path
    header: Header
    facts: ShareFacts
    pieces: tuple[KeptPiece, ...]
    products: tuple[KeptProduct, ...]
    failed: tuple[CheckResult, ...]
    footer: Footer

    @property
    def name(self) -> str:
        """For messages: ``share 3/8 in FOLDER``."""
        return f"share {self.facts.share} in {self.folder}"


def load_shares(folder: Path) -> tuple[ShareFolder, ...]:
    """Read what shares left; their pieces are not read.

    Args:
        folder: Of a share, or one that holds the folders of some.

    Raises:
        ArtefactMissing: No share is there.
        IncompleteRecord: One did not end.
        RecordError: One is damaged.
    """
    return tuple(_load(path) for path in _share_files(folder))


def _load(path: Path) -> ShareFolder:
    try:
        data = read_bytes(path, Size.TABLE)
    except OSError as error:
        raise RecordError("a share cannot be read", got=error.strerror, where=path) from error
    entries = parse_entries(data, path)
    facts = _only(ShareFacts, entries)
    if len(facts) != 1:
        raise RecordError("a share that does not say which one it is", where=path)
    return ShareFolder(
        path.parent,
        cast(Header, entries[0]),
        facts[0],
        _only(KeptPiece, entries),
        _only(KeptProduct, entries),
        tuple(each for each in _only(CheckResult, entries) if each.status is not Status.PASS),
        cast(Footer, entries[-1]),
    )


def _share_files(folder: Path) -> list[Path]:
    places = (folder / SHARE_NAME, *sorted(folder.glob(f"*/{SHARE_NAME}")))
    there = [path for path in places if path.is_file()]
    if not there:
        is_run = (folder / RECORD_NAME).is_file()
        raise ArtefactMissing(
            "no share of a run",
            expected=f"{SHARE_NAME}, as a run with --shard I/N leaves it",
            got="the record of a whole run" if is_run else "no such file",
            where=folder,
            next_step="a whole run needs no merge" if is_run else "run the suites with --shard",
        )
    return there


def keep_piece(piece: KeptPiece, folder: Path) -> KeptPiece:
    """Copy a piece into the share's folder.

    Raises:
        ArtefactError: It cannot be written.
    """
    source = Path(piece.path)
    path = f"{PIECES_FOLDER}/{source.name}"
    try:
        data = read_bytes(source, Size.ARRAYS)
    except OSError as error:
        raise ArtefactMissing("a piece cannot be read", got=error, where=source) from error
    write_bytes_atomic(folder / path, data, make_folder=True)
    return replace(piece, path=path)


def keep_product(product: KeptProduct, folder: Path) -> KeptProduct:
    """Copy a product of the work folder into the share's folder, under the same name.

    Raises:
        ArtefactError: It cannot be written.
    """
    source = Path(product.path)
    path = f"{PRODUCTS_FOLDER}/{source.parent.name}/{source.name}"
    target = folder / path
    if not target.is_dir():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Another process may have kept the same one.
            with contextlib.suppress(FileExistsError), atomic_folder(target) as scratch:
                shutil.copytree(source, scratch, dirs_exist_ok=True)
        except OSError as error:
            raise ArtefactError("a product cannot be kept", got=error, where=target) from error
    return replace(product, path=path)


def _only(kind: type[_Kind], entries: Iterable[Entry]) -> tuple[_Kind, ...]:
    return tuple(entry for entry in entries if isinstance(entry, kind))
