"""The shares that a session is joined from, held against each other and against the session."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from validation.errors import UsageError
from validation.files.digest import file_sha256
from validation.pieces.merging import joined_shares, require_same_images, require_whole
from validation.record.share_files import ShareFolder, load_shares
from validation.record.shares import JoinedShare
from validation.workspace.session import Session
from validation.workspace.surroundings import package_versions

_SHARES = pytest.StashKey[tuple[ShareFolder, ...]]()


def shares_of(config: pytest.Config) -> tuple[ShareFolder, ...]:
    """The shares that --pieces names, read and held against each other.

    Raises:
        UsageError: With --shard.
        ValidationError: They do not make one run.
    """
    folders = config.getoption("--pieces") or ()
    if not folders:
        return ()
    if config.getoption("--shard"):
        raise UsageError(
            "a share cannot be made of shares", got="--shard and --pieces", where="--pieces"
        )
    if _SHARES not in config.stash:
        shares = tuple(share for folder in folders for share in load_shares(folder))
        require_whole(shares)
        config.stash[_SHARES] = shares
    return config.stash[_SHARES]


def joined(config: pytest.Config) -> tuple[JoinedShare, ...]:
    """For the record: what the run is joined from."""
    shares = config.stash.get(_SHARES, None)
    return () if shares is None else joined_shares(shares)


def require_same_session(session: Session, shares: Sequence[ShareFolder]) -> None:
    """The session that judges is the one that was shared.

    Raises:
        ValidationError: Other models, images, limits or versions, by name.
    """
    require_same_images(
        shares[0],
        selection=session.keys,
        dataset=None if session.dataset is None else session.dataset.facts(),
        given={each.key: file_sha256(each.path) for each in session.candidates},
        policy=(session.policy.sha256, session.policy.overlay),
        versions=package_versions(),
    )
