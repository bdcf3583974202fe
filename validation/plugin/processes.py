"""The child processes of a session, in which its checks run; a crash in one is a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from validation.checks.child import Item, SessionChecks
from validation.checks.memory_budget import MemoryBudget
from validation.checks.pool import CheckPool, without_repeats
from validation.errors import ValidationError
from validation.files.temporary import remove_folder, temporary_folder
from validation.plugin.memory_needs import budget_of
from validation.plugin.run_folder import run_folder
from validation.plugin.session_checks import session_checks
from validation.plugin.state import STATE, is_isolated, session_state
from validation.plugin.waiting import WAITING
from validation.policy.process_limits import limits_of
from validation.record.crash_files import keep_crash
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.runtimes.tflite import default_threads

POOL = pytest.StashKey[CheckPool]()
_FOLDER = pytest.StashKey[Path]()
_SEEN = pytest.StashKey[set[tuple[str, str]]]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start them, where there is something to check."""
    config = session.config
    if STATE not in config.stash or config.option.collectonly or not is_isolated(config):
        return
    items = [item for each in session.items if (item := item_of(each)) is not None]
    if not items:
        return
    try:
        folder = config.stash[_FOLDER] = temporary_folder()
        config.stash[POOL] = _pool(config, items, folder)
    except (ValidationError, OSError) as error:
        said = error.with_next_step() if isinstance(error, ValidationError) else error
        raise pytest.UsageError(f"the checks' processes cannot be started: {said}") from error


def _pool(config: pytest.Config, items: Sequence[Item], folder: Path) -> CheckPool:
    state, rows = config.stash[STATE], session_checks(config)
    is_worker = hasattr(config, "workerinput")
    # Of pytest-xdist: it is given some of the tests only, and does not know which.
    ahead = [] if is_worker else [item for item in items if not rows[item[0]].quiet]
    waiting = config.stash[WAITING]
    budget = budget_of(state)
    return CheckPool(
        SessionChecks.of(state, rows, plugins_named(config)),
        ahead,
        workers=1 if is_worker else workers_for(config, [key for _, key in ahead], budget),
        budget=budget,
        folder=folder,
        limits=limits_of(state.policy),
        keep=lambda item, crashed: keep_crash(*item, crashed, run_folder(config)),
        say=waiting.say,
        waiting=waiting.show,
    )


def workers_for(config: pytest.Config, subjects: Sequence[ModelKey], budget: MemoryBudget) -> int:
    """A second child where it has something to do that there is memory for.

    Args:
        config: Of the session.
        subjects: Of each thing to do.
        budget: Of memory.
    """
    helps = len(subjects) > 1 and default_threads() > 1
    helps = helps and budget.fits_twice({key.model for key in subjects})
    return 2 if helps and not config.option.one_process else 1


def plugins_named(config: pytest.Config) -> tuple[str, ...]:
    """Modules that were named with ``-p``, the harness's own left out."""
    named: Mapping[str, object] = dict.fromkeys(config.option.plugins or ())
    return tuple(
        name
        for name in named
        if not name.startswith(("no:", "validation.")) and config.pluginmanager.has_plugin(name)
    )


def item_of(item: pytest.Item) -> Item | None:
    """Check and subject of a test; None for a test of something else."""
    work: Item | None = getattr(item, "work", None)
    if work is not None:
        return work
    marker = item.get_closest_marker("check")
    if marker is None or not isinstance(item, pytest.Function):
        return None
    key = item.callspec.params.get("context")
    return (marker.args[0], key) if isinstance(key, ModelKey) else None


def new_steps(config: pytest.Config) -> list[Step]:
    """The steps that this process and its children took since the last call, each product once."""
    pool = config.stash.get(POOL, None)
    theirs = [] if pool is None else pool.drain_steps()
    seen = config.stash.setdefault(_SEEN, set())
    return without_repeats([*theirs, *session_state(config).drain_steps()], seen)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """No process and no folder outlives the session, and an interrupted one does not wait."""
    pool = session.config.stash.get(POOL, None)
    if pool is not None:
        pool.close(at_once=exitstatus == pytest.ExitCode.INTERRUPTED)
    if _FOLDER in session.config.stash:
        remove_folder(session.config.stash[_FOLDER])
