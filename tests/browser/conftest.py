"""Chromium of the system, driven by playwright, and the runs whose pages it opens.

Without a browser these tests are left out, with the reason; where the environment has
VALIDATION_BROWSER_TESTS=required, as in .ci/run, they fail instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn

import pytest
from shown_names import HOSTILE, LONG, PLAIN
from shown_runs import write_shown_comparison, write_shown_run

_REQUIRED = os.environ.get("VALIDATION_BROWSER_TESTS") == "required"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program; playwright is there too."""
    if importlib.util.find_spec("playwright") is None:
        _missing("playwright is not installed: pip install -e '.[dev]'")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        _missing(f"no browser: none of {', '.join(_NAMES)} is on the PATH")
    return program


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A browser without a window; it ends with the module."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    try:
        files = resources.files("axe_playwright_python")
    except ImportError:
        _missing("axe-playwright-python is not installed: pip install -e '.[dev]'")
    return (files / "axe.min.js").read_text(encoding="utf-8")


def _missing(why: str) -> NoReturn:
    if _REQUIRED:
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def shown(made_once: Callable[..., Path]) -> Path:
    """A folder with the runs `pass`, `fail`, `hostile` and `long`, each with its pages."""
    return made_once("shown-runs", _write)


def _write(folder: Path) -> None:
    earlier = write_shown_run(folder / "pass")
    write_shown_comparison(earlier, earlier)
    for name, names in (("fail", PLAIN), ("hostile", HOSTILE), ("long", LONG)):
        run = f"2026-01-03 {names.option}"
        later = write_shown_run(folder / name, fails=True, names=names, run=run)
        write_shown_comparison(earlier, later)
