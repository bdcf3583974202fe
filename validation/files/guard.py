"""What parsers raise on bytes of unknown origin, as one error of the reader."""

from __future__ import annotations

import pickle
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from validation.errors import ValidationError
from validation.root_cause import FaultKind

# UnicodeError, JSONDecodeError and TOMLDecodeError are ValueErrors; IndexError and KeyError are
# LookupErrors; OverflowError is an ArithmeticError; RecursionError and NotImplementedError, of
# zipfile, are RuntimeErrors. Pillow reports damage by SyntaxError as well, and by warnings where
# they are errors; flexbuffers by AssertionError and AttributeError.
_FAULTS: tuple[type[BaseException], ...] = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    BufferError,
    AssertionError,
    AttributeError,
    SyntaxError,
    Warning,
    struct.error,
    pickle.UnpicklingError,
)
# Errors that derive from Exception alone, of libraries that not every command needs: where one is
# not loaded, none of its errors is raised.
_FAULTS_OF = (
    ("zlib", "error"),
    ("lzma", "LZMAError"),
    ("tarfile", "TarError"),
    ("zipfile", "BadZipFile"),
    ("xml.parsers.expat", "ExpatError"),
    # NumPy's reader of the header of an array.
    ("tokenize", "TokenError"),
    ("google.protobuf.message", "Error"),
    ("google.protobuf.text_format", "Error"),
    ("PIL.Image", "DecompressionBombError"),
)
_MOST_CHARACTERS = 300


@contextmanager
def guarded(
    error: type[ValidationError],
    what: str,
    *,
    expected: object = None,
    where: object = None,
    next_step: str | None = None,
) -> Iterator[None]:
    """Whatever a parser raises in the block becomes one error of the harness.

    Only the parser's call belongs into the block: a mistake of our own would be blamed on the file.

    Args:
        error: The reader's own.
        what: The complaint.
        expected: What would have been right.
        where: File, for the message.
        next_step: What the reader can do.

    Raises:
        ValidationError: Of the type ``error``; one that is raised in the block passes as it is.
    """
    try:
        yield
    except ValidationError:
        raise
    except Exception as fault:
        if not isinstance(fault, faults()):
            raise
        raise error(
            what,
            expected=expected,
            got=said(fault),
            where=where,
            next_step=next_step,
            fault=FaultKind.DAMAGED,
        ) from fault


def faults() -> tuple[type[BaseException], ...]:
    """What the parsers that are loaded raise on damaged bytes."""
    loaded = ((sys.modules.get(module), name) for module, name in _FAULTS_OF)
    found = (getattr(module, name, None) for module, name in loaded if module is not None)
    return (*_FAULTS, *(each for each in found if each is not None))


def said(fault: BaseException) -> str:
    """What an error of a parser says, on one line; its name where it says nothing."""
    if isinstance(fault, RecursionError):
        return "nested too deeply"
    text = getattr(fault, "strerror", None) or str(fault).strip().partition("\n")[0]
    if isinstance(fault, MemoryError) and not text:
        return "more than the memory holds"
    if isinstance(fault, LookupError | AssertionError) or not text:
        return f"{type(fault).__name__} {text}".strip()
    return str(text)[:_MOST_CHARACTERS]
