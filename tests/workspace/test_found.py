"""Detections in a file come back as they were, to the last bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from validation.record.detections import Detections
from validation.workspace.detection_files import read_detections, write_detections

_NUMBERS = st.floats(allow_nan=False)
_ROWS = st.lists(st.tuples(st.tuples(*[_NUMBERS] * 4), _NUMBERS, st.integers(1, 601)), max_size=5)


def _detections(rows: list[tuple[tuple[float, float, float, float], float, int]]) -> Detections:
    boxes, scores, classes = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(tuple(boxes), tuple(scores), tuple(classes))


@settings(max_examples=60, deadline=None)
@given(table=st.dictionaries(st.text("ab0.jpg", min_size=1), _ROWS, max_size=5))
def test_what_was_written_is_read(
    table: dict[str, list[tuple[tuple[float, float, float, float], float, int]]],
) -> None:
    """Keys, their order, images without detections, and infinities."""
    found = {key: _detections(rows) for key, rows in table.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found.npz"
        write_detections(path, found)
        read = read_detections(path)
    assert read == found
    assert list(read) == list(found)
