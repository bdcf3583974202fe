"""The tests of a session that makes a share: one for each subject that it has images of."""

from __future__ import annotations

from typing import Any

import pytest

from validation.checks.child import NotThere
from validation.checks.running import run_row
from validation.checks.share import SHARE
from validation.files.terminal import printable
from validation.plugin.processes import POOL
from validation.plugin.state import session_state
from validation.plugin.waiting import WAITING
from validation.record.lines import Entry
from validation.record.shares import SharedRange
from validation.record.types import ModelKey


class ShareItem(pytest.Item):
    """Makes a share's pieces of one subject.

    Args:
        part: The subject and its images.
    """

    def __init__(self, *, part: SharedRange, **of_pytest: Any) -> None:
        super().__init__(**of_pytest)
        self.part = part
        self.entries: list[Entry] = []

    @property
    def key(self) -> ModelKey:
        """The subject."""
        return self.part.key

    @property
    def work(self) -> tuple[str, ModelKey]:
        """As the child processes know it."""
        return (SHARE.name, self.key)

    def runtest(self) -> None:
        """Have the pieces made, where the session's checks are run."""
        pool = self.config.stash.get(POOL, None)
        if pool is not None:
            try:
                entries = pool.entries(self.work)
            finally:
                self.config.stash[WAITING].clear()
            if not isinstance(entries, NotThere):
                self.entries = entries
                return
        self.entries = run_row(SHARE, session_state(self.config).context(self.key))

    def reportinfo(self) -> tuple[str, None, str]:
        """As pytest shows it."""
        return (SHARE.name, None, self.name)


def share_items(session: pytest.Session, parts: tuple[SharedRange, ...]) -> list[pytest.Item]:
    """One for each subject, in the session's order."""
    return [
        ShareItem.from_parent(
            session,
            name=printable(f"{SHARE.name}[{part.key}]"),
            part=part,
        )
        for part in parts
    ]
