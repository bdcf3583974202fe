"""Shares of a run held against each other before they are joined.

A gap, a share twice, or anything that was not the same everywhere is refused by name: joined, it
would be a figure of something that nobody ran.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from validation.errors import ArtefactMissing, RecordError, first_few
from validation.files.outside import Size, read_bytes
from validation.pieces.piece import PieceFacts, RunFacts, parse_piece_facts
from validation.pieces.store import different_versions
from validation.policy.overlay import Overlay
from validation.record.run import DatasetFacts, GivenFile, Header
from validation.record.share_files import ShareFolder
from validation.record.shares import JoinedShare
from validation.record.types import REFERENCE, ModelKey

_SAME = "make every share by the same command, in the same environment"
# Of a header: what the figures depend on, and what it is called. Options are none of it, for
# the same images may lie elsewhere on each machine.
_COMMON = {
    "selection": "models and variants",
    "policy_sha256": "policy",
    "policy_overlay": "policy of the user's own",
    "dataset": "labelled images",
    "given": "given files",
}


def require_whole(shares: Sequence[ShareFolder]) -> None:
    """The shares are all of one run, each once, and have all of its images.

    Raises:
        RecordError: Shares of another number, one twice, one missing, or one that was interrupted;
            made of other files, images, limits or versions; or a damaged piece.
        ArtefactMissing: A piece is not there.
    """
    _require_numbers(shares)
    for share in shares:
        _require_ended(share)
        _require_common(shares[0], share)
    runs = defaultdict(list)
    for share in shares:
        for path, facts in _pieces(share):
            runs[facts.run.key, facts.run.step].append((share, path, facts))
    _require_one_file(runs)
    _require_all_images(shares, runs)


def require_same_images(
    share: ShareFolder,
    *,
    selection: Sequence[ModelKey],
    dataset: DatasetFacts | None,
    given: Mapping[ModelKey, str],
    policy: tuple[str, Overlay | None],
    versions: Mapping[str, str],
) -> None:
    """The session that judges has the models, images, limits and versions of the shares.

    Args:
        share: One of them.
        selection: Subjects of the session.
        dataset: Its labelled images.
        given: Hash of each given file.
        policy: Hash of the built-in limits, and the user's own.
        versions: Of packages.

    Raises:
        RecordError: Something is not the same.
    """
    header = share.header
    own = dataclasses.replace(
        header,
        selection=tuple(selection),
        dataset=dataset,
        policy_sha256=policy[0],
        policy_overlay=policy[1],
        versions=dict(versions),
    )
    _require_alike(header, own, share.name, "this session")
    for each in header.given:
        if given.get(each.key) != each.sha256:
            raise RecordError(
                f"the given file {each.file} is not the one of the shares",
                expected=f"sha256 {each.sha256}",
                got=f"sha256 {given[each.key]}" if each.key in given else "no such file",
                where=share.name,
                next_step="name the same file",
            )


def joined_shares(shares: Sequence[ShareFolder]) -> tuple[JoinedShare, ...]:
    """What the record keeps of each share, by number."""
    return tuple(
        JoinedShare(
            share.facts.number,
            share.facts.count,
            share.header.run,
            share.header.started,
            share.footer.seconds,
            share.header.machine,
            len(share.pieces),
            tuple(f"{each.key}: {each.explanation}" for each in share.failed),
        )
        for share in sorted(shares, key=lambda each: each.facts.number)
    )


def _require_numbers(shares: Sequence[ShareFolder]) -> None:
    counts = {share.facts.count: share for share in shares}
    if len(counts) > 1:
        raise RecordError(
            "shares of runs that were cut into other numbers of shares",
            expected="one number",
            got=", ".join(f"{share.facts.count} ({share.name})" for share in counts.values()),
            next_step="name the shares of one run",
        )
    (count,) = counts
    by_number: dict[int, list[ShareFolder]] = {}
    for share in shares:
        by_number.setdefault(share.facts.number, []).append(share)
    for number, same in sorted(by_number.items()):
        if len(same) > 1:
            raise RecordError(
                f"share {number} of {count} twice",
                expected="each share once",
                got=" and ".join(str(share.folder) for share in same),
                next_step="name one of them",
            )
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in by_number]
    if missing:
        raise RecordError(
            f"{len(missing)} of {count} shares missing",
            expected=f"all {count}",
            got=f"no {first_few(missing)}",
            next_step=f"make it with --shard {missing[0]}, and name its folder too",
        )


def _require_ended(share: ShareFolder) -> None:
    if share.footer.interrupted_by or share.footer.not_run:
        raise RecordError(
            "a share that did not end",
            got=f"interrupted by {share.footer.interrupted_by}"
            if share.footer.interrupted_by
            else f"{len(share.footer.not_run)} subjects not run",
            where=share.name,
            next_step=f"make it again with --shard {share.facts.share}",
        )


def _require_common(first: ShareFolder, other: ShareFolder) -> None:
    _require_alike(first.header, other.header, first.name, other.name)
    if first.facts.images != other.facts.images:
        raise RecordError(
            "shares of another number of images",
            expected=f"{first.facts.images} ({first.name})",
            got=f"{other.facts.images} ({other.name})",
            next_step=_SAME,
        )


def _require_alike(one: Header, two: Header, first: str, other: str) -> None:
    for field, name in _COMMON.items():
        mine, theirs = getattr(one, field), getattr(two, field)
        if mine != theirs:
            raise RecordError(
                f"the {name} of the shares are not the same",
                expected=f"{_said(mine)} ({first})",
                got=f"{_said(theirs)} ({other})",
                next_step=_SAME,
            )
    if names := different_versions(one.versions, two.versions):
        raise RecordError(
            "the versions of the shares are not the same",
            expected=f"{_of(one.versions, names)} ({first})",
            got=f"{_of(two.versions, names)} ({other})",
            next_step=_SAME,
        )


def _said(value: object) -> str:
    if isinstance(value, DatasetFacts):
        return f"{value.name}, {value.images} images, sha256 {value.sha256[:12]}"
    if isinstance(value, tuple) and value and isinstance(value[0], GivenFile):
        return first_few(f"{each.key} sha256 {each.sha256[:12]}" for each in value)
    if isinstance(value, tuple):
        return first_few(str(getattr(each, "key", each)) for each in value) or "none"
    return str(value)


def _of(versions: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {versions.get(name, 'none')}" for name in names)


def _pieces(share: ShareFolder) -> Iterator[tuple[Path, PieceFacts]]:
    """A share's pieces, each the one that it names."""
    for each in share.pieces:
        path = share.folder / each.path
        try:
            data = read_bytes(path, Size.ARRAYS)
        except OSError as error:
            raise ArtefactMissing(
                "a piece is not there",
                expected=each.path,
                got=error.strerror or error,
                where=share.name,
                next_step="copy the share's folder whole, or make it again",
            ) from error
        found = hashlib.sha256(data).hexdigest()
        if found != each.sha256:
            raise RecordError(
                "a piece is not the one that its share names",
                expected=f"{each.path}, sha256 {each.sha256}",
                got=f"sha256 {found}",
                where=share.name,
                next_step="copy the share's folder anew, or make it again",
            )
        yield path, parse_piece_facts(data, path)


