"""The table of known faults: each is of its own, changes something, and is tied to checks."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from validation.checks.registry import CHECKS
from validation.faults.case import CleanModels, chosen_images
from validation.faults.controls import controls
from validation.faults.fault import Thinness
from validation.faults.running import LEFT_OUT, faults_policy
from validation.faults.table import DEFAULT_MODEL, FAULTS, Row, Subject, parts_of, rows
from validation.record.diagnosis import Place


def test_every_fault_and_every_row_has_an_id_of_its_own() -> None:
    """A failing row is found by its id."""
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)
    ids = [str(row) for row in rows()]
    assert len(set(ids)) == len(ids)
    names = [str(each) for each in controls()]
    assert len(set(names)) == len(names)


def test_every_fault_is_tried() -> None:
    """Each has an archive with the parts that it needs."""
    assert {row.fault.id for row in rows()} == {fault.id for fault in FAULTS}


def test_every_check_is_tripped_by_a_fault() -> None:
    """A check that no fault has to trip may be one that cannot."""
    named = {check for fault in FAULTS for check in fault.checks}
    known = {check.name for check in CHECKS}
    assert named <= known
    assert known - named <= LEFT_OUT


def test_every_thinness_has_faults_and_a_clean_model() -> None:
    """What a thin archive hides is measured beside what is said of it when it is right."""
    assert {row.subject.thinness for row in rows()} == set(Thinness)
    assert {each.thinness for each in controls()} == set(Thinness) - {Thinness.FLOAT_ALONE}


def test_few_images_and_another_choice_are_among_the_clean() -> None:
    """Limits that ignore the number of images would show there."""
    assert {24, 50, 220} <= {each.images for each in controls()}
    assert len({each.seed for each in controls()}) > 1
    about = {
        "images": [{"id": number} for number in range(1, 601)],
        "annotations": [{"image_id": number} for number in range(1, 601)],
    }
    first, other = (
        chosen_images(about, Subject(DEFAULT_MODEL, Thinness.COMPLETE, (), seed=seed))
        for seed in (0, 5)
    )
    assert [each["id"] for each in first["images"]] == list(range(1, 51))
    assert len(other["images"]) == len(other["annotations"]) == 50
    assert first["images"] != other["images"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> CleanModels:
    """Bundled models, unpacked once."""
    return CleanModels(tmp_path_factory.mktemp("cache"), faults_policy())


_READ_ONLY = [
    row
    for row in {each.fault.id: each for each in rows()}.values()
    if row.fault.place in (Place.GRAPH, Place.CHECKPOINT, Place.CONFIG, Place.LABELS)
]


@pytest.mark.parametrize("row", _READ_ONLY, ids=str)
def test_injection_changes_what_a_user_has(row: Row, models: CleanModels, tmp_path: Path) -> None:
    """Another file, or another option; one that changes nothing would be called missed."""
    case = models.case(row.subject, tmp_path / "case")
    before = _hashes(tmp_path)
    changed = row.fault.inject(case)
    assert _hashes(tmp_path) != before or (changed is not None and changed != case)


def test_injection_changes_a_given_file(models: CleanModels, tmp_path: Path) -> None:
    """Each fault of a float file leaves other bytes."""
    subject = Subject(DEFAULT_MODEL, Thinness.COMPLETE, ("float",), is_given=True)
    case = models.case(subject, tmp_path / "case")
    assert case.file is not None
    clean = case.file.read_bytes()
    unchanged = []
    for fault in FAULTS:
        if fault.place is Place.FILE and fault.variants == ("float",):
            case.file.write_bytes(clean)
            fault.inject(case)
            if case.file.read_bytes() == clean:
                unchanged.append(fault.id)
    assert unchanged == []


def test_injection_changes_a_shipped_graph(models: CleanModels, tmp_path: Path) -> None:
    """Each fault of tflite_graph.pb leaves other bytes."""
    subject = Subject(DEFAULT_MODEL, Thinness.SHIPPED, ("float",))
    case = models.case(subject, tmp_path / "case")
    path = case.archive / "tflite_graph.pb"
    clean, unchanged = path.read_bytes(), []
    for fault in FAULTS:
        if fault.place is Place.SHIPPED_GRAPH and fault.model is None:
            path.write_bytes(clean)
            fault.inject(case)
            if path.read_bytes() == clean:
                unchanged.append(fault.id)
    assert unchanged == []


@pytest.mark.parametrize("thinness", [each for each in Thinness if each is not Thinness.SHIPPED])
def test_thin_archive_has_its_parts_alone(
    thinness: Thinness, models: CleanModels, tmp_path: Path
) -> None:
    """A user who has no pipeline.config has none."""
    case = models.case(Subject(DEFAULT_MODEL, thinness, ("float",)), tmp_path / "case")
    names = {path.name for path in case.archive.iterdir()} - {"labels.txt"}
    parts = parts_of(DEFAULT_MODEL, thinness)
    assert ("pipeline.config" in names) == ("pipeline.config" in parts)
    assert ("frozen_inference_graph.pb" in names) == ("frozen_inference_graph.pb" in parts)
    assert ("model.ckpt.meta" in names) == ("model.ckpt.meta" in parts)
    assert ("checkpoint" in names) == ("checkpoint" in parts)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
