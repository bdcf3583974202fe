"""Pieces made by workers are those of this process, and what is made is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bundled_case import bundled_case
from dask_processes import dask_processes

from validation.cluster.address import ClusterAddress, parse_cluster
from validation.cluster.images import ImagePlaces
from validation.cluster.pieces import ClusterImages, ClusterRun, smallest_piece
from validation.cluster.session import ClusterSession, cluster_session
from validation.errors import ClusterError, ClusterLost, ConversionError
from validation.pieces.store import PieceStore
from validation.policy.load import load_policy
from validation.record.detections import Detections
from validation.workspace.context import CheckContext
from validation.workspace.planned_run import PlannedRun

_IMAGES = 120


@pytest.fixture(scope="module")
def case(made_once: Callable[..., Path]) -> CheckContext:
    """A bundled model on some scenes."""
    folder = made_once("cluster-case", lambda folder: bundled_case(folder).subject.path)
    return bundled_case(folder, images=_IMAGES)


@pytest.fixture(scope="module")
def local() -> Iterator[ClusterSession]:
    """Two workers of this machine."""
    with cluster_session(parse_cluster("local:2"), load_policy(), print) as session:
        yield session


def _run(planned: PlannedRun) -> ClusterRun:
    return ClusterRun(planned.facts, planned.plan(), planned.path)


def _images(case: CheckContext, places: ImagePlaces | None = None) -> ClusterImages:
    runs = case.inference.runs
    return ClusterImages(runs.images, runs.image_hashes, places or ImagePlaces())


def _joined(store: PieceStore, case: CheckContext, planned: PlannedRun) -> dict[str, Detections]:
    parts = store.covering(planned.facts, case.inference.runs.listed)
    return {key: each for part in parts for key, each in part.detections.items()}


def _equal(found: dict[str, Detections], wanted: dict[str, Detections]) -> bool:
    return list(found) == list(wanted) and all(
        np.array_equal(getattr(found[key], part.name), getattr(wanted[key], part.name))
        for key in wanted
        for part in dataclasses.fields(Detections)
    )


def test_file_bit_by_bit(local: ClusterSession, case: CheckContext, tmp_path: Path) -> None:
    """What workers detect is what this process detects."""
    store, planned = PieceStore((tmp_path,)), case.subject.planned
    made = local.make_pieces([_run(planned)], _images(case), store, "run")
    assert made.images == _IMAGES
    assert made.pieces > 2
    assert made.failed == {}
    assert store.missing(planned.facts, _IMAGES) == ()
    assert _equal(_joined(store, case, planned), dict(case.subject.detections()))


def test_what_is_kept_is_not_made_again(
    local: ClusterSession, case: CheckContext, tmp_path: Path
) -> None:
    """A second session asks only for the images that no piece covers."""
    planned = case.subject.planned
    images = _images(case)
    store = PieceStore((tmp_path,))
    local.make_pieces([_run(planned)], images, store, "first")
    first = next(iter(store.of(planned.facts)))
    first.unlink()
    again = PieceStore((tmp_path,))
    made = local.make_pieces([_run(planned)], images, again, "second")
    assert 0 < made.images < _IMAGES
    assert made.kept == _IMAGES - made.images
    assert again.missing(planned.facts, _IMAGES) == ()


def test_file_that_cannot_be_run_stops_itself_alone(
    local: ClusterSession, case: CheckContext, tmp_path: Path
) -> None:
    """Its error comes back typed, and the other run is made."""
    planned = case.subject.planned
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"TFL3" * 100)
    facts = dataclasses.replace(planned.facts, address="0" * 64, step="run broken")
    runs = [ClusterRun(facts, planned.plan(), broken), _run(planned)]
    made = local.make_pieces(runs, _images(case), PieceStore((tmp_path,)), "both")
    assert list(made.failed) == ["ssd_mobilenet_v1-float, run broken"]
    assert isinstance(next(iter(made.failed.values())), ConversionError)
    assert made.images == _IMAGES


def test_image_that_a_worker_has_otherwise_ends_the_work(
    local: ClusterSession, case: CheckContext, tmp_path: Path
) -> None:
    """It is no fault of the model file: nothing is made of other images."""
    images = _images(case)
    changed = {**images.hashes, images.images[0].key: "0" * 64}
    images = dataclasses.replace(images, hashes=changed)
    store = PieceStore((tmp_path,))
    with pytest.raises(ClusterError, match=r"another file for the image .*expected sha256 0000"):
        local.make_pieces([_run(case.subject.planned)], images, store, "run")


def test_worker_killed_in_the_middle(case: CheckContext, tmp_path: Path) -> None:
    """Others make its pieces again, the detections are the same, and the record says so."""
    planned = case.subject.planned
    store = PieceStore((tmp_path,))
    with cluster_session(parse_cluster("local:2"), load_policy(), print) as session:
        process = next(iter(session.connection.client.run(os.getpid).values()))
        with _when_a_piece_is_kept(tmp_path, lambda: os.kill(process, signal.SIGKILL)):
            made = session.make_pieces([_run(planned)], _images(case), store, "run")
        use = session.use()
    assert made.failed == {}
    assert _equal(_joined(store, case, planned), dict(case.subject.detections()))
    assert [each.host for each in use.lost] == [use.machines[0].host]
    assert use.repeated
    (notice,) = use.notices()
    assert notice.startswith("1 worker of the cluster went away during the run")
    assert use.repeated[0] in notice


def test_scheduler_killed_and_the_run_resumed(
    case: CheckContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is one clear error; the same again makes only what is missing."""
    planned, images = case.subject.planned, _images(case)
    pieces = tmp_path / "pieces"
    store = PieceStore((pieces,))
    logged = _logged(monkeypatch)
    with dask_processes(tmp_path, workers=1) as processes:
        assert processes.scheduler is not None
        address = ClusterAddress("head", scheduler_file=processes.file)
        with (
            pytest.raises(ClusterLost) as lost,
            cluster_session(address, load_policy(), print) as session,
            _when_a_piece_is_kept(pieces, processes.scheduler.kill),
        ):
            session.make_pieces([_run(planned)], images, store, "run")
    assert logged == []
    again = PieceStore((pieces,))
    kept = sum(each.last - each.first for each in again.of(planned.facts).values())
    assert 0 < kept < _IMAGES
    assert f"{kept} of {_IMAGES} images are kept" in str(lost.value)
    assert "run the same command again" in str(lost.value)
    assert all(path.name.endswith(".piece.npz") for path in pieces.iterdir())
    with dask_processes(tmp_path, workers=2) as processes:
        address = ClusterAddress("head", scheduler_file=processes.file)
        with cluster_session(address, load_policy(), print) as session:
            made = session.make_pieces([_run(planned)], images, again, "run")
    assert (made.kept, made.images) == (kept, _IMAGES - kept)
    assert _equal(_joined(again, case, planned), dict(case.subject.detections()))


