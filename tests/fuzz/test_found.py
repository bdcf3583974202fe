"""Inputs that were found by the fuzz target, each now refused in the words of its reader."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from signable_run import write_signable_run

from validation.errors import GraphError, RecordError
from validation.files.arrays import read_npy
from validation.files.guard import guarded
from validation.record.detection_files import read_detections
from validation.record.store import RECORD_NAME, load_record


def test_array_whose_header_never_closes_its_brackets(tmp_path: Path) -> None:
    """NumPy's reader of headers raises what derives from Exception alone."""
    header = b"[" * 3_000 + b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }\n"
    path = tmp_path / "anchors.npy"
    path.write_bytes(b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + bytes(32))
    with pytest.raises(GraphError, match="the anchors"), guarded(GraphError, "the anchors"):
        read_npy(path)


@pytest.mark.parametrize("target", ["nowhere", "detections.npz"])
def test_detections_behind_a_link_that_leads_nowhere(tmp_path: Path, target: str) -> None:
    """To something that is not there, or to itself."""
    path = tmp_path / "detections.npz"
    path.symlink_to(target)
    with pytest.raises(RecordError, match="does not hold detections"):
        read_detections(path)


@pytest.mark.parametrize("number", ["1" + "0" * 400, str(2**63), str(-(2**63) - 1)])
def test_record_with_a_number_that_no_figure_has(tmp_path: Path, number: str) -> None:
    """A page that is made of it would overflow."""
    record = write_signable_run(tmp_path / "run") / RECORD_NAME
    text = record.read_text()
    assert '"images": 24' in text
    record.write_text(text.replace('"images": 24', f'"images": {number}', 1))
    with pytest.raises(RecordError, match="digits"):
        load_record(record)
    record.write_text(text.replace('"seconds": 60.0', f'"seconds": {number}', 1))
    with pytest.raises(RecordError, match="digits"):
        load_record(record)
