"""The options that name a baseline or replace it, and the file that is written at the end."""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from validation import __version__
from validation.errors import UsageError, ValidationError, first_few
from validation.files.arguments import parse_file
from validation.files.terminal import printable
from validation.policy.limits import Status
from validation.record.baseline import BaselineUpdate
from validation.record.store import RECORD_NAME
from validation.signoff.rules import Judgement
from validation.workspace.baseline_file import write_baseline
from validation.workspace.given_baseline import GivenBaseline, open_baseline

_GOOD = (Status.PASS, Status.WARN)


def add_options(add: Callable[..., object]) -> None:
    """Declare them."""
    add(
        "--baseline",
        type=parse_baseline_path,
        metavar="RUN-or-FILE",
        help="what this run is compared with: an earlier run's folder, or a baseline file "
        "(default: nothing)",
    )
    add(
        "--update-baseline",
        action="store_true",
        help="write --baseline FILE anew from this run, if its verdict is PASS or WARN; needs "
        "--reason (default: off)",
    )
    add(
        "--reason",
        metavar="TEXT",
        help="why the baseline is replaced, kept in it (default: none)",
    )


def parse_baseline_path(text: str) -> Path:
    """A folder that exists, or a file that may have to be written first."""
    path = Path(text).expanduser()
    return path if path.is_dir() else parse_file(text)


def baseline_of(config: pytest.Config) -> GivenBaseline | None:
    """What the options name, read; None where nothing is compared.

    Raises:
        UsageError: Options that do not go together, or no such baseline.
        RecordError: A baseline that cannot be read.
    """
    option = config.getoption
    path, update, reason = option("--baseline"), option("--update-baseline"), option("--reason")
    if reason is not None and not update:
        raise UsageError("a reason without --update-baseline", got=f"--reason {reason}")
    if update:
        _check_update(path, reason)
    if path is None:
        return None
    if not path.exists():
        if update:
            return None
        raise UsageError(
            "no such baseline",
            expected="the folder of a run, or a file that --update-baseline wrote",
            got=path,
            next_step="--update-baseline --reason TEXT writes the first one",
        )
    try:
        return open_baseline(path, reason or "", Path(option("--report-dir")).absolute())
    except ValidationError as error:
        raise UsageError(
            error.what,
            expected=error.expected,
            got=error.got,
            where=error.where,
            next_step=error.next_step,
        ) from error


def _check_update(path: Path | None, reason: str | None) -> None:
    if path is None:
        raise UsageError("no baseline to update", expected="--baseline FILE")
    # A record names its run, whose folder would else be overwritten.
    if path.is_dir() or path.name == RECORD_NAME:
        raise UsageError(
            "a run is not replaced", expected="--baseline FILE", got=path, next_step="name a file"
        )
    if not (reason or "").strip():
        raise UsageError("a baseline is not replaced without saying why", expected="--reason TEXT")


@dataclass(frozen=True)
class Updated:
    """What became of a baseline that was to be replaced.

    Args:
        line: To print.
        is_written: The file is there.
        is_lost: It was to be written, and could not be.
    """

    line: str
    is_written: bool
    is_lost: bool = False


def update_line(
    config: pytest.Config,
    run_folder: Path | None,
    judgement: Judgement,
    before: GivenBaseline | None,
) -> Updated | None:
    """Write the baseline where that was asked for, and what to say of it.

    Args:
        config: Of the session.
        run_folder: Of the run that ended; None where no disk took it.
        judgement: On it.
        before: The baseline that is replaced.

    Returns:
        None where nothing was asked for.
    """
    path: Path | None = config.getoption("--baseline")
    if path is None or not config.getoption("--update-baseline"):
        return None
    status = judgement.run.status
    if status not in _GOOD or run_folder is None:
        why = f"the verdict is {status.upper()}" if run_folder else "the run could not be kept"
        return Updated(printable(f"baseline: {path} is left as it is: {why}"), is_written=False)
    if not _is_as_read(path, before):
        said = f"baseline: {path} is left as it is: it was replaced while this run went on"
        return Updated(printable(said), is_written=False, is_lost=True)
    update = BaselineUpdate(
        config.getoption("--reason"),
        _user(),
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        __version__,
        "" if before is None else hashlib.sha256(before.data).hexdigest(),
    )
    try:
        facts = write_baseline(path, run_folder, update)
    except (ValidationError, OSError) as error:
        said = f"baseline: {path} could not be written: {error}"
        return Updated(printable(said), is_written=False, is_lost=True)
    gone = () if before is None else before.facts.subjects
    left = [str(each.key) for each in gone if facts.of(each.key) is None]
    lost = f"; no longer in it: {first_few(left)}" if left else ""
    said = f"baseline: {path} written from this run: {update.reason}{lost}"
    return Updated(printable(said), is_written=True)


def _is_as_read(path: Path, before: GivenBaseline | None) -> bool:
    """Whether no other run has written the file since this one compared itself with it."""
    try:
        now = path.read_bytes() if path.exists() else None
    except OSError:  # said by the one who writes
        return True
    return now == (None if before is None else before.data)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, as in some containers
        return ""
