"""Several workers: each takes whole models, because what a model's checks share is kept there."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from validation.isolation.processes import signal_at_end_of_parent
from validation.plugin.state import STATE


def pytest_configure(config: pytest.Config) -> None:
    """No worker outlives the session, even where that is killed."""
    if hasattr(config, "workerinput"):
        signal_at_end_of_parent(signal.SIGTERM)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out models instead of tests, unless --dist asks for something else.

    By tests, two workers would wait for each other's exports of the same model, and run its
    files twice.
    """
    if STATE not in config.stash or config.getvalue("dist") != "load":
        return None
    # Not at the top: most sessions have no workers.
    from xdist.scheduler import LoadScopeScheduling

    models = {str(key): key.model for key in config.stash[STATE].keys}

    class LoadModelScheduling(LoadScopeScheduling):  # type: ignore[misc]
        """One unit of work for each model; what has ended a worker is not given to another."""

        def _reschedule(self, node: Any) -> None:
            # A worker in the place of one that crashed has not collected yet.
            if node in self.registered_collections:
                super()._reschedule(node)

        def remove_node(self, node: Any) -> str | None:
            """Of a worker that crashed, the test that it was at; see the base class."""
            units = self.assigned_work[node]
            left = [
                (unit, test) for unit in units.values() for test, done in unit.items() if not done
            ]
            if left:
                # The base class would give it to the next worker, and whole units too, which then
                # waits for ever for a test of theirs to end.
                unit, crashed = left[0]
                unit[crashed] = True
                for scope in [scope for scope, each in units.items() if all(each.values())]:
                    del units[scope]
            super().remove_node(node)
            return left[0][1] if left else None

        def _split_scope(self, nodeid: str) -> str:
            # Read back from pytest's own id, which is another program's text: only workers collect,
            # and a list of ids is all of a collection that pytest-xdist sends to this process.
            context = nodeid.rpartition("[")[2].removesuffix("]")
            return models.get(context, nodeid)

    return LoadModelScheduling(config, log)
