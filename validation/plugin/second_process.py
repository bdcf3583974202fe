"""A second process for a session of small models, which ends before latency is measured."""

from __future__ import annotations

import pytest

from validation.plugin.session_checks import session_checks
from validation.plugin.state import STATE
from validation.record.types import ModelKey
from validation.runtimes.tflite import default_threads
from validation.workspace.prefetch import Item, Prefetcher
from validation.zoo.entry import CatalogueEntry

PREFETCHER = pytest.StashKey[Prefetcher]()

# Two processes hold two models: of these any machine has room for both.
_SMALL_ARCHIVE_BYTES = 50_000_000


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start it, where there is a core for it and more than one thing to do."""
    config = session.config
    if STATE not in config.stash or config.option.collectonly or hasattr(config, "workerinput"):
        return
    state = config.stash[STATE]
    items = [item for item in map(_item, session.items) if item is not None]
    small = all(map(_is_small, state.entries))
    if len(items) > 1 and small and not config.option.one_process and default_threads() > 1:
        checks = session_checks(config).values()
        needs = {check.name: check.needs for check in checks if not check.quiet}
        config.stash[PREFETCHER] = Prefetcher(state, items, needs)


def _is_small(entry: CatalogueEntry) -> bool:
    return entry.digest is not None and entry.digest.size_bytes <= _SMALL_ARCHIVE_BYTES


def _item(item: pytest.Item) -> Item | None:
    marker = item.get_closest_marker("check")
    key = item.callspec.params.get("context") if isinstance(item, pytest.Function) else None
    return (marker.args[0], key) if marker and isinstance(key, ModelKey) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let it know how far the session has come."""
    prefetcher = item.config.stash.get(PREFETCHER, None)
    reached = None if prefetcher is None else _item(item)
    if prefetcher is not None and reached is not None:
        prefetcher.reached(reached)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing outlives the session, and an interrupted one does not wait."""
    prefetcher = session.config.stash.get(PREFETCHER, None)
    if prefetcher is not None:
        prefetcher.finish(at_once=exitstatus == pytest.ExitCode.INTERRUPTED)
