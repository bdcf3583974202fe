"""Two good archives, into which the tables of faults put their faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, made once a session; to be copied, not changed."""
    import small_ssd

    zoo = tmp_path_factory.mktemp("zoo")
    small_ssd.write_small_archive(zoo / "small")
    small_ssd.write_small_archive(zoo / "pyramid", small_ssd.PYRAMID_TEXT)
    return zoo


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products by content: what a fault leaves alone is made once."""
    return tmp_path_factory.mktemp("cache")
