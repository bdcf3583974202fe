"""Shared memory that says what a process is at."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from validation.isolation.board import Activity, Board

_ACTIVITIES = st.builds(
    Activity,
    st.text(max_size=60),
    st.text(max_size=60),
    st.text(max_size=9),
    st.text(),
    st.booleans(),
)


@given(st.lists(_ACTIVITIES, max_size=6), st.data())
def test_what_began_and_did_not_end_is_there(
    activities: list[Activity], data: st.DataObject
) -> None:
    """In the order of beginning, whichever ends first; each change is a sign of life."""
    board = Board()
    tokens = [board.begin(each) for each in activities]
    ended = data.draw(st.sets(st.sampled_from(range(len(tokens))))) if tokens else set()
    for index in ended:
        board.end(tokens[index])
    left = tuple(each for index, each in enumerate(activities) if index not in ended)
    assert board.activities() == left
    assert board.signs() == len(activities) + len(ended)


def test_other_process_maps_the_same(tmp_path: Path) -> None:
    """By the file; what is too long for the memory is left out, the latest stays if it fits."""
    board = Board(tmp_path / "board")
    board.begin(Activity("first", "f" * 40_000))
    board.begin(Activity("second", "s"))
    assert Board(tmp_path / "board").activities() == (Activity("second", "s"),)


@given(st.binary(max_size=200), st.integers(0, 100))
def test_overwritten_memory_is_read_as_nothing(noise: bytes, at: int) -> None:
    """A process may have written where it should not have: the reader does not fail."""
    board = Board()
    board.begin(Activity("run", "key"))
    board._memory[at : at + len(noise)] = noise
    assert all(isinstance(each, Activity) for each in board.activities())
