"""The folder of a run, known to all of its processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

_RUN_FOLDER = pytest.StashKey[Path]()
_RUN_INPUT = "validation_run_folder"


def run_folder(config: pytest.Config) -> Path:
    """Where the run's files go, absolute; made by whoever writes first."""
    return config.stash[_RUN_FOLDER]


def set_run_folder(config: pytest.Config, folder: Path | None) -> None:
    """Say where it is; None: as the controlling process has said it to this worker."""
    if folder is None:
        folder = Path(config.workerinput[_RUN_INPUT])  # type: ignore[attr-defined]
    config.stash[_RUN_FOLDER] = folder.absolute()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Say it to a worker of pytest-xdist."""
    node.workerinput[_RUN_INPUT] = str(node.config.stash[_RUN_FOLDER])
