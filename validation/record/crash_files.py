"""What a crash leaves for a bug report: the file that was being used, and the log."""

from __future__ import annotations

import contextlib
from pathlib import Path

from validation.errors import ArtefactError
from validation.files.atomic import copy_atomic
from validation.isolation.crash import Crashed
from validation.record.kept_files import plain_name
from validation.record.types import ModelKey

CRASHES_FOLDER = "crashes"
LOG_NAME = "log.txt"


def keep_crash(check: str, key: ModelKey, crashed: Crashed, run_folder: Path) -> str:
    """Copy them into the run's folder.

    Args:
        check: Which ended so.
        key: Its subject.
        crashed: What is known of it.
        run_folder: Of the run; made where it is not there.

    Returns:
        Their folder below the run's; empty where nothing could be written.
    """
    path = f"{CRASHES_FOLDER}/{plain_name(f'{check}-{key}')}"
    folder = run_folder / path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copy_atomic(crashed.log, folder / LOG_NAME)
    except (OSError, ArtefactError):
        # A full disk must not hide the crash.
        return ""
    source = Path(crashed.activity.file) if crashed.activity and crashed.activity.file else None
    if source is not None and source.is_file():
        with contextlib.suppress(ArtefactError):
            copy_atomic(source, folder / source.name)
    return path
