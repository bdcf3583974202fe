"""Matches are kept as files, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_matches import drawn_matches

from validation.coco.bootstrap import ap_differences
from validation.coco.matches import (
    CategoryMatches,
    Matches,
    load_matches,
    read_matches,
    write_matches,
)
from validation.coco.precision import precision
from validation.errors import RecordError
from validation.record.detection_files import write_detections
from validation.record.evidence import keep_evidence, load_evidence
from validation.record.run import Evidence, EvidenceContent


def _evidence(path: Path, content: EvidenceContent) -> Evidence:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return Evidence("m", "float", str(path), sha256, len(data), 40, content)


def test_what_was_kept_is_loaded(tmp_path: Path) -> None:
    """Beside a record, with the same figures; equal matches have equal bytes."""
    matches = drawn_matches(1)
    for name in ("one.npz", "two.npz"):
        write_matches(tmp_path / name, matches)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    run = tmp_path / "run"
    kept = keep_evidence(_evidence(tmp_path / "one.npz", EvidenceContent.MATCHES), run)
    loaded = load_matches(run, kept)
    assert loaded.same_data(matches)
    assert loaded.ranked_alike(matches)
    np.testing.assert_array_equal(precision(loaded), precision(matches))


def test_detections_and_matches_are_told_apart(tmp_path: Path) -> None:
    """By what the record says, and by what the file holds."""
    write_matches(tmp_path / "matches.npz", drawn_matches(1))
    write_detections(tmp_path / "detections.npz", {})
    matches = _evidence(tmp_path / "matches.npz", EvidenceContent.MATCHES)
    with pytest.raises(RecordError, match="expected detections, got matches"):
        load_evidence(tmp_path, dataclasses.replace(matches, path="matches.npz"))
    with pytest.raises(RecordError, match="does not hold matches"):
        read_matches(tmp_path / "detections.npz")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("offsets", lambda values: values + 1),
        ("object_offsets", lambda values: values[::-1]),
        # The last category begins before the one before it ends.
        ("offsets", lambda values: values[[0, 2, 1, 3]]),
        ("object_offsets", lambda values: values[[0, 2, 1, 3]]),
        ("images", lambda values: values + 40),
        ("object_images", lambda values: values - 40),
        ("images", lambda values: np.append(values[:-1], np.int32(40))),
        ("images", lambda values: np.append(np.int32(-1), values[1:])),
        ("object_images", lambda values: np.append(values[:-1], np.int32(40))),
        ("object_images", lambda values: np.append(np.int32(-1), values[1:])),
        ("matched", lambda values: values[:2]),
        ("ignored", lambda values: values.astype(np.int64)),
        ("objects", lambda values: -values),
        ("scores", lambda values: values[:-1]),
        ("areas", None),
    ],
)
def test_another_file_is_refused(tmp_path: Path, name: str, change: Any) -> None:
    """Before an index is out of range, or a figure wrong."""
    path = tmp_path / "matches.npz"
    write_matches(path, drawn_matches(1))
    with np.load(path) as arrays:
        held = dict(arrays)
    held[name] = change(held[name]) if change else held.pop(name)[:0]
    np.savez(path, **held)
    with pytest.raises(RecordError, match=r"does not hold matches|do not fit"):
        read_matches(path)


def _with_scores(matches: Matches, change: Any) -> Matches:
    first, *others = matches.categories
    scores = change(first.scores.copy())
    categories = (dataclasses.replace(first, scores=scores), *others)
    return dataclasses.replace(matches, categories=categories)


def test_ranked_alike_is_the_order_and_not_the_scores() -> None:
    """Scores that are all a little lower lose nothing; two that change places may."""
    matches = drawn_matches(1)
    assert matches.ranked_alike(_with_scores(matches, lambda scores: scores * 0.9))
    assert not matches.ranked_alike(_with_scores(matches, lambda scores: 1 - scores))
    assert not matches.ranked_alike(drawn_matches(2))


def _hits_and_misses(images: list[int], hits: list[bool]) -> Matches:
    rows = np.arange(len(images))
    one = CategoryMatches(
        np.array(images, np.int32),
        1.0 - rows / 10,
        np.array(hits, np.uint16)[np.newaxis],
        np.zeros((1, len(rows)), np.uint16),
        np.arange(4, dtype=np.int32),
        np.ones((1, 4), np.int32),
    )
    return Matches(np.arange(4), np.array([1]), np.array([0.5]), ("all",), (one,))


@pytest.mark.parametrize(
    ("images", "hits", "is_alike"),
    [
        ([0, 1, 2, 3, 0], [True, False, False, True, False], True),
        # False ones between two true ones change places, and those behind the last go.
        ([0, 2, 1, 3], [True, False, False, True], True),
        ([1, 0, 2, 3], [False, True, False, True], False),
        ([0, 1, 1, 3], [True, False, False, True], False),
        ([3, 1, 2, 0], [True, False, False, True], False),
        ([0, 1, 2], [True, False, False], False),
    ],
)
def test_what_weights_cannot_tell_apart_is_ranked_alike(
    images: list[int], hits: list[bool], is_alike: bool
) -> None:
    """By the images of true positives, and of the false ones before each."""
    one = _hits_and_misses([0, 1, 2, 3, 0], [True, False, False, True, False])
    other = _hits_and_misses(images, hits)
    assert one.ranked_alike(other) is is_alike
    if is_alike:
        for each in ap_differences(one, other, 50, seed=0):
            assert (each.low, each.high) == (0, 0)


@pytest.mark.parametrize("column", [0, -1])
@pytest.mark.parametrize("area", [0, -1])
@pytest.mark.parametrize("bit", [0, 9])
def test_one_match_less_at_one_iou_and_size_is_ranked_otherwise(
    column: int, area: int, bit: int
) -> None:
    """Whichever category, size and IoU it is of."""
    drawn = drawn_matches(1)
    # The last one has few objects, and none of some sizes.
    matches = dataclasses.replace(
        drawn, category_ids=drawn.category_ids[:2], categories=drawn.categories[:2]
    )
    changed = list(matches.categories)
    one = changed[column]
    counts = (one.matched[area] >> bit) & ~(one.ignored[area] >> bit) & 1
    first = np.flatnonzero(counts)[0]
    matched = one.matched.copy()
    matched[area, first] &= ~np.uint16(1 << bit)
    changed[column] = dataclasses.replace(one, matched=matched)
    other = dataclasses.replace(matches, categories=tuple(changed))
    assert not matches.ranked_alike(other)
    assert not other.ranked_alike(matches)


@pytest.mark.parametrize("field", ["image_ids", "category_ids", "ious", "areas"])
def test_other_images_categories_ious_or_sizes_are_other_data(field: str) -> None:
    """Each by itself."""
    matches = drawn_matches(1)
    value = getattr(matches, field)
    other: Any = tuple(f"{each}s" for each in value) if field == "areas" else value + 1
    assert not matches.same_data(dataclasses.replace(matches, **{field: other}))


@pytest.mark.parametrize("field", ["object_images", "objects"])
def test_other_objects_of_one_category_are_other_data(field: str) -> None:
    """On other images, or of another number, in the last category alone."""
    matches = drawn_matches(1)
    *others, last = matches.categories
    changed = dataclasses.replace(last, **{field: getattr(last, field) + 1})
    assert not matches.same_data(dataclasses.replace(matches, categories=(*others, changed)))


def test_bits_and_tables_that_do_not_fit_are_refused() -> None:
    """More IoUs than a match has bits; a category without its table."""
    matches = drawn_matches(1)
    with pytest.raises(RecordError, match="got 17 IoUs"):
        dataclasses.replace(matches, ious=np.linspace(0.5, 0.95, 17))
    with pytest.raises(RecordError, match="2 tables for 3 categories"):
        dataclasses.replace(matches, categories=matches.categories[:2])