def test_scheduler_killed_between_two_steps(case: CheckContext, tmp_path: Path) -> None:
    """While this process exports: the next step says that it is gone, and does not wait for it."""
    planned = case.subject.planned
    with dask_processes(tmp_path, workers=1) as processes:
        assert processes.scheduler is not None
        address = ClusterAddress("head", scheduler_file=processes.file)
        with (
            pytest.raises(ClusterLost, match="the scheduler of the cluster is gone"),
            cluster_session(address, load_policy(), print) as session,
        ):
            processes.scheduler.kill()
            processes.scheduler.wait()
            session.make_pieces([_run(planned)], _images(case), PieceStore((tmp_path,)), "run")


def _logged(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    """What reaches the log of Dask's client from now on."""
    from distributed import client

    class Keeping(logging.Handler):
        """Keeps records."""

        def emit(self, record: logging.LogRecord) -> None:
            """See `logging.Handler`."""
            records.append(record)

    records: list[logging.LogRecord] = []
    monkeypatch.setattr(client.logger, "handlers", [Keeping()])
    return records


@contextlib.contextmanager
def _when_a_piece_is_kept(folder: Path, do: Callable[[], None]) -> Iterator[None]:
    """Do something beside the block, as soon as it has kept its first piece."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while not any(folder.glob("*.npz")) and time.monotonic() < deadline:
            time.sleep(0.005)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_no_scheduler_is_a_clear_error() -> None:
    """With the address that was tried, and the next step."""
    nobody = ClusterAddress("tcp://127.0.0.1:9", scheduler="tcp://127.0.0.1:9")
    policy = load_policy()
    impatient = dataclasses.replace(
        policy, settings={**policy.settings, "cluster_worker_seconds": 1}
    )
    with (
        pytest.raises(ClusterError, match=r"no scheduler answers \(tcp://127.0.0.1:9\)"),
        cluster_session(nobody, impatient, print),
    ):
        pass


def test_scheduler_without_workers_is_waited_for_and_named(tmp_path: Path) -> None:
    """Not for ever."""
    said: list[str] = []
    policy = load_policy()
    impatient = dataclasses.replace(
        policy, settings={**policy.settings, "cluster_worker_seconds": 2}
    )
    with (
        dask_processes(tmp_path, workers=0) as processes,
        pytest.raises(ClusterError, match="the cluster has no worker"),
        cluster_session(
            ClusterAddress("head", scheduler_file=processes.file), impatient, said.append
        ),
    ):
        pass
    assert said == ["waiting for a worker of head"]


def test_pieces_of_a_fast_model_are_larger() -> None:
    """Their seconds grow with the number of threads, for one process keeps the pieces of all."""
    assert smallest_piece(5000, 2, 0.0) == 16
    assert smallest_piece(5000, 2, 1.0) == 16
    assert smallest_piece(5000, 2, 0.002) == 50
    assert smallest_piece(5000, 8, 0.002) == 200
    # No thread is left without one.
    assert smallest_piece(5000, 100, 0.002) == 50
    assert smallest_piece(40, 2, 0.002) == 20
    assert smallest_piece(20, 2, 0.002) == 16


def test_pieces_shrink_to_the_end() -> None:
    """Workers end together, whatever a piece costs; ranges join without a gap."""
    from validation.isolation.forks import range_size

    sizes, left = [], 5000
    while left:
        sizes.append(min(range_size(left, 2, 16), left))
        left -= sizes[-1]
    assert sum(sizes) == 5000
    assert all(one >= two for one, two in itertools.pairwise(sizes))
    assert sizes[0] == 250
    assert sizes[-1] <= 16
