"""Kill commands at random moments, run them again, and see that nothing is half-written or left.

    python tools/kill_rounds.py                       50 rounds over all commands
    python tools/kill_rounds.py --rounds 200 --seed 7 --only fetch export

Each round begins from a copy of the same files. A command is killed (SIGKILL, every second time
its whole process group) at a moment drawn between its start and its usual end; in most rounds the
drawing begins with the first file that it writes. What then lies at its place has to be whole or
absent. The same command is run again and has to end as it does
undisturbed, with the same files; after it neither the cache nor the output nor the folder of
temporary files may hold anything that is on its way.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from validation.files.manifest import listed
from validation.record.history import read_history
from validation.record.store import RECORD_NAME, load_record
from validation.report.render import INDEX_NAME

# How often a kill comes soon after the first file: most of a command is reading and computing.
_FROM_FIRST_FILE, _SHARE_AFTER_IT = 0.6, 0.3
_LOOK_SECONDS = 0.001
_ALL_OF_HISTORY = 1000
_MODEL = "ssd_mobilenet_v1_ppn"
_ROOT = Path(__file__).parents[1]
_RUN = f"run --zoo bundled --model {_MODEL} --variant float --cache-dir cache --report-dir reports"


@dataclass(frozen=True)
class Case:
    """One command.

    Args:
        words: After ``validation``; paths are below the round's folder.
        needs: Names of what has to lie there, taken from what was made undisturbed.
        output: What it makes.
        same: True where the output is the same to the byte each time.
    """

    words: str
    needs: tuple[str, ...]
    output: str
    same: bool = True

    @property
    def needs_own(self) -> bool:
        """True where it adds to what it needs."""
        return self.output in self.needs


_CASES = {
    "fetch": Case(
        f"zoo fetch {_MODEL} --cache_dir cache --output_directory fetched", (), "fetched"
    ),
    "export": Case(
        f"export --frozen_graph fetched/{_MODEL}/frozen_inference_graph.pb "
        f"--pipeline_config_path fetched/{_MODEL}/pipeline.config --output_directory exported",
        ("fetched",),
        "exported",
    ),
    "convert": Case(
        "convert --graph_def_file exported/tflite_graph.pb --metadata "
        "--output_file converted/m.tflite",
        ("exported",),
        "converted",
    ),
    "run": Case(_RUN, (), "reports", same=False),
    "report": Case("report reports/run", ("reports",), "reports"),
    "signoff": Case("signoff reports/run --by Somebody", ("reports",), "reports", same=False),
}


@dataclass
class Outcome:
    """What the rounds of one command came to."""

    killed: int = 0
    writing: int = 0
    faults: list[str] = field(default_factory=list)


class Bench:
    """Runs commands in folders of their own.

    Args:
        folder: For all of it.
        drawn: Gives the moments.
    """

    def __init__(self, folder: Path, drawn: random.Random) -> None:
        self._made = folder / "undisturbed"
        self._folder = folder
        self._drawn = drawn
        self._seconds: dict[str, float] = {}

    def prepare(self, names: Sequence[str]) -> None:
        """Run each command once, undisturbed, and those before it that make what it needs."""
        (self._made / "tmp").mkdir(parents=True)
        needed = {need for name in names for need in _needs(name)}
        for name, case in _CASES.items():
            if name not in names and not (case.output in needed and not case.needs_own):
                continue
            started = time.monotonic()
            done = self._command(case, self._made)
            if done.wait() != 0:
                raise SystemExit(f"{name} fails undisturbed:\n{self._said(self._made)}")
            self._seconds[name] = time.monotonic() - started
            if name == "run":
                # The name of a run is its time; the commands after it need one that is known.
                (record,) = (self._made / "reports").glob(f"*/{RECORD_NAME}")
                record.parent.rename(record.parent.with_name("run"))

    def round(self, name: str, number: int, outcome: Outcome) -> bool:
        """One kill and one run again; False where the command ended before it was killed."""
        case, folder = _CASES[name], self._folder / f"{name}-{number}"
        (folder / "tmp").mkdir(parents=True)
        for needed in case.needs:
            shutil.copytree(self._made / needed, folder / needed)
        before = _written(folder)
        process = self._command(case, folder)
        if self._drawn.random() < _FROM_FIRST_FILE:
            while process.poll() is None and _written(folder) == before:
                time.sleep(_LOOK_SECONDS)
            time.sleep(self._drawn.uniform(0, self._seconds[name] * _SHARE_AFTER_IT))
        else:
            time.sleep(self._drawn.uniform(0, self._seconds[name]))
        is_killed = process.poll() is None
        if is_killed:
            outcome.killed += 1
            outcome.writing += _written(folder) != before
            if number % 2:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        faults = self._half_written(name, folder)
        code = self._command(case, folder).wait()
        said = self._said(folder)
        if code != 0:
            faults.append(f"run again it ends with {code}: {said[-300:]}")
        if "had changed since it was made" in said:
            faults.append("run again it found a damaged product")
        faults += self._half_written(name, folder) if code == 0 else []
        if case.same and listed(folder / case.output) != listed(self._made / case.output):
            faults.append("run again it made other files")
        faults += [f"left: {path}" for path in _left(folder)]
        outcome.faults += [f"{name} {number}: {fault}" for fault in faults]
        if not faults:
            shutil.rmtree(folder)
        return is_killed

    def _half_written(self, name: str, folder: Path) -> list[str]:
        """Files of the output that are neither as they are undisturbed nor on their way."""
        case = _CASES[name]
        if not case.same:
            return _torn(folder / case.output)
        whole = {file.name: file for file in listed(self._made / case.output)}
        return [
            f"half-written: {file.name}"
            for file in listed(folder / case.output)
            if ".part" not in file.name and whole.get(file.name) != file
        ]

    def _command(self, case: Case, folder: Path) -> subprocess.Popen[bytes]:
        with (folder / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "validation", *case.words.split()],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={
                    **os.environ,
                    "PYTHONPATH": str(_ROOT),
                    "XDG_CACHE_HOME": str(folder / "user"),
                    "TMPDIR": str(folder / "tmp"),
                },
            )

    def _said(self, folder: Path) -> str:
        return (folder / "said").read_text(encoding="utf-8", errors="replace")


def _needs(name: str) -> set[str]:
    """What a command needs, and what that needs."""
    direct = set(_CASES[name].needs)
    makers = [other for other, case in _CASES.items() if case.output in direct and other != name]
    return direct.union(*(_needs(other) for other in makers if not _CASES[other].needs_own))


def _written(folder: Path) -> set[tuple[str, int]]:
    """Names and times of all that a command may write, but for what it prints."""
    found = set()
    for inner, _, files in os.walk(folder):
        for path in (Path(inner, name) for name in files if name != "said"):
            with contextlib.suppress(OSError):
                found.add((str(path.relative_to(folder)), path.lstat().st_mtime_ns))
    return found


def _torn(reports: Path) -> list[str]:
    """What of the runs below a folder cannot be read; a run that did not end may lack the end."""
    history = read_history(reports, most=_ALL_OF_HISTORY)
    faults = [f"history: {name}: {why}" for name, why in history.ignored]
    for run in reports.iterdir() if reports.is_dir() else ():
        try:
            record = load_record(run / RECORD_NAME, allow_unfinished=True)
        except Exception as error:
            # Killed before its first line, a record is empty.
            if (run / RECORD_NAME).exists() and (run / RECORD_NAME).stat().st_size:
                faults.append(f"record: {error}")
            continue
        kept = {file.name: file.sha256 for file in listed(run)}
        faults += [
            f"half-written: {file.path}"
            for file in (*record.artefacts, *record.evidence)
            if file.path and kept.get(file.path) != file.sha256
        ]
        if record.footer is not None and INDEX_NAME in kept:
            faults += _not_verified(run)
    return faults


def _not_verified(run: Path) -> list[str]:
    """Of a run that is signed: what verification says against it."""
    if not list(run.glob("signoff-*.json")):
        return []
    done = subprocess.run(
        [sys.executable, "-m", "validation", "signoff", str(run), "--verify"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        check=False,
    )
    return [] if done.returncode == 0 else [f"the sign-off does not hold: {done.stderr!r}"]


def _left(folder: Path) -> list[str]:
    """What is on its way, and whatever lies among temporary files."""
    parts = [path for path in folder.rglob("*.part") if "tmp" not in path.parts]
    return [str(path.relative_to(folder)) for path in [*parts, *(folder / "tmp").iterdir()]]


def main(arguments: Sequence[str] | None = None, show: Callable[[str], object] = print) -> int:
    """Run the rounds and print a table of them; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50, help="in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--only", nargs="+", choices=_CASES, default=list(_CASES))
    options = parser.parse_args(arguments)
    outcomes = {name: Outcome() for name in options.only}
    folder = Path(tempfile.mkdtemp(prefix="kill-rounds-"))
    bench = Bench(folder, random.Random(options.seed))
    bench.prepare(options.only)
    for number in range(options.rounds):
        name = options.only[number % len(options.only)]
        while not bench.round(name, number, outcomes[name]):
            pass
    show("| command | kills | of these after its first file | faults |")
    show("|---|---|---|---|")
    for name, each in outcomes.items():
        figures = (each.killed, each.writing, len(each.faults))
        show(f"| {name} | {' | '.join(map(str, figures))} |")
    faults = [fault for each in outcomes.values() for fault in each.faults]
    for fault in faults:
        show(fault)
    if faults:
        show(f"folders of rounds with faults: {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
