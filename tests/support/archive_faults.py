"""What goes wrong with archives on their way to a user, and what the user is told at each step.

A change works on the folder of a good archive; a step takes the folder and a cache, and
returns what stands on the user's screen. A row of a table of faults ties both together.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from image_runs import image_runs
from zoo_archives import entries_at

from validation.checks.registry import CHECKS
from validation.cli import main
from validation.errors import ValidationError
from validation.faults.archive_edits import CHECKPOINT, Change
from validation.policy.limits import Status
from validation.policy.load import load_policy
from validation.record.formatting import describe_result
from validation.record.types import CheckResult, ModelKey
from validation.workspace.context import CheckContext, image_files
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache
from validation.zoo.canaries import load_canaries

Step = Callable[[Path, Path], str]


class Row(NamedTuple):
    """A fault, the step at which it shows, and what the step must say.

    Args:
        fault: Its id in the list of known faults, and the variant.
        changes: Made to a good archive, in order.
        step: Taken with it.
        says: Regular expressions that the text must match.
        archive: Which good archive: "small" has six heads, "pyramid" one for all levels.
    """

    fault: str
    changes: tuple[Change, ...]
    step: Step
    says: tuple[str, ...]
    archive: str = "small"


FROZEN = "frozen_inference_graph.pb"
CONFIG = "pipeline.config"

# How texts begin that end in a refusal: of a check, and of the command line.
FAILED, REFUSED = "^FAIL ", "^EXIT 1 error: "


def place(text: str, fragment: str, path: str) -> str:
    """How a message names a place of a config, as a regular expression.

    Args:
        text: The config.
        fragment: Stands in one line of it only.
        path: Dotted path of the field.
    """
    (number,) = [n for n, line in enumerate(text.splitlines(), 1) if fragment in line]
    return rf"/pipeline\.config, line {number}, {re.escape(path)}\b"


# --------------------------------------------------------------------------------------- steps


def suite(check: str) -> Step:
    """One check of `pytest suites --zoo FOLDER`: its status, and what it says."""

    def step(archive: Path, cache: Path) -> str:
        (entry,) = [each for each in entries_at(archive.parent) if each.name == archive.name]
        work = ProductCache(cache / "work", lambda _: None)
        build = ModelBuild(entry, work, cache_dir=cache, offline=True, on_step=lambda _: None)
        images = load_canaries()[:1]
        inference = ModelInference(
            build, image_runs(image_files(None, images), work, lambda _: None)
        )
        key = ModelKey(entry.name, "raw")
        context = CheckContext(key, build, inference, load_policy(), None, images, (key,))
        try:
            (entries,) = [row.run(context) for row in CHECKS if row.name == check]
        except ValidationError as error:
            return f"FAIL {type(error).__name__}: {error}"
        (result,) = [each for each in entries if isinstance(each, CheckResult)]
        broken = [each.name for each in result.measures if each.status is Status.FAIL]
        return (
            f"{result.status.name} {result.where}: {describe_result(result)} [{', '.join(broken)}]"
        )

    return step


def export(*, prefix: str | None = CHECKPOINT) -> Step:
    """`python -m validation export`: its exit code and its last words.

    Args:
        prefix: --trained_checkpoint_prefix; None takes the frozen graph.
    """

    def step(archive: Path, cache: Path) -> str:
        source = (
            f"--frozen_graph={archive / FROZEN}"
            if prefix is None
            else f"--trained_checkpoint_prefix={archive / prefix}"
        )
        target = f"--output_directory={cache / 'exported'}"
        arguments = ["export", source, f"--pipeline_config_path={archive / CONFIG}", target]
        told = io.StringIO()
        with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            code = main(arguments)
        return f"EXIT {code} {told.getvalue().splitlines()[-1]}"

    return step


def told_of(row: Row, archives: Path, folder: Path, cache: Path) -> str:
    """What a user reads who has the row's archive.

    Args:
        row: The fault.
        archives: Folder of the good archives.
        folder: Gets a changed copy.
        cache: Of products.
    """
    archive = Path(shutil.copytree(archives / row.archive, folder / "zoo" / row.archive))
    for change in row.changes:
        change(archive)
    return row.step(archive, cache)


def assert_told(row: Row, told: str) -> None:
    """One line that says all that the row expects, and is no longer than a screen."""
    for expected in row.says:
        assert re.search(expected, told), told
    assert "\n" not in told
    # What can be read at night: not the names of all variables.
    assert len(told) < 2500
