"""A share of a run: which images of which subjects one machine of several looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from validation.errors import UsageError
from validation.record.types import ModelKey, OfVariant

SHARE_NAME = "share.jsonl"
PIECES_FOLDER, PRODUCTS_FOLDER = "pieces", "products"


@dataclass(frozen=True)
class Share:
    """One of several shares of a run.

    Args:
        number: From 1.
        count: How many there are.
    """

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_share(text: str) -> Share:
    """``3/8``, the third of eight.

    Raises:
        UsageError: Something else.
    """
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count):
        return Share(int(number), int(count))
    raise UsageError("no share of a run", expected="I/N with I from 1 to N, such as 3/8", got=text)


@dataclass(frozen=True)
class SharedRange(OfVariant):
    """The images that a share looks at with one subject.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        first: Place of the first image in the session's order.
        last: The place behind the last one.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    first: int
    last: int
    file: str = ""


@dataclass(frozen=True)
class ShareFacts:
    """What a share is of; the first line behind its header.

    Args:
        number: From 1.
        count: How many shares there are.
        images: Of the session.
        ranges: What it looks at; subjects of which it has no images are left out.
    """

    number: int
    count: int
    images: int
    ranges: tuple[SharedRange, ...]

    @property
    def share(self) -> Share:
        """Which one it is."""
        return Share(self.number, self.count)


@dataclass(frozen=True)
class KeptPiece(OfVariant):
    """A piece in a share's folder; what it is of is in the piece itself.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`; of what judges, ``reference``.
        path: Below the share's folder, with forward slashes.
        sha256: Of its bytes.
        size_bytes: Of the same.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    path: str
    sha256: str
    size_bytes: int
    file: str = ""


@dataclass(frozen=True)
class KeptProduct:
    """A converted file in a share's folder, so that it need not be converted again.

    Args:
        model: Name.
        path: Of its folder below the share's, with forward slashes.
    """

    model: str
    path: str


@dataclass(frozen=True)
class JoinedShare:
    """One share of those that a run was joined from.

    Args:
        number: From 1.
        count: How many there are.
        run: Name of its folder.
        started: UTC.
        seconds: Wall time of the share.
        machine: Where it was made.
        pieces: How many.
        failed: What it could not make: the joined run made it itself.
    """

    number: int
    count: int
    run: str
    started: str
    seconds: float
    machine: dict[str, str]
    pieces: int
    failed: tuple[str, ...] = ()


def describe_joined(shares: Sequence[JoinedShare]) -> tuple[str, ...]:
    """What a run was joined from, a line, and a line for each file that a share could not make."""
    if not shares:
        return ()
    machines = {tuple(sorted(each.machine.items())) for each in shares}
    kinds = "one kind of machine" if len(machines) == 1 else f"{len(machines)} kinds of machine"
    seconds = sum(each.seconds for each in shares)
    lines = [f"joined from {len(shares)} shares, {kinds}, {seconds:,.0f} s in all"]
    lines += [
        f"share {each.number}/{each.count} could not make a piece, so it was made here: {failed}"
        for each in shares
        for failed in each.failed
    ]
    return tuple(lines)


def split(
    weights: Sequence[tuple[ModelKey, int]], images: int, share: Share
) -> tuple[SharedRange, ...]:
    """The part of a run that is one share of several.

    All subjects' images lie behind each other and are cut into parts of about equal work, so
    that a share has to make the files of few models only. What shares have no image in common, and
    together they have all.

    Args:
        weights: Every subject of the session in its order, and how often its images are run: a
            model's first subject also has those of what judges it.
        images: Of the session.
        share: Which part.
    """
    total = images * sum(weight for _, weight in weights)
    low, high = (total * place // share.count for place in (share.number - 1, share.number))
    ranges, start = [], 0
    for key, weight in weights:
        first, last = (
            min(max((place - start) // weight, 0), images) if place > start else 0
            for place in (low, high)
        )
        if last > first:
            ranges.append(SharedRange(key.model, key.variant, first, last, key.file))
        start += weight * images
    return tuple(ranges)
