"""Makes inputs by their numbers and runs commands on them, several side by side."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from fuzz.outcomes import FINDS, Result, outcome_of
from fuzz.server import Case, Ended
from fuzz.targets import Target, Words

__all__ = ["Input", "Runner", "make_input", "schedule"]

_SERVER = Path(__file__).with_name("server.py")
# On a machine that is busy with other work; a command on such a file takes a tenth of a second.
_MOST_SECONDS = 60.0
_MEMORY_BYTES = 2 * 2**30
_SAID_BYTES = 4_000
_NUMBERS = 1_000_000
# How files are called that somebody else named, and how often one of these is.
_NAMES = (
    *(
        "\x1b[31mred\x1b[2J",
        "two\nlines",
        "\udcff\udcfe",
        "\u202egpj",
        "-v",
        "--json",
        "%s{0}",
        "a b",
    ),
    *("x" * 200, "é", "$(id)", "<b>", "'\"", "\u200b", "\x07\x9b31m", "*", "~", "@", "a:b", "\r"),
)
_NAMED_OTHERWISE = 15


@dataclass(frozen=True)
class Input:
    """One changed file.

    Args:
        target: Its kind.
        number: What it is made from, with the seed of the run.
        source: The seed, below the seeds' folder.
        data: Its bytes.
        words: The command that reads it.
        form: What is there instead, of `targets.FORMS`; empty for a file of these bytes.
        name: Of the file, where it is not that of the seed.
    """

    target: Target
    number: int
    source: Path
    data: bytes
    words: Words
    form: str = ""
    name: str = ""


def make_input(target: Target, number: int, seeds: Path, seed: int) -> Input:
    """The input of a number: the same whenever and wherever it is made.

    Args:
        target: Kind of file.
        number: From 0.
        seeds: Folder of the seeds.
        seed: Of the run.
    """
    random = Random(f"{seed}/{target.kind}/{number}")
    files = sorted(path for pattern in target.seeds for path in seeds.glob(pattern))
    source = files[number % len(files)]
    data = target.mutator(source.read_bytes(), random)
    words = target.commands[number // len(files) % len(target.commands)]
    # A number for each of both, which have no divisor in common.
    form = target.forms[number % len(target.forms)] if target.forms else ""
    is_free = not (target.folder or form) and number % _NAMED_OTHERWISE == 0
    name = f"{random.choice(_NAMES)}{''.join(source.suffixes)}" if is_free else ""
    return Input(target, number, source.relative_to(seeds), data, words, form, name)


def schedule(targets: Sequence[Target], inputs: int | None) -> Iterator[tuple[Target, int]]:
    """Kinds in turn by their weights, and numbers of each.

    Args:
        targets: Kinds.
        inputs: How many in all; None: without end.
    """
    made = 0
    for turn in range(_NUMBERS):
        for target in targets:
            for place in range(target.weight):
                if made == inputs:
                    return
                yield target, turn * target.weight + place
                made += 1


class _Server:
    """One process that forks commands."""

    def __init__(self, tensorflow: bool, cache: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(_SERVER), *(["tensorflow"] if tensorflow else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            # Nothing of the user's is read, nor left there.
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        )

    def run(self, case: Case) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(case)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return Ended(**json.loads(line))

    def close(self) -> None:
        self._process.communicate()


class Runner:
    """Runs inputs.

    Args:
        seeds: Folder of the seeds.
        finds: Where inputs that must not be are kept.
        seed: Of the run.
        seconds: That one command may take.
    """

    def __init__(
        self, seeds: Path, finds: Path, seed: int = 0, seconds: float = _MOST_SECONDS
    ) -> None:
        self._seeds, self._finds, self._seed, self._seconds = seeds, finds, seed, seconds

    def run(
        self,
        jobs: Iterator[tuple[Target, int]],
        *,
        workers: int,
        until: float | None = None,
        on_result: Callable[[Result], None],
    ) -> None:
        """Run inputs until there are no more.

        Args:
            jobs: Kinds and numbers.
            workers: How many side by side.
            until: By the monotonic clock; None: without end.
            on_result: Called with each, in one thread after the other.
        """
        results: queue.Queue[Result | BaseException | None] = queue.Queue()
        lock = threading.Lock()

        def work() -> None:
            servers: dict[bool, _Server] = {}
            try:
                while until is None or time.monotonic() < until:
                    with lock:
                        job = next(jobs, None)
                    if job is None:
                        break
                    key = job[0].tensorflow
                    if key not in servers:
                        servers[key] = _Server(key, self._seeds.with_name("cache"))
                    results.put(self.run_one(*job, servers[key]))
            except BaseException as error:
                results.put(error)
            finally:
                for each in servers.values():
                    each.close()
                results.put(None)

        for _ in range(workers):
            threading.Thread(target=work, daemon=True).start()
        while workers:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            if result is None:
                workers -= 1
            else:
                on_result(result)

    def run_one(self, target: Target, number: int, server: _Server) -> Result:
        """Make one input, run its command, and keep it where it must not be so."""
        made = make_input(target, number, self._seeds, self._seed)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
            folder = Path(name)
            words = self._lay_out(made, folder)
            work = folder / "work"
            work.mkdir()
            out, err = folder / "out.txt", folder / "err.txt"
            case = Case(words, str(work), str(out), str(err), self._seconds, _MEMORY_BYTES)
            ended = server.run(case)
            said = [path.read_bytes() for path in (out, err)]
            outcome = outcome_of(words, ended, *said, work)
            text = b"\n".join(said)[-_SAID_BYTES:].decode(errors="replace")
            result = Result(target.kind, number, words, outcome, ended, text)
            if outcome in FINDS:
                self._keep(made, result)
        return result

    def _lay_out(self, made: Input, folder: Path) -> Words:
        """Write the changed file; returns the command with its paths."""
        given = folder / "given"
        below = Path(made.target.folder)
        if made.target.folder:
            shutil.copytree(self._seeds / below, given)
        path = given / made.source.relative_to(below if made.target.folder else made.source.parent)
        path = path.with_name(made.name or path.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, made)
        values = {"IN": path, "FOLDER": path.parent, "GIVEN": given}

        def value(found: re.Match[str]) -> str:
            name = found[2]
            if found[1] == "@":
                return str(self._seeds / name)
            if found[1] == "%":
                copy = folder / "copies" / name
                shutil.copytree(self._seeds / name, copy)
                return str(copy)
            return str(values[found[0]])

        pattern = re.compile(r"([@%])([\w.-]+)|\b(?:IN|FOLDER|GIVEN)\b")
        return tuple(pattern.sub(value, word) for word in made.words)

    def _keep(self, made: Input, result: Result) -> None:
        plain = re.sub(r"\W+", "-", f"{result.outcome}-{made.target.kind}")
        folder = self._finds / f"{plain}-{made.number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / made.source.name).write_bytes(made.data)
        command = " ".join(result.words)
        text = f"{command}\n{result.ended}\n\n{result.said}\n"
        (folder / "said.txt").write_bytes(text.encode(errors="backslashreplace"))


def _write(path: Path, made: Input) -> None:
    """Write the changed file, or what is there instead."""
    match made.form:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to(path.name)
        case "empty":
            path.touch()
        case "unreadable":
            # Nobody may read it, but for root; whose reading ends in an error of the system.
            path.symlink_to("/proc/self/mem")
        case _:
            path.write_bytes(made.data)
