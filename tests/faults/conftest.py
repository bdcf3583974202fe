"""Two good archives, into which the tables of faults put their faults."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def archives(made_once: Callable[..., Path], small_zoo: Path) -> Path:
    """A folder with both, made once a session; to be copied, not changed."""
    import small_ssd

    def fill(zoo: Path) -> None:
        shutil.copytree(small_zoo / "small", zoo / "small")
        small_ssd.write_small_archive(zoo / "pyramid", small_ssd.PYRAMID_TEXT)

    return made_once("faultless", fill)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products by content: what a fault leaves alone is made once."""
    return tmp_path_factory.mktemp("cache")
