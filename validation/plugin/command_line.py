"""The options that a session was given, as they can be typed again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from validation.plugin.given import NO_REFERENCE, UNSTATED
from validation.record.run import CommandOption
from validation.zoo.bundled_files import BUNDLED_GROUP

# What a figure may depend on; where things are kept and how it is run changes none.
_FLAGS = (
    "--zoo",
    "--model",
    "--variant",
    "--candidate",
    "--reference",
    "--feed",
    "--coco-annotations",
    "--coco-images",
    "--box-format",
    "--max-images",
    "--until-decided",
    "--representative-images",
    "--canaries",
    "--input-stats",
    "--label-map",
    "--policy",
    "--baseline",
    "--report-dir",
)
_DEFAULTS = {
    "--until-decided": False,
    "--zoo": BUNDLED_GROUP,
    "--reference": UNSTATED,
    "--report-dir": Path("reports"),
}
# pytest-xdist's -n by its long name: beside other workers latency is not measured.
_WORKERS = "--numprocesses"


def command_line(config: pytest.Config) -> tuple[CommandOption, ...]:
    """Those that differ from their default, in a fixed order; repeated ones once for each value."""
    own = [
        CommandOption(flag, value)
        for flag in _FLAGS
        if config.getoption(flag) != _DEFAULTS.get(flag)
        for value in _values(flag, config.getoption(flag))
    ]
    workers = workers_of(config)
    return (*own, *([CommandOption(_WORKERS, str(workers))] if workers else []))


def workers_of(config: pytest.Config) -> int:
    """How many worker processes pytest-xdist was asked for; 0 without it."""
    return int(config.getoption(_WORKERS, None) or 0)


def _values(flag: str, value: Any) -> Iterator[str]:
    if flag == "--reference" and value is None:
        yield NO_REFERENCE
    elif value is True:
        yield ""
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(flag, each)
    elif value is not None:
        yield _typed(value)


def _typed(value: Any) -> str:
    """A path below the user's own folder by its tilde: the name of the user stays out."""
    if isinstance(value, Path) and value.is_absolute():
        try:
            home = Path.home()
        except RuntimeError:
            return str(value)
        if value.is_relative_to(home) and value != home:
            return f"~/{value.relative_to(home).as_posix()}"
    return str(value)
