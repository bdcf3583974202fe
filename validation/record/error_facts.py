"""An exception as facts: what a record keeps of it, and the line that people read."""

from __future__ import annotations

from dataclasses import dataclass

from validation.errors import ProcessEnded, ValidationError, sentence
from validation.isolation.crash import Crash


@dataclass(frozen=True)
class ErrorFacts:
    """The error that ended a check before it could judge anything.

    Args:
        kind: Name of the exception's class.
        bases: The harness's own classes that it derives from, the nearest first; empty for an
            exception of another library.
        what: The complaint; the whole text of an exception of another library.
        expected: What would have been right.
        got: What was there instead.
        where: File, node, line, key or option.
        next_step: What the reader can do.
        crash: How the process ended, where that ended the check.
    """

    kind: str
    bases: tuple[str, ...] = ()
    what: str = ""
    expected: str | None = None
    got: str | None = None
    where: str | None = None
    next_step: str | None = None
    crash: Crash | None = None

    @classmethod
    def of(cls, error: BaseException) -> ErrorFacts:
        """The facts of an exception."""
        kind = type(error).__name__
        if not isinstance(error, ValidationError):
            return cls(kind, what=str(error))
        bases = [base for base in type(error).__mro__[1:] if issubclass(base, ValidationError)]
        return cls(
            kind,
            tuple(base.__name__ for base in bases),
            error.what,
            _text(error.expected),
            _text(error.got),
            _text(error.where),
            error.next_step,
            error.crash if isinstance(error, ProcessEnded) else None,
        )

    def is_a(self, kind: type[ValidationError]) -> bool:
        """True for that class and for all that derive from it."""
        return kind.__name__ in (self.kind, *self.bases)

    def __str__(self) -> str:
        """``Class: what (where): expected …, got …; next step``."""
        if not self.bases:
            return f"{self.kind}: {self.what}"
        said = sentence(self.what, self.expected, self.got, self.where, self.next_step)
        return f"{self.kind}: {said}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
