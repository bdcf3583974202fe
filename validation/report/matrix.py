"""The convertibility matrix: what converts, what it keeps, and why the rest does not."""

from __future__ import annotations

import enum
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath

from validation.errors import ArtefactError, ArtefactMissing
from validation.policy.limits import WORST_FIRST, Status
from validation.record import formatting
from validation.record.error_facts import ErrorFacts
from validation.record.run import Stage
from validation.record.store import Record
from validation.record.types import REFERENCE, CheckResult, ModelKey
from validation.report.index import Figure, IndexModel, IndexRow
from validation.signoff.rules import evidence

# What each column says; the page and the document show it alike.
LEGEND = (
    (
        "Converts",
        "yes: the .tflite file was made. given: it was made elsewhere. "
        "no: the export or the conversion ended in an error. "
        "not tried: the run did not reach it, or could not get the archive.",
    ),
    ("Names", "names, order, shapes, dtypes and op attributes of the .tflite file."),
    (
        "Raw parity",
        "largest difference between a raw output of the .tflite file and of the exported graph "
        "in TensorFlow, of the output nearest to its limit. Only raw variants have raw outputs.",
    ),
    (
        "End to end",
        "detections without a partner of the same class and position in those of the archive's own "
        "graph, of those compared.",
    ),
    ("p50, p95", "latency of one inference in milliseconds."),
    ("Verdict", "on every check of the row, also on those that have no column here."),
    ("WARN, FAIL, UNKNOWN", "beside a figure: its check did not pass; the report says why."),
    (formatting.NOTHING, "not measured."),
)

# The conversion's own check first: where both failed, its error is nearer to the matter.
_CHECKS = ("tflite_contract", "export_contract")
# Characters of an error in a cell, and in the list below the table.
_FIRST_WORDS, _ONE_LINE = 64, 400


class Converts(enum.StrEnum):
    """Whether a model becomes a file of a variant, as far as the record knows."""

    YES = "yes"
    GIVEN = "given"
    NO = "no"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Cell:
    """A figure, and the status of its check where that is not a PASS.

    Args:
        text: As it is written.
        status: Of its check; None for a PASS.
        order: What a script sorts it by; empty where nothing was measured.
    """

    text: str
    status: Status | None = None
    order: str = ""


@dataclass(frozen=True)
class MatrixRow:
    """One subject of a model.

    Args:
        index: Its row of the index.
        converts: See `Converts`.
        error: First words of why not; empty where no error is known.
        names: Of the tflite_contract check, None without one.
        parity: Worst raw output beside its limit.
        unmatched: Detections without partner, of those compared.
        latency: p50 and p95, ms.
    """

    index: IndexRow
    converts: Converts
    error: str
    names: Status | None
    parity: Cell
    unmatched: Cell
    latency: Cell

    @property
    def severity(self) -> int:
        """0 for the worst verdict."""
        return WORST_FIRST.index(self.index.status)

    @property
    def names_order(self) -> str:
        """What a script sorts the names by: 0 for the worst; empty without their check."""
        return "" if self.names is None else str(WORST_FIRST.index(self.names))


@dataclass(frozen=True)
class Stopped:
    """One error and the variants of a model, or the given files, that it stopped."""

    model: str
    variants: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class Matrix:
    """The whole page.

    Args:
        summary: How many rows convert.
        facts: What the figures depend on.
        models: Each with its rows, in the order of the run's selection.
        refused: Why what does not convert does not, and what given files cannot be opened for.
        not_tried: Errors that say nothing about the model: its archive was not obtained.
    """

    summary: str
    facts: tuple[tuple[str, str], ...]
    models: tuple[tuple[IndexModel, tuple[MatrixRow, ...]], ...]
    refused: tuple[Stopped, ...]
    not_tried: tuple[Stopped, ...]


def convertibility(record: Record, models: tuple[IndexModel, ...]) -> Matrix:
    """The matrix of a run.

    Args:
        record: The run's record.
        models: The index's rows of the same record.
    """
    results: dict[ModelKey, dict[str, CheckResult]] = {}
    for result in record.results:
        results.setdefault(result.key, {})[result.check] = result
    seen = _Seen.of(record)
    rows_of: dict[IndexModel, list[MatrixRow]] = {}
    stopped: dict[tuple[Converts, str, str], list[str]] = {}
    for model in models:
        for row in model.rows:
            key = row.key
            if key.variant == REFERENCE and not key.file:
                continue
            own = results.get(key, {})
            converts, error = _outcome(seen, key, own)
            if error:
                stopped.setdefault((converts, key.model, error), []).append(key.label)
            rows_of.setdefault(model, []).append(_row(row, own, converts, error))
    return Matrix(
        summary=_summary(list(rows_of.values())),
        facts=_facts(record),
        models=tuple((model, tuple(rows)) for model, rows in rows_of.items()),
        refused=_stopped(stopped, Converts.NO, Converts.GIVEN),
        not_tried=_stopped(stopped, Converts.NOT_TRIED),
    )


