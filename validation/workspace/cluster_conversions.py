"""Conversions of a session made by the workers of a cluster, each kept in the cache as it comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from validation.cluster.conversions import ClusterConversion
from validation.cluster.images import ImagePlaces
from validation.cluster.session import ClusterSession
from validation.cluster.task import Done
from validation.errors import ClusterLost
from validation.record.plurals import plural
from validation.record.run import Stage, Step
from validation.workspace.planned_conversion import PlannedConversion
from validation.workspace.products import ProductCache


def convert_on_cluster(
    planned: Sequence[PlannedConversion],
    session: ClusterSession,
    places: ImagePlaces,
    needs: Mapping[str, float],
    work: Path,
    say: Callable[[str], object],
) -> list[Step]:
    """Have workers convert files, and put each into the cache at the address of its content.

    What a worker cannot convert is not in the cache afterwards: the checks convert it, in
    processes of their own, and report what stops them.

    Args:
        planned: What is to be converted.
        session: Of the cluster.
        places: Where workers find the calibration images.
        needs: Memory in bytes, by model.
        work: The cache's folder of products.
        say: Takes a line for the user.

    Returns:
        A step for each file, with the seconds that its worker took.

    Raises:
        ClusterError: A worker cannot do its part, or the cluster is lost.
    """
    by_task = {_of_cluster(each, session, needs): each for each in planned}
    steps: list[Step] = []
    try:
        for conversion, done in session.convert(list(by_task), places, say):
            steps.append(_kept(by_task[conversion], done, work))
    except ClusterLost as error:
        error.got = f"{len(steps)} of {plural(len(planned), 'conversion')} are kept"
        raise
    return steps


def _kept(planned: PlannedConversion, done: Done, work: Path) -> Step:
    steps: list[Step] = []
    ProductCache(work, steps.append).product(
        planned.model,
        Stage.CONVERT,
        planned.step,
        planned.made_from,
        partial(_write, planned.file_name, done.value),
    )
    (step,) = steps
    return step if step.cached else dataclasses.replace(step, seconds=done.seconds)


def _of_cluster(
    planned: PlannedConversion, session: ClusterSession, needs: Mapping[str, float]
) -> ClusterConversion:
    return ClusterConversion(
        f"{planned.model}, {planned.step}",
        planned.graph,
        planned.variant,
        planned.preprocessing,
        planned.input_stats,
        planned.calibration,
        int(needs.get(planned.model, 0)),
        session.limits.step_seconds,
    )


def _write(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
