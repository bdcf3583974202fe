"""What of a session the workers of a cluster can do: its runs on all images."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from validation.checks.planned_runs import planned_runs
from validation.checks.scored_sides import labels_of
from validation.cluster.pieces import ClusterRun
from validation.errors import ValidationError
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.workspace.context import CheckContext
from validation.workspace.session import Session
from validation.workspace.settled import settle_process


def runs_for_cluster(
    session: Session, keys: Sequence[ModelKey]
) -> tuple[list[ClusterRun], list[Step]]:
    """Every run that the checks of some subjects need; files are exported and converted for it.

    Args:
        session: As another process takes part in it.
        keys: The subjects.

    Returns:
        The runs, and the steps that were taken for them. A subject of which something cannot be
        made has no run from there on: its checks say why.
    """
    settle_process(session.policy)
    runs: dict[str, ClusterRun] = {}
    for key in keys:
        with contextlib.suppress(ValidationError):
            _add(session.context(key), runs)
    return list(runs.values()), session.drain_steps()


def _add(context: CheckContext, runs: dict[str, ClusterRun]) -> None:
    dataset = context.dataset
    for run in planned_runs(context):
        if not run.is_shared:
            continue
        labels = None if dataset is None else labels_of(context, dataset)
        runs[run.facts.address] = ClusterRun(run.facts, run.plan(), run.path, labels)
