"""What a command has a cluster do: one connection, its tasks, and what the record says of them."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from validation.cluster.address import ClusterAddress
from validation.cluster.connection import Connection, connected
from validation.cluster.conversions import ClusterConversion, converted
from validation.cluster.images import ImagePlaces
from validation.cluster.pieces import ClusterImages, ClusterRun, Made, make_pieces
from validation.cluster.task import Done
from validation.cluster.tasks import TaskRunner
from validation.cluster.watch import Watch
from validation.errors import ClusterError, ClusterTooSmall
from validation.isolation.limits import ProcessLimits
from validation.pieces.store import PieceStore
from validation.policy.load import Policy
from validation.policy.process_limits import limits_of
from validation.record.cluster_use import ClusterMachine, ClusterUse, LostWorker


@dataclass
class ClusterSession:
    """A cluster at work for one command.

    Args:
        connection: The cluster.
        runner: Of its tasks.
        started: On the clock of `time.perf_counter`.
        limits: Of the policy: of an image, and of a step.
        made: Pieces, by every call; among what failed are conversions.
        conversions: That were done.
    """

    connection: Connection
    runner: TaskRunner
    started: float
    limits: ProcessLimits
    made: Made = field(default_factory=Made)
    conversions: int = 0

    def make_pieces(
        self, runs: Sequence[ClusterRun], images: ClusterImages, store: PieceStore, label: str
    ) -> Made:
        """Have the workers make what a store lacks; see `validation.cluster.pieces`.

        Args:
            runs: Model files.
            images: That they are run on.
            store: Gets the pieces, each when it comes.
            label: Of the progress bar.

        Raises:
            ClusterError: A worker cannot do its part, or the cluster is lost.
        """
        threads = self.connection.threads()
        made = make_pieces(
            runs,
            images,
            store,
            self.runner,
            threads=threads,
            limits=self.limits,
            label=label,
        )
        self.made += made
        for error in made.failed.values():
            # It is no fault of the model file, and would come back for every other one.
            if isinstance(error, ClusterError):
                raise error
        return made

    def convert(
        self,
        conversions: Sequence[ClusterConversion],
        places: ImagePlaces,
        say: Callable[[str], object],
    ) -> Iterator[tuple[ClusterConversion, Done]]:
        """Have the workers convert files; each is given when it is done, its bytes as the value.

        Args:
            conversions: What is to be converted; one that cannot be is noted, and not given.
            places: Where workers find the calibration images.
            say: Takes a line for the user.

        Raises:
            ClusterError: A worker cannot do its part, or the cluster is lost.
        """
        for conversion, done in converted(conversions, places, self.runner, say):
            if done.error is None:
                self.conversions += 1
                yield conversion, done
                continue
            self.made.failed.setdefault(conversion.name, done.error)
            if isinstance(done.error, ClusterError) and not isinstance(done.error, ClusterTooSmall):
                raise done.error

    def use(self, images_from: str = "") -> ClusterUse:
        """What the cluster did so far, for the record.

        Args:
            images_from: See `ClusterUse`.
        """
        watch, made = self.runner.watch, self.made
        return ClusterUse(
            self.connection.address.text,
            _machines(watch),
            made.pieces,
            made.images,
            time.perf_counter() - self.started,
            self.connection.start_seconds,
            made.kept,
            self.conversions,
            tuple(LostWorker(each, _host(watch, each)) for each in watch.lost),
            tuple(watch.repeated),
            tuple(made.failed),
            images_from,
        )


@contextlib.contextmanager
def cluster_session(
    address: ClusterAddress, policy: Policy, say: Callable[[str], object]
) -> Iterator[ClusterSession]:
    """Connect to a cluster, or start one, for the block.

    Args:
        address: Where it is.
        policy: How long is waited for it.
        say: Takes a line for the user.

    Raises:
        UsageError: The extra is not installed.
        ClusterError: It cannot be used.
    """
    patience = policy.setting("cluster_worker_seconds")
    started = time.perf_counter()
    with connected(address, wait_seconds=patience, say=say) as connection:
        runner = TaskRunner(connection, wait_seconds=patience)
        yield ClusterSession(connection, runner, started, limits_of(policy))


def raise_first(made: Made) -> None:
    """Raise what stopped a run, where one command has one run.

    Raises:
        ValidationError: As a worker raised it.
    """
    for error in made.failed.values():
        raise error


def _machines(watch: Watch) -> tuple[ClusterMachine, ...]:
    by_host = defaultdict(list)
    for worker in watch.workers.values():
        by_host[worker.host].append(worker)
    return tuple(
        ClusterMachine(host, each[0].processor, len(each), sum(one.threads for one in each))
        for host, each in sorted(by_host.items())
    )


def _host(watch: Watch, address: str) -> str:
    worker = watch.workers.get(address)
    return "" if worker is None else worker.host
