"""Inside a child process: it reads work from a pipe and answers each with one message."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import signal
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from validation.errors import ValidationError
from validation.files.temporary import use_for_temporary_files
from validation.isolation.activity import watch
from validation.isolation.board import Board
from validation.isolation.log import redirect
from validation.isolation.messages import Note, Raised, Ready, Returned
from validation.isolation.processes import ENDING_SIGNALS, end_with_parent

# Does one piece of work.
Do = Callable[[Any], Any]
# Makes it in the child, once: is given what sends notes.
Made = Callable[[Callable[[Any], None]], Do]


def serve(pipe: Connection, board: Path, log: Path, parent: int) -> None:
    """The whole of a child process.

    Args:
        pipe: First comes what makes what does the work, then work, None at the end; messages go
            back.
        board: File of the shared memory.
        log: Takes both streams.
        parent: Its process id.
    """
    redirect(log)
    _go_with(parent)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
    # So that nothing of a process that is killed stays behind: the folder goes with the parent.
    use_for_temporary_files(log.parent)
    faulthandler.enable(file=2)
    shared = Board(board)
    watch(shared)
    shared.alive()
    try:
        make: Made = pickle.loads(pipe.recv_bytes())
        do = make(lambda value: _send(pipe, Note(value)))
    except BaseException as error:
        do = _failing(error)
    _send(pipe, Ready())
    with contextlib.suppress(EOFError, OSError):
        while (work := pipe.recv()) is not None:
            shared.alive()
            _send(pipe, _done(do, work))


def _failing(error: BaseException) -> Do:
    def do(_: object) -> Any:
        raise error

    return do


def _done(do: Do, work: object) -> Returned | Raised:
    try:
        return Returned(do(work))
    except (Exception, KeyboardInterrupt) as error:
        return Raised(portable(error))


def portable(error: BaseException) -> BaseException:
    """The error as it can be sent, with its trace where that says more than the error."""
    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, ValidationError):
        error.add_note(trace)
    error.__traceback__ = error.__cause__ = error.__context__ = None
    try:
        # Some can be written and not read again.
        pickle.loads(pickle.dumps(error))
    except Exception:
        if isinstance(error, ValidationError):
            return ValidationError(
                error.what,
                expected=_text(error.expected),
                got=_text(error.got),
                where=_text(error.where),
                next_step=error.next_step,
                fault=error.fault,
                place=error.place,
                causes=[
                    replace(each, expected=_text(each.expected), got=_text(each.got))
                    for each in error.causes
                ],
            )
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.add_note(trace)
        return plain
    return error


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _send(pipe: Connection, message: Returned | Raised | Note | Ready) -> None:
    try:
        data = pickle.dumps(message)
    except Exception as error:
        wrong = TypeError(f"a check's result cannot be sent to another process: {error}")
        data = pickle.dumps(Raised(wrong))
    pipe.send_bytes(data)


def _go_with(parent: int) -> None:
    """End with the parent, however that ends, and leave signals of the terminal to it."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    end_with_parent(parent)
