"""What a record says of a difference can be made again from its run's folder alone."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from pathlib import Path

import pytest
from drawn_matches import drawn_matches

from validation.coco.intervals import (
    ap_difference,
    recompute_difference,
    recompute_from,
    same_difference,
)
from validation.coco.matches import Matches, write_matches
from validation.errors import IntegrityError, RecordError
from validation.record.ap_difference import ApDifference, Figure
from validation.record.evidence import keep_evidence
from validation.record.run import Evidence, EvidenceContent, Header
from validation.record.store import Record
from validation.record.types import ModelKey

_KEY = ModelKey("m", "int8")


def _kept(run: Path, variant: str, matches: Matches) -> Evidence:
    path = run.parent / f"{variant}.npz"
    write_matches(path, matches)
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    content = EvidenceContent.MATCHES
    kept = keep_evidence(Evidence("m", variant, str(path), sha256, len(data), 40, content), run)
    path.unlink()
    return kept


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Record]:
    """A run's folder with the matches of both sides, and its record."""
    folder = tmp_path / "run"
    reference, subject = drawn_matches(1), drawn_matches(2)
    entry = ap_difference(_KEY, "int8 .tflite", reference, subject, 100, 7)
    entry = dataclasses.replace(entry, images_needed=900, names={1: "cat"})
    evidence = (_kept(folder, "reference", reference), _kept(folder, "int8", subject))
    header = Header("run", "now", (_KEY,), {}, {}, {}, "")
    return folder, Record(header, ap_differences=(entry,), evidence=evidence)


def test_it_is_made_again_from_the_folder(run: tuple[Path, Record]) -> None:
    """To the last digit here; a changed figure shows."""
    folder, record = run
    (recorded,) = record.ap_differences
    assert recompute_difference(folder, record, _KEY) == recorded
    files = {each.path: (folder / each.path).read_bytes() for each in record.evidence}
    assert same_difference(recompute_from(files, record, _KEY), recorded)
    first, *others = recorded.differences
    wider = dataclasses.replace(first, high=first.high + 1e-6)
    doctored = dataclasses.replace(recorded, differences=(wider, *others))
    assert not same_difference(recompute_difference(folder, record, _KEY), doctored)
    assert not same_difference(recorded, dataclasses.replace(recorded, differences=()))


def test_what_is_missing_is_named(run: tuple[Path, Record]) -> None:
    """Another file, or a record that never had it."""
    folder, record = run
    path = folder / record.evidence[1].path
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(IntegrityError, match="not the one that the record names"):
        recompute_difference(folder, record, _KEY)
    with pytest.raises(RecordError, match="names no matches"):
        recompute_from({}, dataclasses.replace(record, evidence=()), _KEY)
    with pytest.raises(RecordError, match="no difference of this file"):
        recompute_difference(folder, dataclasses.replace(record, ap_differences=()), _KEY)


def test_sides_that_are_ranked_alike_have_no_interval() -> None:
    """Their difference is 0 on any images like these."""
    entry = ap_difference(_KEY, "", drawn_matches(1), drawn_matches(1), 100, 0)
    assert entry.ranked_alike
    assert (entry.ap, entry.differences) == (None, ())


def test_a_category_has_its_own(run: tuple[Path, Record]) -> None:
    """One row each, by its id."""
    (entry,) = run[1].ap_differences
    assert [each.category_id for each in entry.of(Figure.CATEGORY)] == [1, 2, 3]


def _with(entry: ApDifference, place: int, **changed: object) -> ApDifference:
    """One of the differences is another one; from the end where the place is below 0."""
    differences = list(entry.differences)
    differences[place] = dataclasses.replace(differences[place], **changed)  # type: ignore[arg-type]
    return dataclasses.replace(entry, differences=tuple(differences))


@pytest.mark.parametrize("place", [0, 1, -1])
@pytest.mark.parametrize(
    "field", ["reference", "subject", "low", "high", "standard_error", "objects", "replicates"]
)
def test_each_number_of_each_difference_counts(
    run: tuple[Path, Record], place: int, field: str
) -> None:
    """Of the first and the last difference; less than rounding does not."""
    (recorded,) = run[1].ap_differences
    value = getattr(recorded.differences[place], field)
    assert not same_difference(recorded, _with(recorded, place, **{field: value + 1}))
    assert not same_difference(_with(recorded, place, **{field: value + 1}), recorded)
    if isinstance(value, float):
        assert same_difference(recorded, _with(recorded, place, **{field: value + 1e-13}))


@pytest.mark.parametrize("field", ["low", "high", "standard_error"])
def test_what_is_no_number_is_the_same_on_both_sides_alone(
    run: tuple[Path, Record], field: str
) -> None:
    """An interval of NaN is none: it is the same as none, and another one than any."""
    (recorded,) = run[1].ap_differences
    none = _with(recorded, 0, **{field: math.nan})
    assert same_difference(none, none)
    assert not same_difference(none, recorded)
    assert not same_difference(recorded, none)


def test_each_file_has_its_own_difference(run: tuple[Path, Record]) -> None:
    """The second entry is found as the first one is, and a lost file is named."""
    folder, record = run
    (recorded,) = record.ap_differences
    other = dataclasses.replace(recorded, variant="float16", differences=())
    both = dataclasses.replace(record, ap_differences=(other, recorded))
    assert recompute_difference(folder, both, _KEY) == recorded
    with pytest.raises(RecordError, match="an evidence file is not there"):
        recompute_from({}, record, _KEY)
