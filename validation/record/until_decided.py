"""At which of several looks a run stopped, since all of its files were decided: facts."""

from __future__ import annotations

from dataclasses import dataclass

from validation.record.types import OfVariant


@dataclass(frozen=True)
class Undecided(OfVariant):
    """A file that a look did not decide.

    Args:
        model: See `ModelKey`.
        variant: See `ModelKey`.
        measures: What more images may still turn: names of measures of the policy, or
            `UNSEEN_LOSS`.
        file: See `ModelKey`.
    """

    model: str
    variant: str
    measures: tuple[str, ...]
    file: str = ""


# So few images may show none of those on which a loss beyond the limit is.
UNSEEN_LOSS = "ap_drop_on_unseen_images"


@dataclass(frozen=True)
class Look:
    """One look.

    Args:
        images: On which the files are judged at it.
        spent: The chance that an interval of this or an earlier look lies wholly beyond the
            truth on one given side.
        level: Of the intervals at this look, so that this holds.
    """

    images: int
    spent: float
    level: float


@dataclass(frozen=True)
class UntilDecided:
    """Looks at a growing number of images, until every file is decided.

    Args:
        looks: All that were planned; the last one is at all images.
        seed: Of the order in which images are drawn.
        power: Of the share of images, by which error is spent.
        undecided: Of each look that was made, the files that it did not decide.
    """

    looks: tuple[Look, ...]
    seed: int
    power: float
    undecided: tuple[tuple[Undecided, ...], ...]

    @property
    def number(self) -> int:
        """Of the look at which the run stopped, from 1 on."""
        return len(self.undecided)

    @property
    def stopped(self) -> Look:
        """The look at which the run stopped."""
        return self.looks[self.number - 1]

    @property
    def is_last(self) -> bool:
        """All images were looked at, whatever that decided."""
        return self.number == len(self.looks)
