"""Every run on all images of a session that the checks of a subject need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from validation.checks.scored_sides import FLAGS, prices_flags
from validation.workspace.context import CheckContext
from validation.workspace.model_build import EVALUATION
from validation.workspace.planned_run import PlannedRun


def planned_runs(context: CheckContext) -> Iterator[PlannedRun]:
    """The runs of a subject; those of what judges it with the model's first subject.

    Files are exported and converted on the way, those of a run when it is asked for.

    Raises:
        ValidationError: A file cannot be had.
    """
    for plan in run_plans(context):
        if (run := plan()) is not None:
            yield run


def run_plans(context: CheckContext) -> Iterator[Callable[[], PlannedRun | None]]:
    """What gives each run of a subject, so that one that cannot be had hides no other.

    Each raises ValidationError where a file cannot be had, and gives None where nothing is run.
    """
    if context.is_first:
        yield lambda: context.reference.planned
    yield lambda: context.subject.planned
    if context.dataset is None:
        return
    name = context.key.variant
    if context.has_shipped_flags:
        yield partial(context.inference.planned_candidate, name, EVALUATION)
    if prices_flags(context):
        for options in FLAGS.values():
            yield partial(context.inference.planned_candidate, "float", options)
