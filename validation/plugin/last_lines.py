"""What a session ends with, below all that pytest prints: the path of the page last."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from validation.files.terminal import printable
from validation.plugin.baseline import Updated
from validation.plugin.ending import Ended
from validation.policy.limits import Status
from validation.record.damage import damage_lines
from validation.record.formatting import plural
from validation.record.given_files import without_reference
from validation.record.run import ArtefactRole
from validation.record.shares import describe_joined
from validation.record.until_decided_words import describe_stop
from validation.report.render import INDEX_NAME
from validation.report.summary_rows import SummaryRow
from validation.report.summary_table import summary_table
from validation.report.workflow_commands import workflow_commands
from validation.signoff.causes import diagnosis_of, grouped_findings, reason_of
from validation.signoff.shipping import Shipping, shipping_lines
from validation.signoff.since import since_baseline, since_lines

# What a person takes in: a screen or two of files, and reasons on one.
_MOST_LINES, _MOST_REASONS = 60, 20
# Where there is no terminal to be as wide as: nothing is cut but what nobody could read.
_WIDTH_OF_A_FILE = 200
_NAME = "validation-last-lines"


class LastLines:
    """Prints the end of a run. A plugin of the controlling process, registered when all is known.

    Args:
        config: Of that process.
        ended: The run.
        rows: Its files.
        shipping: What each model has to ship.
        unwritten: Files beside the run's folder that could not be written, a line each.
        updated: What became of the baseline that the run was to replace; None without one.
        commands: Whether errors and warnings are printed as commands to GitHub Actions.
    """

    def __init__(
        self,
        config: pytest.Config,
        ended: Ended,
        rows: Sequence[SummaryRow],
        shipping: Sequence[Shipping],
        unwritten: Sequence[str] = (),
        updated: Updated | None = None,
        *,
        commands: bool = False,
    ) -> None:
        self._config = config
        self._ended = ended
        self._rows = rows
        self._shipping = shipping
        self._unwritten = unwritten
        self._updated = updated
        self._commands = commands

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """After pytest's own last line, and after what other plugins say when they are done."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            return
        reporter.ensure_newline()
        for command in workflow_commands(self._ended.judgement) if self._commands else ():
            reporter.write_line(command)
        reporter.section("validation")
        self._table(reporter)
        self._verdict(reporter)
        # Of what was lost nothing can be shipped.
        for line in shipping_lines(self._shipping) if not self._ended.lost else ():
            reporter.line(printable(f"to ship: {line}"))
        self._packs(reporter)
        for lost in (*self._ended.lost, *self._unwritten):
            reporter.line(printable(f"not written: {lost}"), red=True)
        reporter.line(printable(f"report: {page_of(self._ended) or 'none, no disk took it'}"))

    def _table(self, reporter: pytest.TerminalReporter) -> None:
        writer = self._config.get_terminal_writer()
        width = int(writer.fullwidth) if reporter.isatty else _WIDTH_OF_A_FILE
        for line in summary_table(self._rows, width, _MOST_LINES):
            if line.status is not None:
                reporter.write(line.status.upper(), **_colour(line.status))
            reporter.line(line.text)
        if self._rows:
            reporter.line("")

    def _verdict(self, reporter: pytest.TerminalReporter) -> None:
        run, record = self._ended.judgement.run, self._ended.record
        # No line begins with a name: what begins with colons is a command to GitHub's runner.
        reporter.line(f"verdict: {run.describe()}", **_colour(run.status))
        groups = grouped_findings(run.findings)
        for group in groups[:_MOST_REASONS]:
            reporter.line(printable(f"  - {reason_of(group)}"))
            if diagnosis := diagnosis_of(group):
                reporter.line(printable(f"    {diagnosis}"))
        if (more := len(groups) - _MOST_REASONS) > 0:
            reporter.line(f"  - and {plural(more, 'more cause')}, see the report")
        untimed = [each for each in self._rows if each.p50_ms is None]
        if untimed and not any(each.check == "latency" for each in run.findings):
            reporter.line(f"  - latency was not measured of {plural(len(untimed), 'file')}")
        if (stopped := record.header.until_decided) is not None:
            reporter.line(printable(f"  {describe_stop(stopped)}"))
        if nothing := without_reference(record.header):
            reporter.line(printable(f"  {nothing}"))
        for line in describe_joined(record.joined):
            reporter.line(printable(line))
        for line in damage_lines(record.steps):
            reporter.line(printable(f"cache: {line}"))
        for cluster in record.clusters:
            for line in (cluster.describe(), *cluster.notices()):
                reporter.line(printable(line))
        since = since_baseline(record, self._ended.judgement)
        for line in since_lines(since) if since else ():
            reporter.line(printable(line))
        if self._updated is not None:
            reporter.line(printable(self._updated.line), red=not self._updated.is_written)

    def _packs(self, reporter: pytest.TerminalReporter) -> None:
        packs = [
            each for each in self._ended.record.artefacts if each.role is ArtefactRole.FAILING_CASE
        ]
        if packs and self._ended.folder is not None and not self._ended.lost:
            more = f", and {len(packs) - 1} more there" if packs[1:] else ""
            path = shlex.quote(str(self._ended.folder / packs[0].path))
            reporter.line(printable(f"failing case: validation replay {path}{more}"))


def print_at_the_end(config: pytest.Config, lines: LastLines) -> None:
    """Print them last of all: of hooks that want to be last the last one to come is."""
    config.pluginmanager.register(lines, _NAME)


def page_of(ended: Ended) -> Path | None:
    """The first page; None where no disk took it."""
    return None if ended.folder is None else ended.folder / INDEX_NAME


def _colour(status: Status) -> dict[str, bool]:
    word = {Status.PASS: "green", Status.FAIL: "red"}.get(status, "yellow")
    return {word: True}
