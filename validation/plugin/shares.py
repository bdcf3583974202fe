"""A session with ``--shard I/N``: it makes pieces and judges nothing."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from validation.checks.share import SHARE
from validation.errors import ValidationError
from validation.files.terminal import printable
from validation.plugin.processes import new_steps
from validation.plugin.run_folder import run_folder
from validation.plugin.share_item import ShareItem, share_items
from validation.plugin.state import session_state
from validation.record.formatting import plural
from validation.record.lines import Entry, to_line
from validation.record.share_files import keep_piece, keep_product
from validation.record.shares import KeptPiece, KeptProduct, Share, ShareFacts
from validation.record.types import CheckResult
from validation.workspace.session import Session

# Attribute of a test report, see `validation.plugin.recorder`.
LINES = "validation_lines"


def share_facts(session: Session) -> ShareFacts | None:
    """What a share's session makes; None for a whole run."""
    if session.share is None:
        return None
    return ShareFacts(
        session.share.number, session.share.count, session.image_count, session.ranges
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """A share's session makes pieces and runs no check."""
    if not config.getoption("--shard"):
        return
    config.hook.pytest_deselected(items=list(items))
    items[:] = share_items(session, session_state(config).ranges)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hand what a share made to the test's report, its files copied into the share's folder."""
    report = yield
    if not isinstance(item, ShareItem) or call.when != "call":
        return report
    error = call.excinfo.value if call.excinfo else None
    try:
        entries = [] if error else [_kept(each, item.config) for each in item.entries]
    except ValidationError as lost:
        error, report.outcome = lost, "failed"
    if isinstance(error, ValidationError):
        report.longrepr = printable(f"{type(error).__name__}: {error}")
    if error is not None:
        entries = [replace(CheckResult.stopped(SHARE.name, item.key, error), seconds=call.duration)]
    entries += new_steps(item.config)
    lines = [json.dumps(to_line(each), allow_nan=False) for each in entries]
    setattr(report, LINES, lines)
    return report


def _kept(entry: Any, config: pytest.Config) -> Entry:
    folder: Path = run_folder(config)
    if isinstance(entry, KeptPiece):
        return keep_piece(entry, folder)
    kept: Entry = keep_product(entry, folder) if isinstance(entry, KeptProduct) else entry
    return kept


def end_share(config: pytest.Config, pieces: int, folder: Path) -> None:
    """Say where the share lies, below all that pytest prints; pytest's exit code stays.

    Args:
        config: Of the controlling process.
        pieces: How many were made.
        folder: Of the share.
    """
    share = config.getoption("--shard")
    config.pluginmanager.register(_ShareLines(config, share, pieces, folder), "validation-share")


class _ShareLines:
    """Prints the end of a share. A plugin of the controlling process.

    Args:
        config: Of that process.
        share: Which one.
        pieces: How many were made.
        folder: Where they lie.
    """

    def __init__(self, config: pytest.Config, share: Share, pieces: int, folder: Path) -> None:
        self._config, self._share, self._pieces, self._folder = config, share, pieces, folder

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """After pytest's own last line."""
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is None:
            return
        reporter.ensure_newline()
        reporter.section("validation")
        made = plural(self._pieces, "piece")
        reporter.line(f"share {self._share}: {made}, no verdict; `validation merge` joins shares")
        reporter.line(printable(f"share: {self._folder}"))
