"""The files and the reference that options give a session, beside or instead of archives."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from validation.errors import UsageError
from validation.files.arguments import parse_existing_file
from validation.files.names import short_names
from validation.files.terminal import printable
from validation.record.run import Step
from validation.specs.feeds import FeedWay, StatedFeed, add_feed_flag, stated_feed
from validation.specs.input_stats import InputStats
from validation.workspace.candidates import (
    Candidate,
    candidate_of,
    distinct,
    found_candidates,
    named_candidates,
)
from validation.workspace.products import ProductCache
from validation.workspace.reference_source import ReferenceSource, reference_source
from validation.zoo.bundled_files import BUNDLED_GROUP
from validation.zoo.entry import CatalogueEntry

NO_REFERENCE = "none"
# --reference was not given: archives judge. No file has this name, and a copy of it is equal.
UNSTATED = Path("\0")


def add_options(add: Callable[..., object]) -> None:
    """Declare them."""
    add(
        "--candidate",
        action="append",
        type=parse_candidates,
        metavar="FILE[,FILE]",
        help="a .tflite that was made elsewhere, may be repeated (default: those in the archives)",
    )
    add(
        "--reference",
        type=parse_reference,
        default=UNSTATED,
        metavar="PATH",
        help=f"judge --candidate by this or by {NO_REFERENCE}, see `validation judge --help` "
        "(default: by its archive)",
    )
    add_feed_flag(add, "of given files, ")


def parse_candidates(text: str) -> tuple[Path, ...]:
    """Files that exist, with commas between them; one file may have a comma in its name."""
    whole = Path(text).expanduser()
    if whole.is_file():
        return (whole,)
    return tuple(parse_existing_file(each) for each in text.split(",") if each)


def parse_reference(text: str) -> Path | None:
    """A file or folder, or the prefix of a checkpoint."""
    if text == NO_REFERENCE:
        return None
    path = Path(text).expanduser()
    if not path.exists() and not path.with_name(f"{path.name}.index").is_file():
        raise argparse.ArgumentTypeError(f"no such file or folder: {printable(text)}")
    return path


@dataclass(frozen=True)
class Given:
    """What a session judges that was made elsewhere.

    Args:
        entries: Archives that the session reads graphs from.
        candidates: The files.
        judged_by: Of --reference; None where archives judge.
        notes: What is to be said.
    """

    entries: tuple[CatalogueEntry, ...]
    candidates: tuple[Candidate, ...] = ()
    judged_by: ReferenceSource | None = None
    notes: tuple[str, ...] = ()


def given_to_judge(paths: Sequence[Path], reference: Path | None, work: ProductCache) -> Given:
    """A session of given files alone.

    Args:
        paths: Of --candidate.
        reference: Of --reference; None: there is none.
        work: See `reference_source`.

    Raises:
        UsageError: No file to judge, one that is named twice, or one that is its own reference.
        ValidationError: A file that cannot be judged, or no reference.
    """
    if not paths:
        raise UsageError("a reference and nothing to judge by it", expected="--candidate FILE")
    resolved = distinct(paths)
    model = resolved[0].stem
    source = reference_source(reference, model, work)
    if source.path is not None and source.path.resolve() in resolved:
        raise UsageError(
            "a file would be judged by itself",
            expected="a reference that is another file: the graph it was made of, or the last "
            "release",
            got=str(source.path),
            next_step=f"name one, or {NO_REFERENCE} where there is none",
        )
    model = model if source.entry is None else source.entry.name
    names = short_names(resolved)
    files = tuple(candidate_of(model, path, names[path], source.kind) for path in resolved)
    entries = () if source.entry is None else (source.entry,)
    return Given(entries, files, source)


def given_with_archives(
    paths: Sequence[Path],
    entries: tuple[CatalogueEntry, ...],
    cache_dir: Path,
    on_step: Callable[[Step], None],
) -> Given:
    """Archives, the files that were named for them, and those that lie in them.

    Raises:
        ValidationError: See `named_candidates`.
    """
    named = named_candidates(paths, entries)
    found, notes = found_candidates(entries, cache_dir, named, on_step)
    return Given(entries, (*named, *found), None, notes)


def feed_of_given(way: FeedWay | None, stats: InputStats | None, given: Given) -> StatedFeed:
    """What the options state of the feed of given files.

    Args:
        way: Of --feed.
        stats: Of --input-stats; where archives judge, it is of the variants made of them.
        given: What is judged.

    Raises:
        UsageError: Pixels as they are and a normalisation, or no file that they are of.
    """
    feed = stated_feed(way, None if given.judged_by is None else stats)
    if feed and not given.candidates:
        raise UsageError(
            "a feed is stated and there is no given file",
            expected="--candidate FILE with --feed",
            got=f"--feed={way}",
        )
    return feed


def require_no_archives(zoo: str) -> None:
    """A session has one kind of reference.

    Raises:
        UsageError: Archives were chosen as well.
    """
    if zoo != BUNDLED_GROUP:
        raise UsageError(
            "archives and a reference of its own were named",
            expected="--zoo with --candidate, or --reference with --candidate",
            got=f"--zoo {zoo} and --reference",
        )
