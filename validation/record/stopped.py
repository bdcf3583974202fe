"""What an error says is wrong with a file, as diagnoses; whatever was stopped by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from validation.errors import ValidationError
from validation.record.diagnosis import DiagnosedBy, Diagnosis
from validation.record.diagnosis_words import diagnosis_lines
from validation.record.types import ModelKey
from validation.root_cause import FaultKind, RootCause

# Of a session that ends before it has any subject.
_NO_SUBJECT = ModelKey("", "")
# Their values say little: what is wrong is the error's complaint.
_COMPLAINTS = (FaultKind.INVALID, FaultKind.UNSUPPORTED, FaultKind.ANCHORS, FaultKind.OTHER_FILE)


def diagnoses_of_error(
    error: BaseException, key: ModelKey = _NO_SUBJECT, check: str = ""
) -> tuple[Diagnosis, ...]:
    """What is wrong with which file, in the error's order.

    Args:
        error: What stopped a check, or a session before any check.
        key: The subject.
        check: The check that was stopped.

    Returns:
        None for an error that is not about a file, and for one of another library.
    """
    if not isinstance(error, ValidationError):
        return ()
    return tuple(
        Diagnosis(
            key.model,
            key.variant,
            cause.fault,
            place,
            DiagnosedBy.ERROR,
            where=cause.where or _name(error.where),
            expected=_plain(cause.expected),
            got=_plain(cause.got),
            file=key.file,
            check=check,
            next_step=cause.next_step,
        )
        for cause in _causes(error)
        if (place := cause.place or error.place) is not None
    )


def with_diagnosis(error: ValidationError) -> str:
    """The message of an error that ends a session, with its next step and what is wrong."""
    said = error.with_next_step()
    return "; ".join([said, *diagnosis_lines(diagnoses_of_error(error), said)])


def not_said(diagnoses: Sequence[Diagnosis], said: set[Diagnosis]) -> list[Diagnosis]:
    """Those that no earlier check of their subject gave.

    Ten checks that one file stops are one fault.

    Args:
        diagnoses: Of one check.
        said: By earlier checks, without their names and advice; these are added.
    """
    new = [each for each in diagnoses if _fault(each) not in said]
    said.update(map(_fault, new))
    return new


def _fault(diagnosis: Diagnosis) -> Diagnosis:
    """Whichever check was stopped, and whatever it advises."""
    return replace(diagnosis, check="", next_step="")


def _causes(error: ValidationError) -> tuple[RootCause, ...]:
    if error.causes or error.fault is None:
        return error.causes
    got = error.what if error.fault in _COMPLAINTS else error.got
    step = error.next_step or ""
    return (RootCause(error.fault, expected=error.expected, got=got, next_step=step),)


def _name(where: object) -> str:
    if where is None:
        return ""
    return where.name if isinstance(where, PurePath) else str(where)


def _plain(value: object) -> Any:
    """As JSON holds it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    return str(value)
