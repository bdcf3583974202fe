"""What pytest-benchmark does in a session: it times, and shows its wide table only on request."""

from __future__ import annotations

import pytest

# Options of pytest-benchmark that ask for something of its table; all are empty by default.
_ASKING = ("columns", "time_unit", "histogram", "compare", "compare_fail", "cprofile")


def runs_suites(config: pytest.Config) -> bool:
    """Whether the suites are among what a session was asked to run."""
    suites = config.rootpath / "suites"
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        if path == suites or suites in path.parents or path in suites.parents:
            return True
    return False


def measures_latency(config: pytest.Config) -> bool:
    """Whether this process may time: no other worker disturbs it, and no option leaves it out."""
    if hasattr(config, "workerinput") or not config.pluginmanager.has_plugin("benchmark"):
        return False
    return not config.getoption("benchmark_skip")


def pytest_configure(config: pytest.Config) -> None:
    """Before pytest-benchmark reads its options, which it does last of all plugins."""
    option = config.option
    if not config.pluginmanager.has_plugin("benchmark") or not runs_suites(config):
        return
    asked = [getattr(option, f"benchmark_{name}", None) for name in _ASKING]
    if not (option.latency_table or any(asked)):
        option.benchmark_quiet = True
