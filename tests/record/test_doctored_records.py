"""A record that was changed after it was written is refused, with the place."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from validation.errors import IncompleteRecord, RecordError, RecordVersionError
from validation.policy.limits import Limit
from validation.record.lines import Entry
from validation.record.run import RECORD_VERSION, Footer, Header
from validation.record.store import RECORD_NAME, RecordWriter, load_record
from validation.record.types import CheckResult, Measure, ModelKey

KEY = ModelKey("a", "float")
HEADER = Header("r1", "2026-01-02T03:04:05+00:00", (KEY,), {}, {}, {}, "0" * 64)
RESULT = CheckResult.judged("latency", KEY, (Measure("p50_ms", 3.5, Limit("max", 9.0, "why")),))
FOOTER = Footer("2026-01-02T03:05:05+00:00", 60.0, 1, 0)


def write(folder: Path, *entries: Entry) -> Path:
    with closing(RecordWriter(folder).open()) as writer:
        for entry in entries:
            writer.write(entry)
    return folder / RECORD_NAME


def doctored(path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    path.write_text("".join(line + "\n" for line in change(path.read_text().splitlines())))
    return path


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda lines: lines[:0], IncompleteRecord, "the record is empty"),
        (lambda lines: lines[1:], IncompleteRecord, r"no header \(.*line 1\).*got checkresult"),
        (lambda lines: lines[:1] + lines, RecordError, "a second header.*line 2"),
        (lambda lines: [*lines, lines[1]], RecordError, "after the footer.*line 4"),
        (lambda lines: [*lines, lines[1], lines[2]], RecordError, "after the footer.*line 4"),
        (lambda lines: [*lines[:2], *lines[1:]], RecordError, "recorded twice.*line 3"),
        (lambda lines: [lines[0], "{oops", *lines[1:]], RecordError, "a broken line.*line 2"),
        (lambda lines: [lines[0], "", *lines[1:]], RecordError, "a broken line.*line 2"),
        (lambda lines: [lines[0], "[1]", *lines[1:]], RecordError, "no JSON object.*line 2"),
        (
            lambda lines: [lines[0], '{"kind": "step", "seconds": NaN}', *lines[1:]],
            RecordError,
            "a broken line.*line 2.*NaN is not JSON",
        ),
        (
            lambda lines: [lines[0], '{"kind": "dream"}', *lines[1:]],
            RecordError,
            "unknown kind of record line.*line 2",
        ),
        (
            lambda lines: [lines[0], lines[1].replace('{"relation"', '[{"relation"', 1), lines[2]],
            RecordError,
            "a broken line.*line 2",
        ),
        (
            lambda lines: [lines[0], '{"kind": "picture", "panels": [3]}', lines[2]],
            RecordError,
            "'file' is missing .*line 2, picture",
        ),
        (
            lambda lines: [lines[0], '{"kind": ["step"]}', lines[2]],
            RecordError,
            "fits no entry.*line 2",
        ),
        (
            lambda lines: [lines[0], lines[2]],
            RecordError,
            "counts other results.*expected 0 results, got 1",
        ),
        (
            lambda lines: [
                lines[0].replace(f'"version": {RECORD_VERSION}', '"version": 99'),
                *lines[1:],
            ],
            RecordVersionError,
            "another layout.*line 1.*install the newer harness",
        ),
    ],
    ids=[
        "empty",
        "no header",
        "two headers",
        "entry last",
        "two footers",
        "twice",
        "broken",
        "blank",
        "list",
        "bare NaN",
        "kind",
        "bracket",
        "shape",
        "kind of kind",
        "lost result",
        "version",
    ],
)
def test_doctored_record(
    tmp_path: Path,
    change: Callable[[list[str]], list[str]],
    kind: type[RecordError],
    message: str,
) -> None:
    """A record that was changed after it was written is refused, with the place."""
    path = doctored(write(tmp_path, HEADER, RESULT, FOOTER), change)
    with pytest.raises(kind, match=message):
        load_record(path)


def test_binary_is_no_record(tmp_path: Path) -> None:
    """Bytes that are no text are refused."""
    path = tmp_path / RECORD_NAME
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="not UTF-8 text"):
        load_record(path)
