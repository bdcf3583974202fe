"""Keep what native libraries print out of the way until it matters.

TensorFlow's C++ parts write to file descriptor 2, past Python and past
TF_CPP_MIN_LOG_LEVEL: twenty lines at every start. What they said is shown when the step ends in
an error that nobody has put into words, and dropped when it does not; an error of the harness
carries it as a note, which a trace shows.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from validation.errors import ValidationError
from validation.files.terminal import printable_lines


@dataclass
class _Kept:
    """Where it is held back.

    Args:
        descriptor: Of a file that another process reads if this one crashes; None for a temporary
            file of this process alone.
        is_used: True while it holds something.
    """

    descriptor: int | None = None
    is_used: bool = False


_KEPT = _Kept()


def file_in_memory() -> int:
    """A file for `keep_in`, by its descriptor."""
    try:
        return os.memfd_create("validation-log")
    except OSError:
        # Some sandboxes have none.
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())


def keep_in(descriptor: int) -> None:
    """Hold output back in this file from now on, and leave it empty wherever nothing is held.

    Args:
        descriptor: Of a file that can be cut short.
    """
    _KEPT.descriptor = descriptor


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hold file descriptor 2 back; replay it if the block raises what is no error of ours.

    ``sys.stderr`` is flushed before, so that the order of our own lines is kept. Where
    standard error is not a file of the system, as under a test's capture, nothing is held.
    """
    try:
        sys.stderr.flush()
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        yield
        return
    with _file() as log:
        saved = os.dup(descriptor)
        os.dup2(log.fileno(), descriptor)
        try:
            yield
        except (ValidationError, KeyboardInterrupt) as error:
            _restore(saved, descriptor)
            log.seek(0)
            said = log.read().decode(errors="replace").strip()
            if said:
                error.add_note(said)
            raise
        except BaseException:
            _restore(saved, descriptor)
            log.seek(0)
            os.write(descriptor, printable_lines(log.read().decode(errors="replace")).encode())
            raise
        else:
            _restore(saved, descriptor)


@contextlib.contextmanager
def _file() -> Iterator[IO[bytes]]:
    if _KEPT.descriptor is None or _KEPT.is_used:
        with tempfile.TemporaryFile() as log:
            yield log
        return
    with os.fdopen(os.dup(_KEPT.descriptor), "r+b") as log:
        log.seek(0)
        _KEPT.is_used = True
        try:
            yield log
        finally:
            log.truncate(0)
            _KEPT.is_used = False


def _restore(saved: int, descriptor: int) -> None:
    sys.stderr.flush()
    os.dup2(saved, descriptor)
    os.close(saved)
