"""Write the convertibility matrix of one run as a Markdown document.

    python tools/write_matrix.py reports/<run>/record.jsonl docs/convertibility.md

Nothing but the record is read, so the same record gives the same document anywhere.
A run that did not end is refused: half a matrix would be taken for a whole one.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path, PurePath

import document_command

from validation.files.atomic import write_text_atomic
from validation.policy.load import Policy
from validation.record.run import Header
from validation.record.store import load_record
from validation.report.markdown import escaped, table
from validation.report.matrix import LEGEND, Cell, MatrixRow, Stopped
from validation.report.views import Report, build_report
from validation.signoff.rules import judge, policy_of
from validation.zoo.bundled_files import SCENES_NAME

# Title of each column, and whether it holds figures.
_COLUMNS = (
    ("Model", False),
    ("Variant", False),
    ("Converts", False),
    ("Names", False),
    ("Raw parity", True),
    ("End to end", True),
    ("File", True),
    ("p50 / p95, ms", True),
    ("Verdict", False),
)


def document(record_path: Path, policy: Policy | None = None) -> str:
    """The Markdown of one run's matrix.

    Args:
        record_path: The run's record.jsonl.
        policy: Judges the record; when None, the built-in one with the run's own changes.

    Raises:
        ArtefactMissing: No such record.
        RecordError: A record that cannot be trusted, or of a run that did not end.
    """
    record = load_record(record_path)
    policy = policy or policy_of(record)
    judgement = judge(record, policy)
    report = build_report(record, judgement, policy)
    blocks = [
        "# Convertibility",
        "Which models become a `.tflite` file, and whether the file is still the same detector. "
        "Generated from the record of one run; do not edit.",
        f"{report.matrix.summary} Verdict on the run: **{judgement.run.status.upper()}**.",
        *(f"> {escaped(notice)}" for notice in report.index.notices),
        "\n".join(f"- {name}: {escaped(value)}" for name, value in _circumstances(report)),
        "```\n"
        f"{command(record.header)}\n"
        "python tools/write_matrix.py reports/<run>/record.jsonl docs/convertibility.md\n"
        "```",
        "## Models and variants",
        _table(report),
        "## Refused",
        _list(report.matrix.refused) or "No export and no conversion ended in an error.",
    ]
    if report.matrix.not_tried:
        blocks += ["## Not tried", _list(report.matrix.not_tried)]
    blocks += [
        "## How to read this",
        "\n".join(f"- **{escaped(term)}**: {escaped(meaning)}" for term, meaning in LEGEND),
    ]
    return "\n\n".join(blocks) + "\n"


def command(header: Header) -> str:
    """The command that makes such a run, as far as its record tells the options."""
    options, keys = header.options, header.selection
    models = tuple(dict.fromkeys(key.model for key in keys))
    words = ["validation", "run"]
    zoo = PurePath(options.get("zoo", "")).name
    words += ["--zoo", zoo] if zoo else []
    words += ["--model", *models] if len(models) == 1 else []
    for name in dict.fromkeys(key.variant for key in keys if not key.file):
        words += ["--variant", name]
    given = dict.fromkeys(key.file for key in keys if key.file)
    words += ["--candidate", ",".join(given)] if given else []
    if header.dataset is not None and header.dataset.name != SCENES_NAME:
        words += ["--coco-annotations", "FILE", "--coco-images", "DIR"]
    words += ["--offline"] if options.get("offline") == "yes" else []
    return shlex.join(words)


def _circumstances(report: Report) -> Iterable[tuple[str, str]]:
    record = report.index.record
    yield from report.matrix.facts
    yield "Run", record.header.run
    yield "sha256 of its record", record.sha256


def _table(report: Report) -> str:
    titles, figures = zip(*_COLUMNS, strict=True)
    rows = (_cells(model.model, row) for model, rows in report.matrix.models for row in rows)
    return "\n".join(table(titles, rows, figures))


def _cells(model: str, row: MatrixRow) -> list[str]:
    converts = f"{row.converts}: {escaped(row.error)}" if row.error else str(row.converts)
    return [
        escaped(model),
        escaped(_name(row)),
        converts,
        row.names.upper() if row.names else "\u2014",
        _figure(row.parity),
        _figure(row.unmatched),
        row.index.size.text,
        _figure(row.latency),
        row.index.status.upper(),
    ]


def _name(row: MatrixRow) -> str:
    key = row.index.key
    return f"{key.file} (given, {key.variant})" if key.file else key.variant


def _figure(cell: Cell) -> str:
    return f"{escaped(cell.text)} **{cell.status.upper()}**" if cell.status else escaped(cell.text)


def _list(stopped: tuple[Stopped, ...]) -> str:
    return "\n".join(
        f"- **{escaped(entry.model)}** ({escaped(', '.join(entry.variants))}): "
        f"{escaped(entry.error)}"
        for entry in stopped
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the document.

    Returns:
        0, or the exit code of the error on stderr.
    """
    source = ("record", "RECORD.jsonl", "of a run that ended")
    return document_command.run("write_matrix", __doc__, source, _write, arguments)


def _write(record: Path, output: Path) -> None:
    write_text_atomic(output, document(record))


if __name__ == "__main__":
    raise SystemExit(main())
