"""Tests that are collected once and run in forks, each of which has one mutant in its code.

A mutant takes effect where its function is: code of the function itself is exchanged, so that
every module that has imported it by name runs the mutant. No file is changed, and nothing outlives
the fork.
"""

from __future__ import annotations

import builtins
import gc
import os
import pickle
import resource
import select
import signal
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mutations.sites import PROBE, Source, code_of

__all__ = [
    "Broken",
    "Forks",
    "Functions",
    "Outcome",
    "Reached",
    "collect",
    "limited",
    "ordered",
    "reached_by",
]

Line = tuple[str, int]
# A mutant may loop or wait for ever. Its tests take seconds of the processor, and on a busy
# machine many more of the clock.
_CPU_SECONDS, _WALL_SECONDS = 60, 1800


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Args:
        killed_by: The test that went red, or what ended the process; empty where none did.
        tests: How many were run.
        seconds: Wall time.
        is_signal: No test went red: the process was ended, as at the end of its time.
    """

    killed_by: str
    tests: int
    seconds: float
    is_signal: bool = False


@dataclass(frozen=True)
class Broken:
    """A job that did not get to its tests: a fault of the tool."""

    error: str


@dataclass
class Reached:
    """What tests do to the originals.

    Args:
        seconds: Of each test, by its place among the collected ones.
        failed: Tests that are red without any mutant.
        lines: Tests that come by, of each line: path and number.
        limits: Tests that ask for the limit of a check and measure.
    """

    seconds: dict[int, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    lines: dict[Line, set[int]] = field(default_factory=dict)
    limits: dict[tuple[str, str], set[int]] = field(default_factory=dict)

    def tests_of(self, path: Path, *statements: int) -> set[int]:
        """Tests that come by one of these statements, named by their first lines."""
        return {test for line in statements for test in self.lines.get((str(path), line), ())}


class Functions:
    """The functions of some modules as they are loaded, to be exchanged in a fork."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._of: dict[str, list[types.FunctionType]] = {str(path): [] for path in paths}
        # What is frozen is not listed.
        gc.unfreeze()
        for each in gc.get_objects():
            if isinstance(each, types.FunctionType) and each.__code__.co_filename in self._of:
                self._of[each.__code__.co_filename].append(each)
        gc.freeze()

    def exchange(self, path: Path, module: types.CodeType, function: str = "") -> int:
        """Give functions of a module the code that they have in another version of it.

        Args:
            path: Of the module.
            module: Code of the whole other version.
            function: Qualified name of the one; empty for all.

        Returns:
            How many were changed.
        """
        changed = 0
        for each in self._of[str(path)]:
            if function in ("", each.__qualname__):
                code = code_of(module, each.__code__)
                if code is not None and len(code.co_freevars) == len(each.__code__.co_freevars):
                    each.__code__ = code
                    changed += 1
        return changed

    def using(self, name: str) -> list[types.CodeType]:
        """Code of the functions that ask for a global name."""
        codes = [each.__code__ for own in self._of.values() for each in own]
        return [each for each in codes if name in _names(each)]

    def probe(self, root: Path) -> None:
        """Have all of them say which lines they come by, see `Source.with_probes`."""
        for path in self._of:
            self.exchange(Path(path), Source(Path(path), root).with_probes())


def collect(tests: Sequence[str], then: Callable[[list[pytest.Item], Forks], int]) -> int:
    """Collect tests, and hand them over; what is returned is what the call gave."""
    loop = _Loop(then)
    options = ["-q", "-p", "no:cacheprovider", "-s", "-n", "0"]
    options = options if _has_xdist() else options[:-2]
    pytest.main([*options, *tests], plugins=[loop])
    return loop.code


def _has_xdist() -> bool:
    from importlib.util import find_spec

    return find_spec("xdist") is not None


def _names(code: types.CodeType) -> set[str]:
    inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return {*code.co_names, *(name for each in inner for name in _names(each))}


class _Loop:
    """In the place of the loop that runs tests."""

    def __init__(self, then: Callable[[list[pytest.Item], Forks], int]) -> None:
        self._then = then
        self.code = 3
        self.failed: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        # Not before pytest has seen to its assertions.
        from hypothesis import Phase, settings

        # The same examples each time, and the first that is wrong is enough.
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile(
            "mutants", settings(), deadline=None, database=None, derandomize=True, phases=phases
        )
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            sys.stderr.write(f"{session.testsfailed} modules of tests cannot be collected\n")
            return True
        # Before the first fork, so that all share what is made once.
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        self.code = self._then(session.items, Forks(session.items, self))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


