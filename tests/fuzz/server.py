"""The process behind `runner`: it has imported what commands need, and forks one for each input.

Its argument is ``tensorflow`` or nothing. Each line of its input is a `Case` as JSON; it answers
with an `Ended` as JSON.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Case", "Ended"]

_POLL_SECONDS = 0.002
_MODULES = (
    *("validation.entry", "numpy", "PIL.Image", "ai_edge_litert.interpreter"),
    *("pycocotools.cocoeval", "jinja2", "securesystemslib.signer", "in_toto_attestation.v1"),
)
_TENSORFLOW = ("tensorflow", "validation.export.graph_io", "validation.convert.tflite")


@dataclass(frozen=True)
class Case:
    """One command.

    Args:
        words: Of the command line, without the program's name.
        folder: Where it runs.
        out: File for standard output.
        err: File for standard error.
        seconds: It may take; then it is ended.
        memory_bytes: Limit of the command's own supervision.
    """

    words: tuple[str, ...]
    folder: str
    out: str
    err: str
    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Ended:
    """How it ended.

    Args:
        code: Exit code; negative: the signal that nothing put into words.
        seconds: It took.
        peak_bytes: Resident, of the largest of its processes; what was imported is included.
        timed_out: It was ended for its time.
    """

    code: int
    seconds: float
    peak_bytes: int
    timed_out: bool


def _serve() -> Case | None:
    """Answer requests; returns one in the process that has been forked for it."""
    for line in sys.stdin:
        case = Case(**json.loads(line))
        started = time.monotonic()
        process = os.fork()
        if process == 0:
            return case
        timed_out = False
        while True:
            ended, status, usage = os.wait4(process, os.WNOHANG)
            if ended:
                break
            if not timed_out and time.monotonic() - started > case.seconds:
                timed_out = True
                os.killpg(process, signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        answer = Ended(
            os.waitstatus_to_exitcode(status),
            time.monotonic() - started,
            usage.ru_maxrss * 1024,
            timed_out,
        )
        sys.stdout.write(json.dumps(asdict(answer)) + "\n")
        sys.stdout.flush()
    return None


def _become(case: Case) -> None:
    """Be what a shell would have started."""
    os.setsid()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(case.out, flags, 0o600),
        os.open(case.err, flags, 0o600),
    )
    for stream, file in enumerate(files):
        os.dup2(file, stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
    os.chdir(case.folder)


def _run(case: Case) -> int:
    from warm_server import _exit_code

    from validation import entry
    from validation.isolation.limits import ProcessLimits

    entry._limits = lambda: ProcessLimits(case.seconds, case.seconds, case.memory_bytes)
    if case.words[0] == "read":
        return _exit_code(["python", "-m", "fuzz.reading", *case.words[1:]])
    return _exit_code(["python", "-m", "validation", *case.words])


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)


def _main() -> Any:
    os.environ |= {
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONFAULTHANDLER": "",
    }
    root = Path(__file__).parents[2]
    # `pytest` does the same for tests.
    sys.path[:0] = [str(root), str(root / "tests"), str(root / "tests" / "support")]
    _import(_MODULES)
    import validation.cli

    _import(tuple(f"validation.cli.{name}" for name in validation.cli._COMMANDS))
    if "tensorflow" in sys.argv[1:]:
        _import(_TENSORFLOW)
    case = _serve()
    if case is None:
        return
    _become(case)
    code = _run(case)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    del sys.path[0]
    _main()
