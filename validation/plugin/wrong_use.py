"""Hands wrong use to the caller of pytest, which would print it in a form of its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NoReturn

import pytest


class WrongUse:
    """A plugin that ends a session on wrong use as its caller says.

    Args:
        refuse: Takes pytest's text, and raises.
    """

    def __init__(self, refuse: Callable[[str], NoReturn]) -> None:
        self._refuse = refuse

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(self) -> Generator[None, object, object]:
        """Options that neither the harness nor pytest knows."""
        return (yield from self._handed_over())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, object, object]:
        """What is wrong with the models, images and limits that the options name."""
        return (yield from self._handed_over())

    def _handed_over(self) -> Generator[None, object, object]:
        try:
            return (yield)
        except pytest.UsageError as error:
            self._refuse(str(error))
