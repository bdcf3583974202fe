"""Evidence lies beside the record, named by its hash; another file is refused."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from validation.errors import ArtefactMissing, IntegrityError, RecordError
from validation.record.detection_files import write_detections
from validation.record.detections import Detections
from validation.record.evidence import keep_evidence, load_evidence
from validation.record.run import Evidence

_FOUND = {
    "7": Detections(((0.1, 0.2, 0.3, 0.4), (0.0, 0.0, 1.0, 1.0)), (0.9, 0.5), (1, 90)),
    "cat.jpg": Detections((), (), ()),
}


def _evidence(path: Path) -> Evidence:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    return Evidence("m", "float", str(path), sha256, len(data), len(_FOUND))


@pytest.fixture
def source(tmp_path: Path) -> Evidence:
    """A file as a session leaves it in its work folder."""
    path = tmp_path / "work.npz"
    write_detections(path, _FOUND)
    return _evidence(path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder that is not there yet."""
    return tmp_path / "reports" / "run"


def test_what_was_kept_is_loaded(source: Evidence, run: Path) -> None:
    """From the run's folder alone, also after the folder moved."""
    kept = keep_evidence(source, run)
    Path(source.path).unlink()
    assert kept == dataclasses.replace(source, path=f"evidence/{source.sha256}.npz")
    moved = run.rename(run.with_name("moved"))
    assert load_evidence(moved, kept) == load_evidence(str(moved), kept) == _FOUND


def test_equal_detections_are_kept_once(source: Evidence, run: Path) -> None:
    """Variants with the same detections share a file."""
    other = dataclasses.replace(source, variant="float16")
    assert keep_evidence(source, run).path == keep_evidence(other, run).path
    assert len(list((run / "evidence").iterdir())) == 1


def test_a_damaged_file_is_refused(source: Evidence, run: Path) -> None:
    """One changed byte is enough."""
    kept = keep_evidence(source, run)
    path = run / kept.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match=f"not the one that the record names.*{kept.sha256}"):
        load_evidence(run, kept)


def test_a_lost_file_is_named(source: Evidence, run: Path) -> None:
    """Where it should lie, and what to do."""
    kept = keep_evidence(source, run)
    (run / kept.path).unlink()
    with pytest.raises(ArtefactMissing, match=kept.sha256):
        load_evidence(run, kept)


def test_a_source_that_changed_is_not_kept(source: Evidence, run: Path) -> None:
    """The record would name a file that is not there."""
    Path(source.path).write_bytes(b"another")
    with pytest.raises(IntegrityError):
        keep_evidence(source, run)
    assert not run.exists()


@pytest.mark.parametrize("path", ["../work.npz", "/etc/hostname", "evidence/../../../work.npz"])
def test_a_path_out_of_the_folder_is_refused(source: Evidence, run: Path, path: str) -> None:
    """A record from elsewhere reads nothing of this machine."""
    with pytest.raises(IntegrityError, match="outside of the run's folder"):
        load_evidence(run, dataclasses.replace(source, path=path))


def test_another_kind_of_file_is_refused(tmp_path: Path, run: Path) -> None:
    """Its hash may be right and it still holds no detections."""
    path = tmp_path / "text.npz"
    path.write_bytes(b"text")
    with pytest.raises(RecordError, match="does not hold detections by image"):
        load_evidence(run, keep_evidence(_evidence(path), run))
