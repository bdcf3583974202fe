"""Workers of a cluster against one of them, and what a killed worker costs.

``pytest benchmarks/bench_cluster.py -s`` shows ratios of one run: machines differ, and nothing is
asserted of them. Start-up is measured by itself and is no part of the efficiency.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from validation.cluster.address import parse_cluster
from validation.cluster.images import ImagePlaces
from validation.cluster.pieces import ClusterImages, ClusterRun, piece_on_worker
from validation.cluster.session import ClusterSession, cluster_session
from validation.cluster.worker import WorkerFacts
from validation.inference.input_cache import InputCache
from validation.pieces.piece import read_piece
from validation.pieces.store import PieceStore
from validation.policy.load import load_policy
from validation.preprocess.image import ImageFile, images_in
from validation.record.cluster_use import ClusterUse
from validation.record.detection_files import detections_bytes
from validation.workspace.groups import chosen_models
from validation.workspace.image_runs import ImageRuns
from validation.workspace.model_build import ModelBuild
from validation.workspace.model_inference import ModelInference
from validation.workspace.products import ProductCache, image_sha256
from validation.zoo.bundled_files import labelled_scenes

# Group, model, images: one of a few milliseconds an image, and one of full size.
_CASES = (("bundled", "ssd_mobilenet_v1", 3000), ("synthetic", "ssd_mobilenet_v1_coco", 160))
_ROUNDS = 3


@dataclass(frozen=True)
class _Case:
    """A model's float file on the package's scenes under many ids."""

    model: str
    run: ClusterRun
    images: ClusterImages

    def some(self, count: int) -> ClusterImages:
        """The first images."""
        return ClusterImages(self.images.images[:count], self.images.hashes, self.images.places)


@pytest.fixture(scope="module", params=_CASES, ids=[model for _, model, _ in _CASES])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> _Case:
    """Converted once; each image is read by each worker, as one of another folder would be."""
    group, model, count = request.param
    root = tmp_path_factory.mktemp("cluster")
    (entry,) = chosen_models(group, (model,))
    work = ProductCache(root / "work", lambda _: None)
    build = ModelBuild(entry, work, cache_dir=root, offline=True, on_step=lambda _: None)
    scenes = images_in(labelled_scenes()[1])
    images = [ImageFile(str(key), scenes[key % len(scenes)].path) for key in range(count)]
    hashed = {each.path: image_sha256(each) for each in scenes}
    hashes = {image.key: hashed[image.path] for image in images}
    runs = ImageRuns(tuple(images), work, work, InputCache(), root)
    planned = ModelInference(build, runs).planned_candidate("float")
    run = ClusterRun(planned.facts, planned.plan(), planned.path)
    return _Case(model, run, ClusterImages(images, hashes, ImagePlaces()))


@contextlib.contextmanager
def _warm(case: _Case, workers: int, folder: Path) -> Iterator[ClusterSession]:
    """Workers that have imported all they need and have run the file once."""
    with cluster_session(parse_cluster(f"local:{workers}"), load_policy(), print) as session:
        session.make_pieces([case.run], case.some(50), PieceStore((folder,)), "warm")
        yield session


def _seconds(session: ClusterSession, case: _Case, folder: Path) -> float:
    started = time.perf_counter()
    session.make_pieces([case.run], case.images, PieceStore((folder,)), "timed")
    return time.perf_counter() - started


def _cpu_seconds(session: ClusterSession) -> tuple[float, float]:
    """CPU seconds so far: of the workers, and of this process with its scheduler."""
    return sum(session.connection.client.run(time.process_time).values()), time.process_time()


def _of_processes(numbers: Iterable[int]) -> float:
    """CPU seconds that some processes have taken so far."""
    ticks = 0
    for each in numbers:
        fields = (
            Path(f"/proc/{each}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rpartition(")")[2]
            .split()
        )
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _digest(case: _Case, folder: Path) -> str:
    store, names = PieceStore((folder,)), {each.key for each in case.images.images}
    digest = hashlib.sha256()
    for path in store.of(case.run.facts):
        found = read_piece(path).detections
        names -= set(found)
        for key, each in found.items():
            digest.update(key.encode() + detections_bytes({key: each}))
    assert not names
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _plain_processes(case: _Case, count: int) -> Iterator[Callable[[], tuple[float, float]]]:
    """The same work without a cluster, an equal share for each process.

    Gives the seconds, and the CPU seconds that the processes have taken so far.

    It says what the machine has to give: its cores, and what others leave of them.
    """
    worker = WorkerFacts("none", "here", "", 1, {})
    share = len(case.images.images) // count

    def seconds(most: int) -> float:
        started = time.perf_counter()
        futures = []
        for first in range(0, share * count, share):
            part = case.images.images[first : first + min(share, most)]
            hashes = {each.key: case.images.hashes[each.key] for each in part}
            remote = case.images.remote(first, first + len(part))
            run = (case.run.facts, case.run.plan, remote, first, hashes, None)
            futures.append(pool.submit(piece_on_worker, worker, case.run.path, *run))
        wait(futures)
        assert all(each.exception() is None for each in futures)
        return time.perf_counter() - started

    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        seconds(50)
        # As `_cpu_seconds`: other work on the machine does not count.
        yield lambda: (seconds(share), _of_processes(pool._processes))


def test_two_workers_against_one(case: _Case, tmp_path: Path) -> None:
    """Efficiency: the time of one over twice that of two, rounds by turns.

    Beside it, the same of plain processes: the efficiency that the machine allows just then.
    """
    with (
        _warm(case, 1, tmp_path / "a") as one,
        _warm(case, 2, tmp_path / "b") as two,
        _plain_processes(case, 1) as plain_one,
        _plain_processes(case, 2) as plain_two,
    ):
        starts = [each.connection.start_seconds for each in (one, two)]
        times: list[tuple[float, float, float, float]] = []
        cpu: list[tuple[float, float, float]] = []
        taken = plain_two()[1]
        for number in range(_ROUNDS):
            alone = _seconds(one, case, tmp_path / f"one-{number}")
            before = _cpu_seconds(two)
            both = _seconds(two, case, tmp_path / f"two-{number}")
            of_workers, of_this = (b - a for a, b in zip(before, _cpu_seconds(two), strict=True))
            plain_seconds, taken_then = plain_two()
            times.append((alone, both, plain_one()[0], plain_seconds))
            cpu.append((of_workers, of_this, taken_then - taken))
            taken = taken_then
    same = {_digest(case, tmp_path / f"{name}-0") for name in ("one", "two")}
    cluster = [alone / (2 * both) for alone, both, _, _ in times]
    plain = [alone / (2 * both) for _, _, alone, both in times]
    _show(f"{case.model}, {len(case.images.images)} images, seconds by turns:")
    _show("1 worker, 2 workers, 1 process, 2 processes")
    for row in times:
        _show("  ".join(f"{each:.2f}" for each in row))
    _show("CPU seconds of 2 workers, of this process with the scheduler, of 2 processes:")
    for row in cpu:
        _show("  ".join(f"{each:.2f}" for each in row))
    shares = [plain / (workers + own) for workers, own, plain in cpu]
    _show(f"2 processes over 2 workers and this process: median {statistics.median(shares):.2f}")
    _show(f"efficiency of two workers: median {statistics.median(cluster):.2f}")
    _show(f"efficiency of two plain processes: median {statistics.median(plain):.2f}")
    _show(
        f"start-up, not in it: {starts[0]:.1f} s and {starts[1]:.1f} s; same bits: {len(same) == 1}"
    )


def test_killed_worker(case: _Case, tmp_path: Path) -> None:
    """The same detections, and what the record says."""
    with _warm(case, 2, tmp_path / "a") as session:
        whole = _seconds(session, case, tmp_path / "whole")
    with _warm(case, 2, tmp_path / "b") as session:
        process = next(iter(session.connection.client.run(os.getpid).values()))
        timer = threading.Timer(whole / 2, lambda: os.kill(process, signal.SIGKILL))
        timer.start()
        seconds = _seconds(session, case, tmp_path / "killed")
        timer.join()
        use: ClusterUse = session.use()
    digests = [_digest(case, tmp_path / name) for name in ("whole", "killed")]
    _show(f"whole {whole:.1f} s, with a worker killed {seconds:.1f} s: {digests}")
    for line in (use.describe(), *use.notices()):
        _show(line)


def _show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
