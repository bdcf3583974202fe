"""Several workers: each takes whole models, because what a model's checks share is kept there."""

from __future__ import annotations

from typing import Any

import pytest

from validation.plugin.state import STATE


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
        """One unit of work for each model."""

        def _split_scope(self, nodeid: str) -> str:
            # Read back from pytest's own id, which is another program's text: only workers collect,
            # and a list of ids is all of a collection that pytest-xdist sends to this process.
            context = nodeid.rpartition("[")[2].removesuffix("]")
            return models.get(context, nodeid)

    return LoadModelScheduling(config, log)
