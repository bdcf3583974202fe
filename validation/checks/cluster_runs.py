"""What of a session a cluster can do: its conversions, and its runs on all images."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from validation.checks.planned_runs import run_plans
from validation.checks.scored_sides import labels_of
from validation.cluster.pieces import ClusterRun
from validation.errors import ValidationError
from validation.record.run import Step
from validation.record.types import ModelKey
from validation.workspace.context import CheckContext
from validation.workspace.planned_conversion import PlannedConversion
from validation.workspace.planned_run import PlannedRun
from validation.workspace.session import Session
from validation.workspace.settled import settle_process


@dataclass(frozen=True)
class ClusterWork:
    """What of a session a cluster can do.

    Args:
        runs: Whose files are there.
        conversions: Of files that are not there, which further runs need.
        steps: That were taken to find out: archives fetched, graphs exported.
    """

    runs: tuple[ClusterRun, ...]
    conversions: tuple[PlannedConversion, ...]
    steps: tuple[Step, ...]


def work_for_cluster(session: Session, keys: Sequence[ModelKey]) -> ClusterWork:
    """The conversions and runs that the checks of some subjects need; nothing is converted here.

    Args:
        session: As another process takes part in it.
        keys: The subjects.

    Returns:
        A subject of which something else than a conversion cannot be made has no run from there
        on: its checks say why.
    """
    settle_process(session.policy)
    missing: dict[str, PlannedConversion] = {}

    def note(planned: PlannedConversion, folder: Path) -> NoReturn:
        missing[f"{planned.model}, {planned.step}"] = planned
        raise _NotConverted("left to the cluster", where=folder)

    noting = dataclasses.replace(session, convert=note)
    runs: dict[str, ClusterRun] = {}
    for key in keys:
        with contextlib.suppress(ValidationError):
            context = noting.context(key)
            for plan in run_plans(context):
                with contextlib.suppress(_NotConverted):
                    _add(context, plan, runs)
    steps = tuple(noting.drain_steps())
    return ClusterWork(tuple(runs.values()), tuple(missing.values()), steps)


class _NotConverted(ValidationError):
    """A file that is not there; never shown."""


def _add(
    context: CheckContext, plan: Callable[[], PlannedRun | None], runs: dict[str, ClusterRun]
) -> None:
    run, dataset = plan(), context.dataset
    if run is None or not run.is_shared:
        return
    labels = None if dataset is None else labels_of(context, dataset)
    runs[run.facts.address] = ClusterRun(run.facts, run.plan(), run.path, labels)
