"""Inputs that were found by the fuzz target, each now refused in the words of its reader."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from flatbuffers import flexbuffers
from signable_run import write_signable_run

from validation.errors import ConversionError, GraphError, RecordError
from validation.files.arrays import read_npy
from validation.files.guard import guarded
from validation.record.detection_files import read_detections
from validation.record.store import RECORD_NAME, load_record
from validation.tflite.facts import read_tflite
from validation.tflite.model import MODEL

_DATA = Path(__file__).parents[1] / "data" / "metadata"


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


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_whole_attribute_of_the_op_that_is_no_number(tmp_path: Path, value: float) -> None:
    """No document can say it, so `judge` could not write what lies beside the file."""
    root = MODEL.unpack((_DATA / "tiny.tflite").read_bytes(), "tiny.tflite")
    operator = root.subgraphs[0].operators[-1]
    options = flexbuffers.Loads(operator.custom_options.tobytes())
    options["max_classes_per_detection"] = value
    operator.custom_options = np.frombuffer(bytes(flexbuffers.Dumps(options)), np.uint8)
    path = tmp_path / "tiny.tflite"
    path.write_bytes(MODEL.pack(root))
    with pytest.raises(ConversionError, match="max_classes_per_detection of the post-processing"):
        read_tflite(path)
