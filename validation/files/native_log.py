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

from validation.errors import ValidationError
from validation.files.terminal import printable_lines


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
    with tempfile.TemporaryFile() as log:
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


def _restore(saved: int, descriptor: int) -> None:
    sys.stderr.flush()
    os.dup2(saved, descriptor)
    os.close(saved)
