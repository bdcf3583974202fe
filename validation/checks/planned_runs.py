"""Every run on all images of a session that the checks of a subject need."""

from __future__ import annotations

from collections.abc import Iterator

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
    if context.is_first and (reference := context.reference.planned) is not None:
        yield reference
    yield context.subject.planned
    if context.dataset is None:
        return
    name = context.key.variant
    if context.has_shipped_flags:
        yield context.inference.planned_candidate(name, EVALUATION)
    if prices_flags(context):
        for options in FLAGS.values():
            yield context.inference.planned_candidate("float", options)
