"""Start a second process for a session of small models, and end it before latency is measured."""

from __future__ import annotations

import pytest

from validation.chain.ahead import Ahead, Item
from validation.plugin.state import STATE
from validation.records import ModelKey
from validation.runtimes.tflite import default_threads
from validation.zoo.entry import CatalogueEntry

AHEAD = pytest.StashKey[Ahead]()

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
        config.stash[AHEAD] = Ahead(state, items)


def _is_small(entry: CatalogueEntry) -> bool:
    return entry.digest is not None and entry.digest.size_bytes <= _SMALL_ARCHIVE_BYTES


def _item(item: pytest.Item) -> Item | None:
    marker = item.get_closest_marker("check")
    key = item.callspec.params.get("case") if isinstance(item, pytest.Function) else None
    return (marker.args[0], key) if marker and isinstance(key, ModelKey) else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell it how far the session has come."""
    ahead = item.config.stash.get(AHEAD, None)
    told = None if ahead is None else _item(item)
    if ahead is not None and told is not None:
        ahead.reached(told)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Nothing outlives the session; who interrupts it does not wait."""
    ahead = session.config.stash.get(AHEAD, None)
    if ahead is not None:
        ahead.finish(at_once=exitstatus == pytest.ExitCode.INTERRUPTED)
