"""The process behind `warm_process`: it imports modules, then forks one program after another.

Its argument names the modules. Each line of its input is a `Request` as JSON; it answers with the
program's exit code.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import shutil
import sys
import traceback
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict


class Request(TypedDict):
    """One program.

    Args:
        command: Its words; ``python`` is this interpreter, others are scripts of Python on PATH.
        folder: Where it runs.
        environment: All of its variables.
        out: File for its standard output.
        err: File for its standard error; None for one file with both, as they are written.
    """

    command: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str | None


def _serve(modules: Sequence[str]) -> Request | None:
    """Answer requests; returns one in the process that has been forked for it."""
    gc.disable()
    for name in modules:
        importlib.import_module(name)
    # A program neither walks nor copies what all of them share.
    gc.collect()
    gc.freeze()
    gc.enable()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            request: Request = json.loads(line)
            return request
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()
    return None


def _become(request: Request) -> None:
    """Be what a shell would have started."""
    out = os.open(request["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    err = out
    if request["err"] is not None:
        err = os.open(request["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
        os.dup2(file, stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])


def _exit_code(command: list[str]) -> int:
    """Run a program; what it raises is told as the interpreter tells it."""
    try:
        _run(command)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        sys.stderr.write(f"{error.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _run(command: list[str]) -> None:
    """Run a program as the interpreter does, `sys.path` and `sys.argv` included."""
    match command:
        case ["python", "-c", code, *arguments]:
            sys.path.insert(0, "")
            sys.argv = ["-c", *arguments]
            sys.modules["__main__"] = main = types.ModuleType("__main__")
            exec(compile(code, "<string>", "exec"), vars(main))
        case ["python", "-m", module, *arguments]:
            sys.path.insert(0, str(Path.cwd()))
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case ["python", script, *arguments]:
            _run_script(script, arguments)
        case [program, *arguments]:
            script = shutil.which(program) or program
            _run_script(script, arguments)


def _run_script(script: str, arguments: list[str]) -> None:
    sys.path.insert(0, str(Path(script).resolve().parent))
    sys.argv = [script, *arguments]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    # This file's folder is no part of a program's path.
    del sys.path[0]
    asked = _serve(json.loads(sys.argv[1]))
    if asked is not None:
        _become(asked)
        exit_code = _exit_code(asked["command"])
        atexit._run_exitfuncs()
        sys.stdout.flush()
        # Taking apart what all programs share would first copy it.
        os._exit(exit_code)
