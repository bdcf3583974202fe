"""The hook by which other plugins add checks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from validation.checks.check import Check


@pytest.hookspec
def pytest_validation_checks(config: pytest.Config) -> Sequence[Check]:  # type: ignore[empty-body]
    """Rows to add to the table of checks.

    A plugin or a conftest.py defines it in a module that can be imported by name, so that child
    processes find the functions of the rows::

        def pytest_validation_checks():
            return [Check("brightness", brightness)]

    The limits of the check are `[[limit]]` tables of the policy; a suite records it with
    ``@pytest.mark.check("brightness")``.
    """