@dataclass(frozen=True)
class _Seen:
    """What a run got hold of.

    Args:
        files: Subjects with a .tflite file.
        obtained: Models whose archives were fetched or found.
    """

    files: frozenset[ModelKey]
    obtained: frozenset[str]

    @classmethod
    def of(cls, record: Record) -> _Seen:
        fetched = (step.model for step in record.steps if step.stage is Stage.FETCH)
        return cls(frozenset(record.tflite_files), frozenset(fetched))


def _outcome(seen: _Seen, key: ModelKey, results: dict[str, CheckResult]) -> tuple[Converts, str]:
    """Whether it converts, and the error that stopped it, on one line."""
    if key in seen.files:
        return Converts.GIVEN if key.file else Converts.YES, ""
    errors = (results[check].error for check in _CHECKS if check in results)
    error = next((error for error in errors if error is not None), None)
    if key.file:
        return Converts.GIVEN, "" if error is None else _one_line(error)
    if error is None:
        return Converts.NOT_TRIED, ""
    tried = _is_about_the_model(error, obtained=key.model in seen.obtained)
    return Converts.NO if tried else Converts.NOT_TRIED, _one_line(error)


def _one_line(error: ErrorFacts) -> str:
    return " ".join(str(error).split())


def _is_about_the_model(error: ErrorFacts, *, obtained: bool) -> bool:
    """False for an error on the way to the archive: the model was not tried."""
    if not error.is_a(ArtefactError):
        return True
    # An archive that was obtained can still lack what an export needs.
    return obtained and error.is_a(ArtefactMissing)


def _row(
    row: IndexRow,
    results: dict[str, CheckResult],
    converts: Converts,
    error: str,
) -> MatrixRow:
    # What stopped the conversion stopped every check after it: it is shown once.
    shown = {} if error else results
    contract = shown.get("tflite_contract")
    parity, limit = row.parity, row.parity_limit
    measured = row.p50.value is not None and row.p95.value is not None
    latency = f"{row.p50.text} / {row.p95.text}" if measured else formatting.NOTHING
    return MatrixRow(
        index=row,
        converts=converts,
        error=_shortened(error, _FIRST_WORDS),
        names=evidence(contract) if contract else None,
        parity=_cell(
            f"{parity.text} ({limit})" if limit else parity.text, parity, shown.get("raw_parity")
        ),
        unmatched=_cell(row.unmatched.text, row.unmatched, shown.get("end_to_end_parity")),
        latency=_cell(latency, row.p50, shown.get("latency")),
    )


def _cell(text: str, figure: Figure, result: CheckResult | None) -> Cell:
    status = evidence(result) if result else Status.PASS
    return Cell(text, None if status is Status.PASS else status, figure.order)


def _shortened(text: str, most: int) -> str:
    first, *more = textwrap.wrap(text, most, break_on_hyphens=False) or [""]
    return f"{first} \u2026" if more else first


def _stopped(
    errors: dict[tuple[Converts, str, str], list[str]], *converts: Converts
) -> tuple[Stopped, ...]:
    return tuple(
        Stopped(model, tuple(variants), _shortened(error, _ONE_LINE))
        for (outcome, model, error), variants in errors.items()
        if outcome in converts
    )


def _summary(models: list[list[MatrixRow]]) -> str:
    count = Counter(row.converts for rows in models for row in rows)
    files = formatting.plural(count.total(), "file")
    tested = formatting.plural(len(models), "model")
    given = f"{count[Converts.GIVEN]} given, " if count[Converts.GIVEN] else ""
    return (
        f"{tested}, {files} asked for: {count[Converts.YES]} converted, {given}"
        f"{count[Converts.NO]} refused, {count[Converts.NOT_TRIED]} not tried."
    )


def _facts(record: Record) -> tuple[tuple[str, str], ...]:
    header = record.header
    machine = (
        f"{value} cores" if name == "cores" else value for name, value in header.machine.items()
    )
    judged = (record.timings_of(timing.key)[:1] for timing in record.timings)
    threads = sorted({timing.threads for each in judged for timing in each})
    return (
        ("TensorFlow", header.versions.get("tensorflow", formatting.NOTHING)),
        ("LiteRT", header.versions.get("ai-edge-litert", formatting.NOTHING)),
        ("Date", formatting.moment(header.started)),
        ("Machine", ", ".join(machine) or formatting.NOTHING),
        ("Threads", ", ".join(map(str, threads)) or "latency was not measured"),
        ("Zoo", PurePath(header.options.get("zoo", "")).name or formatting.NOTHING),
        ("Labelled images", header.options.get("labelled images", formatting.NOTHING)),
    )
