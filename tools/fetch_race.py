"""Let three processes fetch one model into one folder at the same moment, many times.

    python tools/fetch_race.py                150 rounds, each in a cache and a folder of its own
    python tools/fetch_race.py --rounds 20

Each process has to end well, and the folder and the cache to be whole, with nothing beside them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from validation.cli import main as run_command
from validation.files.manifest import ListedFile, listed

_MODEL = "ssd_mobilenet_v1_ppn"
_PROCESSES = 3


def _fetch(folder: Path, barrier: Any, shared_cache: bool, number: int) -> None:
    words = ["zoo", "fetch", _MODEL, f"--output_directory={folder / 'out'}"]
    words.append(f"--cache_dir={folder / ('cache' if shared_cache else f'cache-{number}')}")
    with (folder / f"said-{number}").open("w", encoding="utf-8") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        barrier.wait()
        code = run_command(words)
    os._exit(code)


def race(folder: Path, *, shared_cache: bool) -> tuple[tuple[ListedFile, ...], list[str]]:
    """One round.

    Args:
        folder: Empty.
        shared_cache: One cache for all; else each has its own, and only the folder is shared.

    Returns:
        The files fetched, and what was wrong.
    """
    # Forked: all are ready at the barrier, and begin within a millisecond of each other.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(_PROCESSES)
    processes = [
        context.Process(target=_fetch, args=(folder, barrier, shared_cache, number))
        for number in range(_PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    faults = [
        f"process {number} ends with {process.exitcode}: "
        + (folder / f"said-{number}").read_text(encoding="utf-8").strip()
        for number, process in enumerate(processes)
        if process.exitcode != 0
    ]
    left = [*folder.rglob("*.part"), *(folder / "out").iterdir()]
    faults += [f"left: {path.name}" for path in left if path.name != _MODEL]
    return listed(folder / "out"), faults


def main(arguments: Sequence[str] | None = None, show: Callable[[str], object] = print) -> int:
    """Run the rounds and say what they came to; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=150, help="(default: %(default)s)")
    options = parser.parse_args(arguments)
    found: Counter[tuple[ListedFile, ...]] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fetch-race-") as folder:
        for number in range(options.rounds):
            inside = Path(folder, str(number))
            inside.mkdir()
            files, wrong = race(inside, shared_cache=number % 2 == 0)
            found[files] += 1
            faults += [f"round {number}: {each}" for each in wrong]
            shutil.rmtree(inside)
    if len(found) != 1:
        faults.append(f"{len(found)} different folders were made")
    show(
        f"{options.rounds} rounds of {_PROCESSES} processes: {len(found)} content of "
        f"{len(next(iter(found)))} files, {len(faults)} faults"
    )
    for fault in faults:
        show(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