class Forks:
    """Processes that run some of the collected tests, a few at a time."""

    def __init__(self, items: list[pytest.Item], loop: _Loop) -> None:
        self._items = items
        self._loop = loop

    def run_until_red(self, change: Callable[[], object], tests: Sequence[int]) -> Outcome:
        """In this process: change something, then run tests until one is red."""
        started = time.monotonic()
        change()
        for done, failed in enumerate(self.each(tests), 1):
            if failed:
                return Outcome(failed[0], done, time.monotonic() - started)
        return Outcome("", len(tests), time.monotonic() - started)

    def each(self, tests: Sequence[int]) -> Iterator[list[str]]:
        """In this process: run tests one after another; names of what is red after each."""
        for place, test in enumerate(tests):
            following = tests[place + 1 :]
            after = self._items[following[0]] if following else None
            item = self._items[test]
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            yield self._loop.failed

    def mapped(
        self, jobs: Sequence[Callable[[], Any]], workers: int, done: Callable[[int, Any], None]
    ) -> None:
        """Each job in a fork of its own; what it returns, or the number of the signal."""
        waiting = list(enumerate(jobs))[::-1]
        running: dict[int, tuple[int, int, bytearray]] = {}
        while waiting or running:
            while waiting and len(running) < workers:
                number, job = waiting.pop()
                process, pipe = _forked(job)
                running[pipe] = (number, process, bytearray())
            for pipe in select.select(list(running), [], [])[0]:
                number, process, data = running[pipe]
                more = os.read(pipe, 1 << 20)
                data += more
                if not more:
                    os.close(pipe)
                    del running[pipe]
                    _, status = os.waitpid(process, 0)
                    done(number, pickle.loads(data) if data else f"signal {status & 0x7F}")


def _forked(job: Callable[[], Any]) -> tuple[int, int]:
    """Process and the pipe that brings what the job returns."""
    mine, theirs = os.pipe()
    process = os.fork()
    if process:
        os.close(theirs)
        return process, mine
    os.close(mine)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS * 10, _CPU_SECONDS * 10))
    # Whatever is raised, this process must not go on as the one that it was forked from.
    try:
        try:
            answer = job()
        except Exception:
            answer = Broken(traceback.format_exc())
        found = pickle.dumps(answer)
        with os.fdopen(theirs, "wb") as pipe:
            pipe.write(found)
    finally:
        os._exit(0)


def limited(job: Callable[[], Any]) -> Callable[[], Any]:
    """The same under the limits that end a mutant."""

    def under_limits() -> Any:
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_WALL_SECONDS)
        return job()

    return under_limits


def reached_by(forks: Forks, tests: Sequence[int], probe: Callable[[], object]) -> Reached:
    """In this process: run tests on the originals and note where each comes by.

    Args:
        forks: Of the collected tests.
        tests: Their places.
        probe: Makes the code call the built-in of `PROBE`.
    """
    from validation.policy.load import Policy

    reached = Reached()
    own: set[Line] = set()
    asked: set[tuple[str, str]] = set()
    setattr(builtins, PROBE, lambda line: own.add(line))
    probe()
    original = Policy.limit

    def limit(policy: Policy, check: str, measure: str, model: str, variant: str) -> Any:
        asked.add((check, measure))
        return original(policy, check, measure, model, variant)

    Policy.limit = limit  # type: ignore[method-assign]
    started = time.monotonic()
    for place, failed in zip(tests, forks.each(tests), strict=True):
        reached.seconds[place] = time.monotonic() - started
        reached.failed = failed
        for line in own:
            reached.lines.setdefault(line, set()).add(place)
        for each in asked:
            reached.limits.setdefault(each, set()).add(place)
        own.clear()
        asked.clear()
        started = time.monotonic()
    return reached


def ordered(
    tests: set[int],
    module: str,
    items: list[pytest.Item],
    reached: Reached,
    known: Sequence[int] = (),
) -> list[int]:
    """Tests that the table names, then those of the own file of the module, then the quick ones."""
    stem = Path(module).stem
    own = {test for test in tests if items[test].path.stem == f"test_{stem}"}
    return sorted(
        tests, key=lambda test: (test not in known, test not in own, reached.seconds[test])
    )
