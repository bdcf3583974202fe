"""Matches are kept as files, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_matches import drawn_matches

from validation.coco.matches import Matches, load_matches, read_matches, write_matches
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
        ("images", lambda values: values + 40),
        ("object_images", lambda values: values - 40),
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
