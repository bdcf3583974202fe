"""Which cluster took part in a run, and what became of its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from validation.errors import first_few
from validation.record.plurals import plural

# Names of what was made again that a sentence has.
_MOST = 3


@dataclass(frozen=True)
class ClusterMachine:
    """A machine that workers ran on.

    Args:
        host: Its name.
        processor: Model name.
        workers: Processes that took part, those that were lost included.
        threads: Of all of them.
    """

    host: str
    processor: str
    workers: int
    threads: int


@dataclass(frozen=True)
class LostWorker:
    """A worker that went away without having been asked to.

    Args:
        address: As the scheduler knew it.
        host: Of its machine; empty where it went before it had done anything.
    """

    address: str
    host: str = ""


@dataclass(frozen=True)
class ClusterUse:
    """What a cluster did for a run.

    Args:
        address: As `--cluster` named it.
        machines: By name.
        pieces: Made on it for this run.
        images: In these pieces.
        kept: Images whose pieces an earlier session had made and kept.
        conversions: Done on it.
        lost: Workers that went away.
        repeated: Pieces and conversions that a lost worker had and that others began again.
        failed: Runs and conversions that could not be made there, and were left to this machine.
        seconds: From the connection to the last result.
        start_seconds: Of these until the first task could be run.
        images_from: URL that workers read images from; empty: the paths of the controlling process.
    """

    address: str
    machines: tuple[ClusterMachine, ...]
    pieces: int
    images: int
    seconds: float
    start_seconds: float
    kept: int = 0
    conversions: int = 0
    lost: tuple[LostWorker, ...] = ()
    repeated: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    images_from: str = ""

    @property
    def workers(self) -> int:
        """Of all machines."""
        return sum(machine.workers for machine in self.machines)

    def describe(self) -> str:
        """``cluster local:2: 12 pieces of 600 images by 2 workers on 1 machine``."""
        done = f"{plural(self.pieces, 'piece')} of {plural(self.images, 'image')}"
        if self.conversions:
            done += f" and {plural(self.conversions, 'conversion')}"
        if self.kept:
            done += f", {plural(self.kept, 'image')} kept from an earlier run"
        where = f"{plural(self.workers, 'worker')} on {plural(len(self.machines), 'machine')}"
        return f"cluster {self.address}: {done}, by {where}"

    def notices(self) -> Iterator[str]:
        """What a reader should know besides, a sentence each."""
        if self.lost:
            hosts = Counter(each.host or each.address for each in self.lost)
            text = f"{plural(len(self.lost), 'worker')} of the cluster went away during the run"
            text += f" ({first_few(hosts)})"
            if self.repeated:
                again = "; ".join(self.repeated[:_MOST])
                more = len(self.repeated) - _MOST
                text += f"; made again by others: {again}" + (f"; {more} more" if more > 0 else "")
            yield text
        processors = sorted({machine.processor for machine in self.machines})
        if processors[1:]:
            yield (
                f"the cluster has machines of {plural(len(processors), 'kind')} of processors "
                f"({first_few(processors)}): float results may differ in their last bits"
            )
        if self.failed:
            yield f"not made by the cluster, but by this process: {first_few(self.failed)}"
