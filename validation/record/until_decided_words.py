"""At which look a run stopped, in words: for the terminal and for pages."""

from __future__ import annotations

from validation.record.formatting import per_cent, plural
from validation.record.types import ModelKey
from validation.record.until_decided import UNSEEN_LOSS, Look, Undecided, UntilDecided

_UNSEEN = "a loss on images that were not seen"
# Files that a line names; the record has all.
_MOST_NAMED = 3


def describe_look(looks: tuple[Look, ...], number: int, undecided: tuple[Undecided, ...]) -> str:
    """One line of one look.

    Args:
        looks: All that were planned.
        number: Of the look, from 1 on.
        undecided: What it left open.
    """
    look, whole = looks[number - 1], looks[-1].images
    where = f"look {number} of {len(looks)}, {look.images:,} of {plural(whole, 'image')}: "
    if not undecided:
        return f"{where}every file is decided"
    named = [describe_undecided(each) for each in undecided[:_MOST_NAMED]]
    more = len(undecided) - len(named)
    return (
        where + "open: " + ", ".join(named) + (f" and {plural(more, 'more file')}" if more else "")
    )


def describe_undecided(undecided: Undecided) -> str:
    """A file, and what is open of it."""
    key = ModelKey(undecided.model, undecided.variant, undecided.file)
    names = (_UNSEEN if each == UNSEEN_LOSS else each for each in undecided.measures)
    return f"{key} ({', '.join(names)})"


def describe_stop(found: UntilDecided) -> str:
    """One sentence: after how many images the run stopped, and at which level it judged."""
    stopped, whole = found.stopped, found.looks[-1].images
    at = f"look {found.number} of {len(found.looks)}"
    level = f"intervals of {per_cent(stopped.level)}"
    if not found.is_last:
        images = f"{stopped.images:,} of {plural(whole, 'image')}"
        return f"every file was decided on {images}, {at}; {level}"
    count = len(found.undecided[-1])
    end = f"{plural(count, 'file')} not decided" if count else "every file decided"
    return f"all {plural(whole, 'image')} looked at, {at}: {end}; {level}"
