"""The Markdown document of the matrix: the record's, whole, and safe to render."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import write_matrix

from validation.errors import ArtefactMissing, ConversionError, DownloadFailed, IncompleteRecord
from validation.policy.limits import Limit
from validation.policy.load import Policy
from validation.record.lines import Entry
from validation.record.run import Artefact, ArtefactRole, DatasetFacts, Footer, Header
from validation.record.store import RECORD_NAME, RecordWriter
from validation.record.types import CheckResult, Measure, ModelKey
from validation.zoo.bundled_files import SCENES_NAME

Write = Callable[..., Path]

HEADER = Header(
    run="2026-01-02-night",
    started="2026-01-02T03:04:05+00:00",
    selection=(
        ModelKey("ssd_v2", "float"),
        ModelKey("ssd_v1", "float"),
        ModelKey("lost", "float"),
    ),
    options={"zoo": "tf1", "models": "ssd_v2 ssd_v1 lost", "variants": "float", "offline": "yes"},
    versions={"tensorflow": "2.21.0", "ai-edge-litert": "2.3.0"},
    machine={"processor": "A chip", "cores": "2"},
    policy_sha256="a1" * 32,
)
POLICY = Policy((), {}, {}, "a1" * 32)
ENTRIES: tuple[Entry, ...] = (
    Artefact("ssd_v2", ArtefactRole.TFLITE, "float", "ssd_v2-float.tflite", "d4" * 32, 12_180_000),
    CheckResult.judged(
        "end_to_end_parity",
        ModelKey("ssd_v2", "float"),
        (
            Measure("unmatched_detections", 3, Limit("max", 0, "none")),
            Measure("compared_detections", 128),
        ),
    ),
    CheckResult.stopped(
        "tflite_contract", ModelKey("ssd_v1", "float"), ConversionError("a | b *is* not known")
    ),
    CheckResult.stopped("tflite_contract", ModelKey("lost", "float"), DownloadFailed("no network")),
)


@pytest.fixture
def write_record(tmp_path: Path) -> Write:
    """Write a record and give its path."""

    def write(
        entries: Iterable[Entry] = ENTRIES, header: Header = HEADER, ended: bool = True
    ) -> Path:
        with closing(RecordWriter(tmp_path / "run").open()) as writer:
            writer.write(header)
            for entry in entries:
                writer.write(entry)
            if ended:
                writer.close(Footer("2026-01-02T03:05:05+00:00", 60.0, writer.results, 1))
        return writer.path

    return write


def table_of(text: str) -> list[list[str]]:
    """The cells of the document's table, split as Markdown does."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("| \n"))] for row in rows]


def test_document(write_record: Write) -> None:
    """Circumstances, command, table and reasons, in the order of the record."""
    text = write_matrix.document(write_record(), POLICY)
    assert text.startswith("# Convertibility\n")
    assert text.endswith("\n")
    for expected in (
        "3 models, 3 files asked for: 1 converted, 1 refused, 1 not tried.",
        "Verdict on the run: **FAIL**",
        "- TensorFlow: 2.21.0\n- LiteRT: 2.3.0\n- Date: 2026-01-02 03:04:05 UTC\n"
        "- Machine: A chip, 2 cores\n- Threads: latency was not measured\n",
        "\nvalidation run --zoo tf1 --variant float --offline\n",
        "## Refused\n\n- **ssd_v1** (float): ConversionError: a \\| b \\*is\\* not known\n",
        "## Not tried\n\n- **lost** (float): DownloadFailed: no network\n",
        "- **Raw parity**: ",
    ):
        assert expected in text
    table = table_of(text)
    assert len({len(row) for row in table}) == 1
    assert [row[0] for row in table] == ["Model", "---", "ssd_v2", "ssd_v1", "lost"]
    assert table[2] == [
        *("ssd_v2", "float", "yes", "\u2014", "\u2014", "3 of 128 **FAIL**"),
        *("12.18 MB", "\u2014", "FAIL"),
    ]
    assert table[3][2] == "no: ConversionError: a \\| b \\*is\\* not known"
    assert table[4][2] == "not tried: DownloadFailed: no network"


