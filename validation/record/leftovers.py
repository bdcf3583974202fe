"""What a killed process left behind in the folders of runs."""

from __future__ import annotations

import contextlib
from pathlib import Path

from validation.files.temporaries import sweep
from validation.record.store import RECORD_NAME


def sweep_run(run_folder: Path) -> None:
    """Remove what a killed process was writing into the folder of a run."""
    if not (run_folder / RECORD_NAME).is_file():
        return
    sweep(run_folder)
    for folder in run_folder.iterdir():
        if folder.is_dir() and not folder.is_symlink():
            sweep(folder)


def sweep_runs(reports: Path) -> None:
    """`sweep_run` of every run below a folder; what else lies there is left alone."""
    with contextlib.suppress(OSError):
        for record in reports.glob(f"*/{RECORD_NAME}"):
            sweep_run(record.parent)
