"""Metadata inside a file is reported, and goes before what lies beside the file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from validation.files.structured import unstructure
from validation.inspection.of_tflite import inspect_tflite
from validation.inspection.text_of_tflite import text_of_tflite

_FILES = Path(__file__).parents[1] / "data" / "metadata"


def test_metadata_of_another_tool() -> None:
    """Meaning of the ends, labels, and how an image is fed."""
    facts = inspect_tflite(_FILES / "foreign.tflite")
    assert facts.metadata is not None
    assert facts.labels
    assert facts.preprocessing is not None
    assert facts.preprocessing.source == "its own metadata"
    text = text_of_tflite(facts)
    assert "\nMetadata\n" in text
    assert "location, category, score, number of detections" in text
    assert facts.labels_described == "2 names for 3 classes; 1 unnamed: 2"
    assert "ball, ring" in text
    assert json.loads(json.dumps(unstructure(facts)))["metadata"]["outputs"]


def test_file_without_metadata() -> None:
    """What is missing, who will refuse the file, and what to type."""
    facts = inspect_tflite(_FILES / "tiny.tflite")
    assert (facts.metadata, facts.labels) == (None, {})
    assert "convert --metadata" in text_of_tflite(facts)


def test_damaged_metadata_is_a_note(tmp_path: Path) -> None:
    """The rest of the file is described all the same."""
    path = Path(shutil.copy(_FILES / "foreign.tflite", tmp_path / "damaged.tflite"))
    data = bytearray(path.read_bytes())
    start = data.index(b"M001") - 4
    data[start : start + 4] = b"\xff" * 4
    path.write_bytes(data)
    facts = inspect_tflite(path)
    assert facts.metadata is None
    assert any("its metadata is ignored" in note for note in facts.notes)
    assert [end.role for end in facts.outputs] == ["boxes", "classes", "scores", "count"]