def test_names_and_notice(write_record: Write) -> None:
    """The names check stands as its word; a changed policy is named; no model was refused."""
    checked = CheckResult.judged(
        "tflite_contract",
        ModelKey("ssd_v2", "float"),
        (Measure("inputs", 1, Limit("equal", 1, "one image")),),
    )
    text = write_matrix.document(write_record([ENTRIES[0], checked]))
    assert table_of(text)[2][3] == "PASS"
    assert "\n> The policy has changed since this run" in text
    assert "No export and no conversion ended in an error." in text
    assert "## Not tried" not in text


def test_given_file(write_record: Write) -> None:
    """A row of its own with its form, whatever its name holds; it was not converted."""
    key = ModelKey("ssd_v2", "float", "a | b.tflite")
    file = dataclasses.replace(ENTRIES[0], file=key.file)  # type: ignore[call-arg, type-var]
    header = dataclasses.replace(HEADER, selection=(*HEADER.selection, key))
    text = write_matrix.document(write_record([*ENTRIES, file], header), POLICY)
    assert "3 models, 4 files asked for: 1 converted, 1 given, 1 refused, 1 not tried." in text
    assert table_of(text)[3][:3] == ["ssd_v2", "a \\| b.tflite (given, float)", "given"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "validation run"),
        (
            {"options": {"zoo": "person"}, "selection": (ModelKey("one", "float"),)},
            "validation run --zoo person --model one --variant float",
        ),
        ({"options": {"zoo": "home/me/my models"}}, "validation run --zoo 'my models'"),
        (
            {"selection": tuple(map(ModelKey, ("a", "a", "b"), ("float", "raw", "raw")))},
            "validation run --variant float --variant raw",
        ),
        (
            {
                "options": {"zoo": "a"},
                "selection": (
                    ModelKey("a", "float"),
                    ModelKey("a", "int8", "detect.tflite"),
                    ModelKey("a", "float", "x y.tflite"),
                ),
            },
            "validation run --zoo a --model a --variant float "
            "--candidate 'detect.tflite,x y.tflite'",
        ),
        (
            {"options": {"zoo": "bundled"}, "dataset": DatasetFacts(SCENES_NAME, "0", 220, 608)},
            "validation run --zoo bundled",
        ),
        (
            {"options": {"offline": "no"}, "dataset": DatasetFacts("coco", "0", 80, 216)},
            "validation run --coco-annotations FILE --coco-images DIR",
        ),
    ],
)
def test_command(change: dict[str, Any], expected: str) -> None:
    """The command says what the record knows of the options, and no path of a disk."""
    bare = dataclasses.replace(HEADER, options={}, selection=())
    assert write_matrix.command(dataclasses.replace(bare, **change)) == expected


def test_written_whole(write_record: Write, tmp_path: Path) -> None:
    """The document replaces an older one, the same for the same record, and leaves no scrap."""
    record, output = write_record(), tmp_path / "docs" / "convertibility.md"
    output.parent.mkdir()
    output.write_text("old")
    assert write_matrix.main([str(record), str(output)]) == 0
    first = output.read_text(encoding="utf-8")
    assert first == write_matrix.document(record)
    assert write_matrix.main([str(record), str(output)]) == 0
    assert output.read_text(encoding="utf-8") == first
    assert list(output.parent.iterdir()) == [output]


def test_failed_write_keeps_the_old_document(
    write_record: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A document that cannot be put in place leaves the old one as it was, and says why."""
    record, output = write_record(), tmp_path / "convertibility.md"
    output.write_text("old")

    def refuse(source: Path, target: Path) -> Path:
        raise OSError(f"disk full: {source} {target}")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        assert write_matrix.main([str(record), str(output)]) == 1
    assert "disk full" in capsys.readouterr().err
    assert output.read_text() == "old"
    assert not list(tmp_path.glob(".convertibility*"))


def test_refused_records(
    write_record: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No document of a missing record, nor of a run that did not end; one line says so."""
    output = tmp_path / "out.md"
    with pytest.raises(ArtefactMissing, match="there is no record"):
        write_matrix.document(tmp_path / RECORD_NAME)
    unfinished = write_record(ended=False)
    with pytest.raises(IncompleteRecord, match="the run did not end"):
        write_matrix.document(unfinished)
    assert write_matrix.main([str(unfinished), str(output)]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("write_matrix: IncompleteRecord: the record has no footer")
    assert printed.count("\n") == 1
    assert not output.exists()


def test_missing_folder(
    write_record: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there is wrong use, said in one line."""
    assert write_matrix.main([str(write_record()), str(tmp_path / "none" / "out.md")]) == 2
    assert "UsageError: no such folder" in capsys.readouterr().err
