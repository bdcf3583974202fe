"""A diagnosis in words: one sentence of what is wrong, and what to do."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from validation.files.structured import read_toml
from validation.record.diagnosis import DiagnosedBy, Diagnosis, FaultKind
from validation.record.formatting import number, plural

_TABLE = Path(__file__).with_name("diagnosis.toml")
# In the table: what is said where the values are not known, and what they add.
_KNOWN = "|"


@dataclass(frozen=True)
class _Words:
    said: str
    next: str


def describe_diagnosis(diagnosis: Diagnosis) -> str:
    """For example ``.tflite: anchors are others: sides times 1.5; AP 0.36, undone 0.69``."""
    return f"{places_in_words(diagnosis)}: {describe_fault(diagnosis)}"


def describe_fault(diagnosis: Diagnosis) -> str:
    """As `describe_diagnosis`, without the place."""
    general, _, particular = _table()[diagnosis.fault].said.partition(_KNOWN)
    values = _values(diagnosis)
    is_known = all(values[name] for name in values if f"{{{name}}}" in particular)
    words = general
    if is_known:
        words += particular.format(**values)
    # An error names the line to change; other evidence has its place in the words.
    if diagnosis.by is DiagnosedBy.ERROR and diagnosis.where and diagnosis.where not in words:
        words += f" ({diagnosis.where})"
    if diagnosis.count > 1:
        words += f" and {plural(diagnosis.count - 1, 'more place')}"
    if diagnosis.measure and diagnosis.before is not None and diagnosis.after is not None:
        words += f"; {diagnosis.measure} {number(diagnosis.before)}"
        words += f", undone {number(diagnosis.after)}"
    if diagnosis.ties:
        words += f" (or: {'; '.join(map(fault_in_words, diagnosis.ties))})"
    return words


def places_in_words(diagnosis: Diagnosis) -> str:
    """For example ``.tflite``, or ``inference graph or labels`` where nothing tells them apart."""
    return " or ".join((diagnosis.place, *diagnosis.other_places))


def next_step(diagnosis: Diagnosis) -> str:
    """What to do about it: the line of config, the flag or the code."""
    return diagnosis.next_step or _table()[diagnosis.fault].next.format(**_values(diagnosis))


def diagnosis_line(diagnoses: Sequence[Diagnosis], beside: str = "") -> str:
    """The first fault, its next step, and how many more there are, on one line; empty without.

    Args:
        diagnoses: The first is said.
        beside: What is said of the same on the same line: its words are not repeated.
    """
    new = unsaid(diagnoses, beside)
    if not new:
        return ""
    line = f"diagnosis: {describe_diagnosis(new[0])}"
    step = next_step(new[0])
    if step not in beside:
        line += f"; next step: {step}"
    more = len(new) - 1
    if more:
        line += f"; {more} more diagnos{'es' if more > 1 else 'is'}"
    return " ".join(line.split())


def unsaid(diagnoses: Iterable[Diagnosis], beside: str) -> tuple[Diagnosis, ...]:
    """Those whose words are not in a text beside which they are to be said."""
    return tuple(each for each in diagnoses if describe_diagnosis(each) not in beside)


def diagnosis_lines(diagnoses: Iterable[Diagnosis], beside: str = "") -> list[str]:
    """Every fault with its next step, a line each; see `diagnosis_line`."""
    return [line for each in diagnoses if (line := diagnosis_line([each], beside))]


def fault_in_words(fault: FaultKind) -> str:
    """Without values: ``channels are in another order``."""
    return _table()[fault].said.partition(_KNOWN)[0]


def by_directness(diagnoses: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """Those found by looking at the fault itself first; of one kind, in their own order."""
    order = tuple(DiagnosedBy)
    return tuple(sorted(diagnoses, key=lambda each: order.index(each.by)))


def _values(diagnosis: Diagnosis) -> dict[str, str]:
    return {
        "where": diagnosis.where,
        "expected": _value(diagnosis.expected),
        "got": _value(diagnosis.got),
    }


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(number, value))
    return number(value)


@functools.cache
def _table() -> Mapping[str, _Words]:
    return read_toml(_TABLE, dict[str, _Words])
