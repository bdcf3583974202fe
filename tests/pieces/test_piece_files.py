"""A piece comes back from its file as it was, and no other file is taken for one."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import pytest
from drawn_matches import drawn_matches
from drawn_pieces import RUN, images, piece
from hypothesis import given, settings
from hypothesis import strategies as st

from validation.errors import (
    ArtefactMissing,
    RecordError,
    RecordVersionError,
    ValidationError,
)
from validation.pieces.piece import (
    LabelReading,
    MatchFacts,
    Piece,
    read_piece,
    read_piece_facts,
    write_piece,
)
from validation.pieces.store import PieceStore


@settings(max_examples=30, deadline=None)
@given(first=st.integers(0, 5), count=st.integers(0, 6), labelled=st.booleans())
def test_what_was_written_is_read(first: int, count: int, labelled: bool) -> None:
    """Facts, detections and matches, and equal pieces are equal to the byte."""
    one = piece(first, first + count)
    if labelled:
        matched = MatchFacts(LabelReading("ef" * 32, ((1, 1), (2, None))), 4, 1)
        facts = dataclasses.replace(one.facts, matched=matched)
        one = Piece(facts, one.detections, drawn_matches(1, images=max(count, 2)))
    with tempfile.TemporaryDirectory() as folder:
        path = write_piece(Path(folder), one)
        again = read_piece(path)
        assert read_piece_facts(path) == again.facts
        assert again.data == one.data == path.read_bytes()
    stated = dataclasses.replace(
        again.facts,
        detections_sha256=one.facts.detections_sha256,
        matches_sha256=one.facts.matches_sha256,
    )
    assert stated == one.facts
    assert list(again.detections) == [image.key for image in one.facts.images]
    for key, found in one.detections.items():
        np.testing.assert_array_equal(again.detections[key].boxes, found.boxes)
    assert (again.matches is None) == (one.matches is None)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_piece_is_a_clear_error(data: st.DataObject) -> None:
    """Cut short, or with any byte another one: refused, or the very same content."""
    one = piece(0, 3)
    whole = one.data
    if data.draw(st.booleans()):
        damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.piece.npz"
        path.write_bytes(damaged)
        try:
            again = read_piece(path)
        except ValidationError as error:
            assert str(path) in str(error)
        else:
            # Not all of a ZIP archive's own bytes are of consequence, and text may be other text.
            assert {key: len(each) for key, each in again.detections.items()} == {
                key: len(each) for key, each in one.detections.items()
            }


def test_pieces_that_are_not_there_or_of_another_layout(tmp_path: Path) -> None:
    """By what they are."""
    with pytest.raises(ArtefactMissing, match="cannot be read"):
        read_piece(tmp_path / "none.piece.npz")
    other = tmp_path / "other.piece.npz"
    np.savez(other, boxes=np.zeros(3))
    with pytest.raises(RecordError, match="no piece of a run"):
        read_piece(other)
    newer = dataclasses.replace(piece(0, 1).facts, version=9)
    path = write_piece(tmp_path, Piece(newer, piece(0, 1).detections))
    with pytest.raises(RecordVersionError, match="version 9"):
        read_piece(path)


def test_a_store_knows_what_is_missing(tmp_path: Path) -> None:
    """In all of its folders; what is added is known at once."""
    write_piece(tmp_path / "a", piece(2, 4))
    write_piece(tmp_path / "b", piece(6, 9))
    store = PieceStore((tmp_path / "new", tmp_path / "a", tmp_path / "b"))
    assert store.missing(RUN, 10) == ((0, 2), (4, 6), (9, 10))
    store.add(piece(0, 2))
    store.add(piece(4, 6))
    assert store.missing(RUN, 9) == ()
    assert PieceStore(store.folders).missing(RUN, 9) == ()
    joined = store.covering(RUN, images(9))
    assert [key for part in joined for key in part.detections] == [str(at) for at in range(9)]


def test_pieces_of_something_else_are_refused(tmp_path: Path) -> None:
    """Another model file, other versions, another image at a place, two pieces of one image."""
    store = PieceStore((tmp_path / "one",))
    store.add(piece(0, 3))
    other = dataclasses.replace(RUN, model_sha256="00" * 32)
    with pytest.raises(RecordError, match="another model file"):
        store.of(other)
    with pytest.raises(RecordError, match=r"other versions.*numpy 2\.1.*numpy 2\.0"):
        store.of(dataclasses.replace(RUN, versions={"numpy": "2.1"}))
    moved = (*images(2), dataclasses.replace(images(3)[2], sha256="ff" * 32))
    with pytest.raises(RecordError, match="a piece of other images"):
        store.covering(RUN, moved)
    with pytest.raises(RecordError, match="expected no image"):
        store.covering(RUN, images(2))
    store.add(piece(2, 5))
    with pytest.raises(RecordError, match="two pieces of the same images"):
        store.covering(RUN, images(5))
