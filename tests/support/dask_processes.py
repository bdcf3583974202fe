"""`dask scheduler` and `dask worker` processes, as an administrator starts them by hand."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_WAIT_SECONDS = 60


@dataclass
class DaskProcesses:
    """Processes of one cluster on this machine.

    Args:
        folder: For the scheduler file and the logs.
        scheduler: None until it is started.
        workers: By start.
    """

    folder: Path
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def file(self) -> Path:
        """The scheduler file."""
        return self.folder / "scheduler.json"

    def start_scheduler(self) -> None:
        """On any free port of this machine; returns when it can be found."""
        self.file.unlink(missing_ok=True)
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        file = ["--scheduler-file", str(self.file)]
        self.scheduler = self._start("scheduler", *options, *file)
        deadline = time.monotonic() + _WAIT_SECONDS
        while not self.file.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)

    def start_worker(self, *options: str, nanny: bool = False) -> None:
        """One thread; without a nanny nothing takes its place when it dies."""
        own = ["--nthreads", "1", "--no-dashboard", "--nanny" if nanny else "--no-nanny"]
        where = ["--local-directory", str(self.folder), "--death-timeout", "10"]
        file = ["--scheduler-file", str(self.file)]
        self.workers.append(self._start("worker", *own, *where, *file, *options))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{arguments[0]}-{len(self.workers)}.log"
        paths = [str(_ROOT), str(Path(__file__).parent)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.folder,
            )

    def end(self) -> None:
        """All of them."""
        for process in filter(None, (*self.workers, self.scheduler)):
            process.kill()
            process.wait()


@contextlib.contextmanager
def dask_processes(folder: Path, workers: int) -> Iterator[DaskProcesses]:
    """A scheduler and workers while the block runs."""
    processes = DaskProcesses(folder)
    try:
        processes.start_scheduler()
        for _ in range(workers):
            processes.start_worker()
        yield processes
    finally:
        processes.end()