# Of each subject and step: the pieces of all shares, with the share and file of each.
_Runs = Mapping[tuple[ModelKey, str], list[tuple[ShareFolder, Path, PieceFacts]]]


def _require_one_file(runs: _Runs) -> None:
    """Every share ran the same file of a subject, fed alike, by the same code."""
    for (key, step), (first, *others) in runs.items():
        before, _, facts = first
        for share, path, others_facts in others:
            one, two = facts.run, others_facts.run
            if one != two:
                what, expected, got = _difference(one, two)
                raise RecordError(
                    f"shares of another {what}: {key}, {step}",
                    expected=f"{expected} ({before.name})",
                    got=f"{got} ({share.name})",
                    where=path.name,
                    next_step=_SAME,
                )


def _difference(one: RunFacts, two: RunFacts) -> tuple[str, str, str]:
    """What two runs of one name do not have in common, and both values."""
    if one.model_sha256 != two.model_sha256:
        return "model file", one.model_sha256, two.model_sha256
    if names := different_versions(one.versions, two.versions):
        return "version", _of(one.versions, names), _of(two.versions, names)
    return "feed or flags", one.address[:12], two.address[:12]


def _require_all_images(shares: Sequence[ShareFolder], runs: _Runs) -> None:
    """What the pieces of each run cover is all images, each once, where none failed."""
    failed = {result.key for share in shares for result in share.failed}
    failed |= {ModelKey(key.model, REFERENCE) for key in failed}
    planned = {each.key for share in shares for each in share.facts.ranges}
    without = sorted(map(str, planned - {key for key, _ in runs} - failed))
    if without:
        raise RecordError(
            "subjects without pieces", got=first_few(without), next_step="make the shares again"
        )
    for (key, step), pieces in runs.items():
        if key not in failed:
            _require_each_once(f"{key}, {step}", pieces, shares[0].facts.images)


def _require_each_once(
    run: str, pieces: Sequence[tuple[ShareFolder, Path, PieceFacts]], images: int
) -> None:
    at = 0
    for share, _, facts in sorted(pieces, key=lambda each: each[2].first):
        if facts.first != at:
            raise RecordError(
                "images without a piece" if facts.first > at else "images in two pieces",
                expected=f"{run}, images from {at} on",
                got=facts.describe(),
                where=share.name,
                next_step="make the shares again",
            )
        at = facts.last
    if at != images:
        raise RecordError(
            "images without a piece",
            expected=f"{images} images of {run}",
            got=f"pieces up to {at}",
            next_step="make the shares again",
        )
