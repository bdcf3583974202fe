"""How tests are handed to the workers of pytest-xdist."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from miniature_cases import MiniatureFiles

_CHECKS = """
@pytest.mark.check("archive")
def test_one(context, record):
    record([])


@pytest.mark.check("accuracy")
def test_two(context, record):
    record([])


@pytest.mark.check("latency")
def test_three(context, record):
    record([])
"""


@pytest.fixture
def over_models(
    session: Any, miniature: MiniatureFiles, tmp_path: Any
) -> Callable[..., dict[str, set[str]]]:
    """Run three checks of four models with two workers: the workers that each model saw."""
    names = ("first", "second", "third", "fourth-float")
    for name in names:
        shutil.copytree(miniature.archive, tmp_path / "zoo" / name)
    session.suite(_CHECKS)

    def run(*options: str) -> dict[str, set[str]]:
        result = session.run("--zoo", tmp_path / "zoo", "-n", "2", "-v", *options)
        workers: dict[str, set[str]] = defaultdict(set)
        for line in result.outlines:
            if line.startswith("[gw") and "[" in line[1:]:
                context = line.rpartition("[")[2].partition("]")[0]
                workers[context.rpartition("-")[0]].add(line[1:4])
        assert set(workers) == set(names)
        return workers

    return run


def test_a_model_stays_with_one_worker(over_models: Callable[..., dict[str, set[str]]]) -> None:
    """What its checks share is made once; and both workers get models."""
    workers = over_models()
    assert [len(each) for each in workers.values()] == [1, 1, 1, 1]
    assert set.union(*workers.values()) == {"gw0", "gw1"}


def test_asked_distribution_is_kept(over_models: Callable[..., dict[str, set[str]]]) -> None:
    """--dist of the user counts: by file, all models go to one worker."""
    workers = over_models("--dist", "loadfile")
    assert len(set.union(*workers.values())) == 1


_ENDS_ITS_WORKER = """
import os
import signal


def _note(name, context):
    with open("ran", "a") as file:
        file.write(f"{name} {context.key.model}\\n")


@pytest.mark.check("archive")
def test_one(context, run_check, record):
    _note("one", context)
    if context.key.model == "second":
        os.kill(os.getpid(), signal.SIGKILL)
    record(run_check(context))


@pytest.mark.check("evidence")
def test_two(context, run_check, record):
    _note("two", context)
    record(run_check(context))
"""


def test_what_ended_a_worker_is_not_given_to_another(
    session: Any, miniature: MiniatureFiles, tmp_path: Any
) -> None:
    """It fails by pytest-xdist's own words, and all other checks are run once."""
    names = ("first", "second", "third")
    for name in names:
        shutil.copytree(miniature.archive, tmp_path / "zoo" / name)
    session.suite(_ENDS_ITS_WORKER)
    options = ("--zoo", tmp_path / "zoo", "--cache-dir", miniature.cache, "--variant", "raw")
    result = session.run_apart(*options, "-n", "2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    ran = (session.path / "ran").read_text().splitlines()
    assert sorted(ran) == sorted(f"{check} {name}" for check in ("one", "two") for name in names)
    assert "crashed while running 'suites/test_own.py::test_one[second-raw]'" in result.stdout.str()
    footer = session.lines()[-1]
    assert footer["results"] == 5
    assert footer["not_run"] == ["suites/test_own.py::test_one[second-raw]"]
    assert "second" in session.page()
