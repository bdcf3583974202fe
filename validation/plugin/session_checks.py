"""The checks of a session: the table of the harness and the rows that plugins add to it."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Mapping
from itertools import chain

import pytest

from validation.checks.check import Check
from validation.checks.registry import CHECKS
from validation.checks.share import SHARE
from validation.errors import UsageError

_TABLE = pytest.StashKey[Mapping[str, Check]]()


def session_checks(config: pytest.Config) -> Mapping[str, Check]:
    """Every check by name, in the order in which they are run.

    Rows of plugins come after those of the harness, and before checks that need a quiet machine.

    Raises:
        UsageError: Two rows of one name, or a row that cannot be handed to another process.
    """
    if _TABLE not in config.stash:
        added = config.hook.pytest_validation_checks(config=config)
        rows = sorted([*CHECKS, *chain.from_iterable(added)], key=lambda row: row.quiet)
        _require_own_names(rows)
        _require_module_level(rows)
        # What a share of a run makes is no check of a run.
        own = [SHARE] if config.getoption("--shard") else []
        config.stash[_TABLE] = {row.name: row for row in (*own, *rows)}
    return config.stash[_TABLE]


def check_of(item: pytest.Item) -> Check | None:
    """The check that a test records, None for a test without the marker."""
    marker = item.get_closest_marker("check")
    return session_checks(item.config)[marker.args[0]] if marker else None


def _require_own_names(rows: list[Check]) -> None:
    twice = [name for name, count in Counter(row.name for row in rows).items() if count > 1]
    if twice:
        modules = [row.run.__module__ for row in rows if row.name == twice[0]]
        raise UsageError(
            "two checks of one name",
            expected="a name of its own for each check",
            got=f"{twice[0]!r} of {' and '.join(modules)}",
            where="pytest_validation_checks",
        )


def _require_module_level(rows: list[Check]) -> None:
    for row in rows:
        try:
            pickle.dumps(row)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UsageError(
                f"the check {row.name!r} cannot be handed to another process",
                expected="functions at the top level of a module",
                got=error,
                where="pytest_validation_checks",
            ) from error
