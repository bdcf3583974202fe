"""What a CI reads of a run: properties in its JUnit file, and the summary of a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from validation.errors import ValidationError
from validation.files.atomic import write_bytes_atomic
from validation.plugin.ending import Ended
from validation.plugin.last_lines import page_of
from validation.plugin.processes import item_of
from validation.report.junit import identity, with_properties
from validation.report.render import INDEX_NAME
from validation.report.step_summary import step_summary
from validation.report.summary_rows import SummaryRow
from validation.signoff.shipping import Shipping

_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


def on_github() -> bool:
    """Whether this is a step of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test says in reports of any kind which check and file it is about."""
    for item in items:
        own = item_of(item)
        if own is not None:
            item.user_properties += identity(*own)


def write_for_ci(
    config: pytest.Config,
    ended: Ended,
    rows: Sequence[SummaryRow],
    shipping: Sequence[Shipping],
) -> tuple[str, ...]:
    """Complete the JUnit file and append to the summary of the job, where there are such.

    Args:
        config: Of the controlling process, in which pytest has written its file.
        ended: The run.
        rows: Its files.
        shipping: What each model has to ship.

    Returns:
        What could not be written, a line each.
    """
    unwritten = []
    asked: tuple[tuple[str, str, Callable[[Path], None]], ...] = (
        (
            "properties of the JUnit file",
            config.getoption("xmlpath", None) or "",
            lambda path: _complete(path, ended, rows),
        ),
        (
            "summary of the job",
            os.environ.get(_SUMMARY_VARIABLE, ""),
            lambda path: _append(path, ended, rows, shipping),
        ),
    )
    for what, path, write in asked:
        if not path:
            continue
        try:
            write(Path(os.path.expandvars(path)).expanduser())
        except OSError as error:
            unwritten.append(f"{what}: {error.strerror or error} ({path})")
        except ValidationError as error:
            unwritten.append(f"{what}: {error}")
    return tuple(unwritten)


def _complete(path: Path, ended: Ended, rows: Sequence[SummaryRow]) -> None:
    # A device or a pipe keeps nothing that could be read back.
    if not path.is_file():
        raise FileNotFoundError(0, "pytest has left no file there")
    document = with_properties(
        path.read_bytes(), ended.record, ended.judgement, rows, ended.folder, INDEX_NAME
    )
    write_bytes_atomic(path, document)


def _append(
    path: Path, ended: Ended, rows: Sequence[SummaryRow], shipping: Sequence[Shipping]
) -> None:
    page = page_of(ended)
    text = step_summary(
        ended.record,
        ended.judgement,
        rows,
        shipping,
        "" if page is None else page.as_posix(),
        ended.lost,
    )
    # Other steps' text stays.
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
