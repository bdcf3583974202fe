"""What a run says in the summary of a CI job: Markdown, short enough for its page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from validation.policy.limits import WORST_FIRST
from validation.record import formatting
from validation.record.damage import damage_lines
from validation.record.given_files import without_reference
from validation.record.store import Record
from validation.record.until_decided_words import describe_stop
from validation.report.markdown import escaped, table
from validation.report.summary_rows import SummaryRow
from validation.report.views import circumstances, subject_of
from validation.signoff.causes import FindingGroup, diagnosis_of, grouped_findings, reason_of
from validation.signoff.rules import Judgement
from validation.signoff.shipping import Shipping, shipping_lines
from validation.signoff.since import since_baseline, since_lines

# GitHub takes 1 MiB for a step, and shows nothing of more: at their longest these stay below it.
_MOST_ROWS, _MOST_LINES, _MOST_LETTERS = 200, 40, 1000
_TITLES = ("Verdict", "File", "AP", "Difference", "{level} interval", "Size", "p50", "sha256")
_FIGURES = (False, False, True, True, True, True, True, False)
# Enough to find the file by.
_DIGITS = 12


def step_summary(
    record: Record,
    judgement: Judgement,
    rows: Sequence[SummaryRow],
    shipping: Sequence[Shipping],
    page: str,
    lost: Sequence[str] = (),
) -> str:
    """The summary as Markdown; no name in it is markup.

    Args:
        record: Of the run.
        judgement: Of that record.
        rows: Of its files.
        shipping: What each model has to ship.
        page: Where the first page lies; empty where it could not be written.
        lost: What could not be written, a line each; then nothing can be shipped.
    """
    groups = grouped_findings(judgement.run.findings)
    ship = () if lost else shipping_lines(shipping)
    since = since_baseline(record, judgement)
    stopped = record.header.until_decided
    looks = "" if stopped is None else describe_stop(stopped)
    notes = [looks, without_reference(record.header), *damage_lines(record.steps)]
    blocks = [
        f"## Validation: {judgement.run.describe()}",
        escaped(subject_of(record, judgement)),
        *_section("Why", map(_reason, groups), "cause"),
        "\n".join(table(_titles(record), map(_cells, rows[:_MOST_ROWS]), _FIGURES)) if rows else "",
        _left_out(rows[_MOST_ROWS:]),
        *_section("Since the baseline", map(_shown, since_lines(since) if since else ())),
        *_section("To ship", map(_shown, ship)),
        *_section("Notes", [_shown(each) for each in notes if each]),
        *_section("Not written", map(_shown, lost)),
        f"Report: {escaped(page)}" if page else "",
        escaped(circumstances(record)),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _titles(record: Record) -> tuple[str, ...]:
    level = formatting.per_cent(record.header.level)
    return tuple(each.format(level=level) for each in _TITLES)


def _section(title: str, lines: Iterable[str], what: str = "line") -> tuple[str, ...]:
    entries = [f"- {each}" for each in lines]
    more = len(entries) - _MOST_LINES
    rest = [f"- and {formatting.plural(more, f'more {what}')}, see the report"] if more > 0 else []
    return (f"### {title}", "\n".join([*entries[:_MOST_LINES], *rest])) if entries else ()


def _shown(text: str) -> str:
    """As it is, up to a length that no sentence of ours has."""
    cut = text if len(text) <= _MOST_LETTERS else f"{text[:_MOST_LETTERS]}…"
    return escaped(cut)


def _reason(group: FindingGroup) -> str:
    diagnosis = diagnosis_of(group)
    below = f"\n  - {_shown(diagnosis)}" if diagnosis else ""
    return f"**{group.status.upper()}** {_shown(reason_of(group, 4))}{below}"


def _cells(row: SummaryRow) -> tuple[str, ...]:
    interval = row.ap_interval or ()
    latency = formatting.milliseconds(row.p50_ms)
    if row.p50_ms is not None:
        latency += f" ms, {formatting.plural(row.threads, 'thread')}"
    return (
        row.status.upper(),
        escaped(str(row.key)),
        formatting.coco_figure(row.ap),
        formatting.coco_delta(row.ap_difference) or formatting.NOTHING,
        " to ".join(formatting.coco_delta(round(end, 4)) for end in interval),
        formatting.size(row.size_bytes),
        latency,
        row.sha256[:_DIGITS],
    )


def _left_out(rows: Sequence[SummaryRow]) -> str:
    if not rows:
        return ""
    statuses = [each.status for each in rows]
    counts = [f"{statuses.count(each)} {each.upper()}" for each in WORST_FIRST if each in statuses]
    return f"and {formatting.plural(len(rows), 'more file')}: {', '.join(counts)}"
