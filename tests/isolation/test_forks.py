"""Work in forked children: every item once, results in order, errors and ends as of one process."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.isolation.forks import can_fork, ranges_of

# A process of its own: this one has threads.
_PROGRAM = """
import os, sys, time
from validation.errors import DatasetError
from validation.isolation.forks import can_fork, in_forks

def make():
    made = os.getpid()
    def do(first, last, on_item):
        for item in range(first, last):
            {item}
            on_item()
        return (made, list(range(first, last)))
    return do

assert can_fork()
counts = []
with in_forks(make, {count}, workers=3) as results:
    parts = list(results(counts.append))
for process in {{made for made, _ in parts}}:
    assert process != os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        continue
    raise SystemExit("a child is left")
print(len({{made for made, _ in parts}}), sum(counts), [item for _, each in parts for item in each])
"""


def _run(count: int, item: str) -> subprocess.CompletedProcess[str]:
    program = _PROGRAM.format(count=count, item=item)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@given(count=st.integers(0, 20_000), workers=st.integers(1, 64))
def test_ranges_are_all_items_once(count: int, workers: int) -> None:
    """One behind the other, none longer than the one before."""
    ranges = list(ranges_of(count, workers))
    items = [item for first, last in ranges for item in range(first, last)]
    assert items == list(range(count))
    lengths = [last - first for first, last in ranges]
    assert lengths == sorted(lengths, reverse=True)
    assert max(lengths, default=0) <= 250


def test_results_come_in_order_of_several_children() -> None:
    """Whichever is ready first: the first items take longest here."""
    ended = _run(120, "time.sleep(0.02 if item < 10 else 0.001)")
    assert ended.returncode == 0, ended.stderr
    processes, counted, *items = ended.stdout.split(maxsplit=2)
    assert (processes, counted) == ("3", "120")
    assert items[0].strip() == str(list(range(120)))


def test_fewer_items_than_children() -> None:
    """And none at all."""
    assert _run(2, "pass").stdout.split(maxsplit=2)[1:] == ["2", "[0, 1]\n"]
    assert _run(0, "pass").stdout == "0 0 []\n"


def test_error_of_the_first_range_is_raised() -> None:
    """However late it comes: the same in every run; ranges behind it are not begun."""
    ended = _run(
        300,
        "time.sleep(0.2 if item == 3 else 0)\n"
        "            if item in (3, 60): raise DatasetError('no image', got=item)",
    )
    assert ended.returncode == 1
    assert "DatasetError: no image: got 3" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(("item", "code"), [("os.kill(os.getpid(), 11)", -11), ("os._exit(3)", 3)])
def test_process_ends_as_its_child_did(item: str, code: int) -> None:
    """So that whoever watches it sees the crash, and nothing that it led to."""
    ended = _run(50, item)
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_process_with_threads_is_not_forked() -> None:
    """They would not be there in the child, and their locks would be held for ever."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert not can_fork()
    finally:
        end.set()
        thread.join()
