"""A connection to a cluster: workers started or found, and held against this process."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from validation.cluster.address import ClusterAddress
from validation.cluster.extra import require_extra
from validation.cluster.scheduler import asked, lost
from validation.cluster.versions import refuse_mixed
from validation.cluster.worker import Wanted, WorkerFacts, answer
from validation.errors import ClusterError

# The resource by which workers declare their memory in bytes.
MEMORY = "memory"
_PAUSE_SECONDS = 1.0
_CLOSE_SECONDS = 5
_LOG = "distributed"
# Dask profiles each worker every 10 ms, and measures each process every 20 and 500 ms: some per
# cent of a core for each worker, and the interpreter's lock in the middle of an image.
_UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "2s",
    "distributed.admin.system-monitor.interval": "10s",
}


@dataclass(frozen=True)
class Connection:
    """A cluster that is ready for tasks.

    Args:
        client: Dask's.
        address: As it was named.
        wanted: What workers have to agree with.
        workers: Those that were there at first, by address.
        memory: What they declare as the resource `MEMORY`, in bytes by address.
        start_seconds: From the start to the first moment at which a task could be run.
    """

    client: Any
    address: ClusterAddress
    wanted: Wanted
    workers: Mapping[str, WorkerFacts]
    memory: Mapping[str, float]
    start_seconds: float

    def threads(self) -> int:
        """Tasks that the workers run at a time, now.

        Raises:
            ClusterLost: The scheduler does not answer.
        """
        try:
            return sum(asked(self.client, self.address, self.client.nthreads).values())
        except (OSError, TimeoutError) as error:
            raise lost(self.address) from error


@contextlib.contextmanager
def connected(
    address: ClusterAddress, *, wait_seconds: float, say: Callable[[str], object]
) -> Iterator[Connection]:
    """Connect to a cluster, or start one, and end both with the block.

    Args:
        address: Where it is.
        wait_seconds: For the scheduler, and for its first worker.
        say: Takes a line for the user where something takes time.

    Raises:
        UsageError: The extra is not installed.
        ClusterError: No scheduler, no workers, or workers of other versions.
    """
    require_extra()
    from distributed import Client

    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        if address.local is not None:
            before = dict(os.environ)
            stack.callback(_restore, before)
            cluster = stack.enter_context(_local(address.local))
            _restore(before)
            client = Client(cluster, set_as_default=False)
        else:
            client = _remote(address, wait_seconds)
        stack.callback(client.close, timeout=_CLOSE_SECONDS)
        _await_worker(client, address, wait_seconds, say)
        wanted = Wanted.here(on_its_terminal=address.local is not None)
        workers = _workers(client, wanted, address)
        about = asked(client, address, partial(client.scheduler_info, n_workers=-1))
        memory = {
            each: float(facts["resources"][MEMORY])
            for each, facts in about["workers"].items()
            if MEMORY in facts.get("resources", {})
        }
        seconds = time.perf_counter() - started
        yield Connection(client, address, wanted, workers, memory, seconds)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask's log stays off the terminal: what matters of it is an error or a fact of ours."""
    # Some of its loggers have levels and handlers of their own.
    names = [each for each in logging.root.manager.loggerDict if each.split(".")[0] == _LOG]
    levels = {name: logging.getLogger(name).level for name in (_LOG, *names)}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _restore(environment: Mapping[str, str]) -> None:
    """Take back what Dask's nanny sets here for workers to inherit, of the allocator and of BLAS.

    It sets them for each worker that it starts. Children that this process starts for itself are
    to be as without a cluster.
    """
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)


@contextlib.contextmanager
def _local(count: int) -> Iterator[Any]:
    """Worker processes of this machine, one thread each."""
    import dask
    from distributed import LocalCluster

    try:
        # Workers are started with the settings of this process.
        with dask.config.set(_UNWATCHED):
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                # Any free port, for this machine alone.
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL + 1,
                # Dask would pause a worker at a share of the memory, and TensorFlow keeps its own.
                memory_limit=0,
                resources={MEMORY: _machine_bytes() / count},
            )
    except (OSError, RuntimeError) as error:
        raise ClusterError(
            "the worker processes cannot be started",
            got=error,
            where=f"local:{count}",
            next_step="ask for fewer workers, or run without --cluster",
        ) from error
    try:
        yield cluster
    finally:
        cluster.close(timeout=_CLOSE_SECONDS)


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _remote(address: ClusterAddress, wait_seconds: float) -> Any:
    from distributed import Client

    named: dict[str, Any] = (
        {"address": address.scheduler}
        if address.scheduler_file is None
        else {"scheduler_file": str(address.scheduler_file)}
    )
    try:
        return Client(**named, timeout=wait_seconds, set_as_default=False)
    except (OSError, ValueError, TimeoutError, KeyError) as error:
        raise ClusterError(
            "no scheduler answers",
            expected="a running `dask scheduler`",
            got=str(error) or type(error).__name__,
            where=address.text,
            next_step="start one, or name another address; docs/cluster.md shows how",
        ) from error


def _await_worker(
    client: Any, address: ClusterAddress, wait_seconds: float, say: Callable[[str], object]
) -> None:
    deadline = time.monotonic() + wait_seconds
    said = False
    while not asked(client, address, client.nthreads):
        if not said:
            say(f"waiting for a worker of {address.text}")
            said = True
        if time.monotonic() > deadline:
            raise ClusterError(
                "the cluster has no worker",
                expected=f"at least one within {wait_seconds:.0f} s",
                where=address.text,
                next_step="start workers: `dask worker ADDRESS --nthreads 1 --nworkers auto`",
            )
        time.sleep(_PAUSE_SECONDS)


def _workers(client: Any, wanted: Wanted, address: ClusterAddress) -> dict[str, WorkerFacts]:
    """The workers that are there, each asked for its versions.

    Raises:
        ClusterError: One has no harness, or other versions.
    """
    try:
        answers = asked(client, address, partial(client.run, answer, on_error="return"))
    except (OSError, TimeoutError) as error:
        raise lost(address) from error
    wrong = {each: facts for each, facts in answers.items() if isinstance(facts, BaseException)}
    if wrong:
        worker, why = next(iter(wrong.items()))
        raise ClusterError(
            f"{len(wrong)} of {len(answers)} workers cannot run this harness",
            expected="the same package as here",
            got=f"{type(why).__name__}: {why}",
            where=worker,
            next_step="pip install the same version of ssd-tflite-validation[cluster] there",
        )
    found: dict[str, WorkerFacts] = dict(answers)
    refuse_mixed(wanted.versions, {each: facts.versions for each, facts in found.items()})
    return found
