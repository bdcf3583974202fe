"""Tasks on worker processes of this machine: results, errors, workers that die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cluster_work
import dask
import pytest

from validation.cluster.address import parse_cluster
from validation.cluster.connection import Connection, connected
from validation.cluster.model_file import ModelFile
from validation.cluster.task import Done, Task
from validation.cluster.tasks import TaskRunner
from validation.cluster.worker import WorkerFacts
from validation.errors import ClusterError, FeedError, ProcessEnded


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """Two workers."""
    with connected(parse_cluster("local:2"), wait_seconds=60, say=print) as found:
        yield found


@pytest.fixture
def runner(connection: Connection) -> TaskRunner:
    """Without any history."""
    return TaskRunner(connection, wait_seconds=60)


def test_a_worker_for_each_process_of_one_thread(connection: Connection) -> None:
    """Each declares its share of the machine's memory."""
    assert [each.threads for each in connection.workers.values()] == [1, 1]
    assert set(connection.memory) == set(connection.workers)


def test_workers_of_this_machine_are_not_profiled(connection: Connection) -> None:
    """Dask would do so every 10 ms, in the middle of an image; settings here are left alone."""
    found = connection.client.run(cluster_work.setting, "distributed.worker.profile.enabled")
    assert set(found.values()) == {False}
    assert dask.config.get("distributed.worker.profile.enabled") is True


def test_every_task_once_and_few_at_a_time(runner: TaskRunner) -> None:
    """The next tasks are made when there is room: a long list is never held as a whole."""
    made: list[int] = []
    most = 0

    def tasks() -> Iterator[Task]:
        for number in range(40):
            made.append(number)
            yield Task(f"double {number}", cluster_work.doubled, (number,))

    found = []
    for done in runner.results(tasks()):
        most = max(most, len(made) - len(found))
        found.append(done.value)
    assert sorted(found) == [2 * number for number in range(40)]
    assert most <= 10


def test_error_of_the_harness_comes_back_as_it_was(runner: TaskRunner) -> None:
    """Typed, from the worker, and is not tried again."""
    (done,) = runner.results([Task("bad", cluster_work.refused)])
    assert isinstance(done.error, FeedError)
    assert (done.error.expected, done.error.got) == (1, 2)
    assert done.worker is not None


def test_error_of_python_names_task_and_worker(runner: TaskRunner) -> None:
    """As an error of the harness, the worker's trace in its note."""
    (done,) = runner.results([Task("odd one", cluster_work.broken)])
    assert isinstance(done.error, ClusterError)
    assert "odd one failed on worker tcp://" in str(done.error)
    assert "ZeroDivisionError: by zero" in str(done.error)


def test_what_kills_every_worker_is_named(runner: TaskRunner) -> None:
    """No endless loop: the task is given up by name, and the others are done."""
    deadly = Task("float images 0 to 15", cluster_work.killed)
    others = [Task(f"double {number}", cluster_work.doubled, (number,)) for number in range(4)]
    found: dict[str, Done] = {}
    for done in runner.results([deadly, *others]):
        found[done.task.name] = done
    error = found.pop("float images 0 to 15").error
    assert isinstance(error, ProcessEnded)
    assert "every worker that ran float images 0 to 15 died" in str(error)
    assert sorted(each.value for each in found.values()) == [0, 2, 4, 6]
    assert len(runner.watch.lost) > 1
    assert "float images 0 to 15" in runner.watch.repeated


def test_model_survives_the_workers_that_had_it(
    connection: Connection, runner: TaskRunner, tmp_path: Path
) -> None:
    """What is scattered goes with the last worker that has it, and is then sent again."""
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(12345))
    model = ModelFile(path)
    tasks = [Task(f"length {each}", cluster_work.length, (0.3,), model) for each in range(6)]
    results = runner.results(tasks)
    found = [next(results).value]
    for process in connection.client.run(os.getpid).values():
        os.kill(process, signal.SIGKILL)
    found += [done.value for done in results]
    assert found == [12345] * 6
    assert len(runner.watch.lost) == 2
    assert runner.watch.repeated


def test_tensorflow_gets_the_threads_of_the_worker(runner: TaskRunner) -> None:
    """One interpreter on each core takes no second core."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    tasks = [Task(name, cluster_work.variable, (name,)) for name in names]
    assert [done.value for done in runner.results(tasks)] == ["1"] * 3


def test_memory_that_no_worker_declares(connection: Connection, runner: TaskRunner) -> None:
    """Dask would keep such a task waiting for ever."""
    most = int(max(connection.memory.values()))
    fits = Task("fits", cluster_work.doubled, (1,), memory_bytes=most)
    large = Task("convert int8", cluster_work.doubled, (1,), memory_bytes=2 * most)
    found = {done.task.name: done for done in runner.results([large, fits])}
    assert found["fits"].value == 2
    assert "memory that convert int8 takes" in str(found["convert int8"].error)


def test_worker_that_came_with_other_versions(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each task says what it wants: a worker that joins later is refused as well."""
    monkeypatch.setitem(connection.wanted.versions, "numpy", "1.0")  # type: ignore[arg-type]
    (done,) = TaskRunner(connection, wait_seconds=60).results([Task("a", cluster_work.broken)])
    assert "expected numpy 1.0" in str(done.error)
    assert isinstance(done.worker, WorkerFacts)


def test_what_never_ends_is_named(runner: TaskRunner) -> None:
    """A worker that hangs is no reason to wait for ever."""
    endless = Task("float images 0 to 15", cluster_work.process, (30.0,), limit_seconds=1.0)
    with pytest.raises(ClusterError, match="expected float images 0 to 15 within 1 s"):
        list(runner.results([endless]))


def test_model_sent_to_a_worker_that_has_just_died(
    connection: Connection, runner: TaskRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is sent again: the scheduler is there, and so are other workers."""
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(99))
    scatter, failures = connection.client.scatter, [OSError("connection closed")]

    def once(data: object) -> object:
        if failures:
            raise failures.pop()
        return scatter(data)

    monkeypatch.setattr(connection.client, "scatter", once)
    (done,) = runner.results([Task("length", cluster_work.length, (0.0,), ModelFile(path))])
    assert done.value == 99
    assert failures == []
