"""At which look a run stopped: facts, words, and records that contradict themselves."""

from __future__ import annotations

import dataclasses

import pytest

from validation.errors import RecordError
from validation.record.lines import from_line, to_line
from validation.record.run import Header
from validation.record.types import USUAL_LEVEL, ModelKey
from validation.record.until_decided import UNSEEN_LOSS, Look, Undecided, UntilDecided
from validation.record.until_decided_words import describe_look, describe_stop

_LOOKS = (Look(250, 0.00125, 0.9975), Look(500, 0.0025, 0.99702), Look(5000, 0.025, 0.97596))
_OPEN = Undecided("m", "int8", ("ap_drop", UNSEEN_LOSS))
_FOUND = UntilDecided(_LOOKS, 0, 1.0, ((_OPEN,), ()))
_HEADER = Header("run", "now", (ModelKey("m", "int8"),), {}, {}, {}, "00")


def test_the_stop_is_the_last_look_that_was_made() -> None:
    """Its level is that of the run's intervals."""
    assert (_FOUND.number, _FOUND.stopped, _FOUND.is_last) == (2, _LOOKS[1], False)
    assert _HEADER.level == USUAL_LEVEL
    assert dataclasses.replace(_HEADER, until_decided=_FOUND).level == 0.99702


def test_it_travels_through_a_record() -> None:
    """Written and read again, it is the same."""
    header = dataclasses.replace(_HEADER, until_decided=_FOUND)
    assert from_line(to_line(header)) == header


@pytest.mark.parametrize("undecided", [(), ((_OPEN,),) * 4])
def test_looks_that_were_not_planned_are_refused(
    undecided: tuple[tuple[Undecided, ...], ...],
) -> None:
    """None at all, or a fourth of three."""
    found = dataclasses.replace(_FOUND, undecided=undecided)
    with pytest.raises(RecordError, match="looks that were made and were not planned"):
        from_line(to_line(dataclasses.replace(_HEADER, until_decided=found)))


@pytest.mark.parametrize(
    ("number", "undecided", "text"),
    [
        (2, (), "look 2 of 3, 500 of 5,000 images: every file is decided"),
        (
            1,
            (_OPEN,),
            "look 1 of 3, 250 of 5,000 images: open: m-int8 (ap_drop, a loss on images that were "
            "not seen)",
        ),
        (
            3,
            (dataclasses.replace(_OPEN, measures=("lost_share",)),) * 5,
            "look 3 of 3, 5,000 of 5,000 images: open: m-int8 (lost_share), m-int8 (lost_share), "
            "m-int8 (lost_share) and 2 more files",
        ),
    ],
)
def test_a_look_in_words(number: int, undecided: tuple[Undecided, ...], text: str) -> None:
    """What is open by name, and a count of what is left."""
    assert describe_look(_LOOKS, number, undecided) == text


@pytest.mark.parametrize(
    ("undecided", "text"),
    [
        (
            ((_OPEN,), ()),
            "every file was decided on 500 of 5,000 images, look 2 of 3; intervals of 99.70 %",
        ),
        (
            ((_OPEN,), (_OPEN,), ()),
            "all 5,000 images looked at, look 3 of 3: every file decided; intervals of 97.5 %",
        ),
        (
            ((_OPEN,), (_OPEN,), (_OPEN,)),
            "all 5,000 images looked at, look 3 of 3: 1 file not decided; intervals of 97.5 %",
        ),
    ],
)
def test_a_stop_in_words(undecided: tuple[tuple[Undecided, ...], ...], text: str) -> None:
    """Decided early, at the end, or not at all."""
    assert describe_stop(dataclasses.replace(_FOUND, undecided=undecided)) == text
