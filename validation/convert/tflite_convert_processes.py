"""The program that imports TensorFlow once, and forks a process for each run of tflite_convert.

Started by `tflite_convert_cli` as a file. Its argument is a `Runs` as JSON; it prints exit codes.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import TypedDict

# prctl(2). This file is run by itself, where the package may not be found.
_PR_SET_PDEATHSIG = 1


class Runs(TypedDict):
    """What is to be run.

    Args:
        arguments: For each run, what is typed after the program's name.
        said: For each run, the file that gets its standard error.
        seconds: The longest that one may take; it is then ended by SIGALRM.
    """

    arguments: list[list[str]]
    said: list[str]
    seconds: int


def _exit_codes(runs: Runs) -> list[int]:
    # The program that TensorFlow's wheel installs; located by the interpreter, not by PATH.
    from tensorflow.lite.python.tflite_convert import main

    codes = []
    _end_with_parent()
    for arguments, said in zip(runs["arguments"], runs["said"], strict=True):
        process = os.fork()
        if process == 0:
            _end_with_parent()
            signal.alarm(runs["seconds"])
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
            sys.argv = ["tflite_convert", *arguments]
            _leave(_exit_code(main))
        _, status = os.waitpid(process, 0)
        codes.append(os.waitstatus_to_exitcode(status))
    return codes


def _end_with_parent() -> None:
    """End with the process that started this one: nothing else reads what it makes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _exit_code(main: Callable[[], object]) -> int:
    """Run the program; what it raises is printed as the interpreter prints it."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> None:
    """End at once: to take all of TensorFlow's modules apart takes half a second."""
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.stdout.write(f"{json.dumps(_exit_codes(json.loads(sys.argv[1])))}\n")
    _leave(0)
