"""What became of a fault: caught or missed, by what, and how it was called first."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from validation.faults.running import Found
from validation.faults.table import Row, Subject
from validation.policy.limits import WORST_FIRST, Status
from validation.record.diagnosis_words import describe_diagnosis


class Caught(enum.StrEnum):
    """Whether the verdict knows."""

    CAUGHT = "caught"
    """A check says worse than it says of the clean model in the same archive."""
    NOT_SIGNED = "not signed"
    """No check sees it; the verdict is no PASS, and names the evidence that it lacks."""
    MISSED = "missed"
    """The verdict is that of a clean model, and lacks no evidence."""
    EQUIVALENT = "equivalent"
    """There is nothing to see, and nothing was seen."""


class Naming(enum.StrEnum):
    """How the first diagnosis calls the fault."""

    RIGHT = "right"
    OTHER_CAUSE = "other cause"
    """In the right place, called otherwise."""
    WRONG_PLACE = "wrong place"
    NOT_NAMED = "not named"


@dataclass(frozen=True)
class Outcome:
    """What became of one row; plain values, so that JSON holds it.

    Args:
        fault: Its id.
        title: What was done.
        place: Where.
        known: Ids of the public catalogue of faults.
        subject: Of the row, as its test id says it.
        model: Of the subject.
        thinness: Of the subject.
        variants: Of the subject.
        caught: See `Caught`.
        by: Checks that say worse than of the clean model, the failing ones first.
        expected: Checks of which one at least must.
        verdict: On the case.
        naming: See `Naming`.
        said: The first diagnosis in words; empty without one.
        missing: Evidence that the verdict lacks, in words.
        why: Of an equivalent one: why nothing can be seen.
        seconds: Wall time.
    """

    fault: str
    title: str
    place: str
    known: tuple[str, ...]
    subject: str
    model: str
    thinness: str
    variants: tuple[str, ...]
    caught: Caught
    by: tuple[str, ...]
    expected: tuple[str, ...]
    verdict: Status
    naming: Naming
    said: str
    missing: tuple[str, ...]
    why: str
    seconds: float

    @property
    def is_good(self) -> bool:
        """It was caught or not signed, and not blamed on what is right."""
        return self.caught is not Caught.MISSED and self.naming is not Naming.WRONG_PLACE

    def describe(self) -> str:
        """One line for a failing test."""
        by = ", ".join(self.by) or "no check"
        said = f": {self.said}" if self.said else ""
        return f"{self.title}: {self.caught} by {by}, {self.naming}{said}"


@dataclass(frozen=True)
class Control:
    """What was said of a clean model; plain values, so that JSON holds it.

    Args:
        subject: As its test id says it.
        model: Of the subject.
        thinness: Of the subject.
        images: Labelled images.
        verdict: On the case.
        failed: Checks that fail, with what they say.
        warned: Checks that warn, but for missing evidence, with what they say.
        unknown: Checks that are UNKNOWN, with what they say.
        said: Diagnoses in words: every one is wrong.
        seconds: Wall time.
    """

    subject: str
    model: str
    thinness: str
    images: int
    verdict: Status
    failed: tuple[str, ...]
    warned: tuple[str, ...]
    unknown: tuple[str, ...]
    said: tuple[str, ...]
    seconds: float


def outcome_of(row: Row, found: Found, clean: Found) -> Outcome:
    """Compare what was said of a row with what was said of its clean model.

    Args:
        row: The fault, and in what.
        found: Said of the case with the fault.
        clean: Said of the same case without it.
    """
    worse = _worse(found, clean)
    fault, subject = row.fault, row.subject
    return Outcome(
        fault.id,
        fault.title,
        fault.place.value,
        fault.known,
        str(subject),
        subject.model,
        subject.thinness.value,
        subject.variants,
        _caught(row, found, worse),
        worse,
        fault.checks,
        found.verdict,
        _naming(row, found),
        describe_diagnosis(found.diagnoses[0]) if found.diagnoses else "",
        found.missing,
        row.equivalent,
        found.seconds,
    )


def control_of(subject: Subject, found: Found) -> Control:
    """What was said of a clean model."""

    def of(status: Status, *, but: str = "") -> tuple[str, ...]:
        return tuple(
            f"{check} of {variant}: {found.said.get((check, variant), '')}"
            for (check, variant), each in found.statuses.items()
            if each is status and check != but
        )

    return Control(
        str(subject),
        subject.model,
        subject.thinness.value,
        subject.images,
        found.verdict,
        of(Status.FAIL),
        of(Status.WARN, but="evidence"),
        of(Status.UNKNOWN),
        tuple(map(describe_diagnosis, found.diagnoses)),
        found.seconds,
    )


def _worse(found: Found, clean: Found) -> tuple[str, ...]:
    """Checks that say worse, the worst first, each once."""
    order = WORST_FIRST.index
    worse = [
        (order(status), check)
        for (check, variant), status in found.statuses.items()
        if order(status) < order(clean.statuses.get((check, variant), Status.PASS))
    ]
    return tuple(dict.fromkeys(check for _, check in sorted(worse, key=lambda each: each[0])))


def _caught(row: Row, found: Found, worse: tuple[str, ...]) -> Caught:
    if worse:
        return Caught.CAUGHT
    if row.equivalent:
        return Caught.EQUIVALENT
    if found.verdict is not Status.PASS and found.missing:
        return Caught.NOT_SIGNED
    return Caught.MISSED


def _naming(row: Row, found: Found) -> Naming:
    if not found.diagnoses:
        return Naming.NOT_NAMED
    first, subject = found.diagnoses[0], row.subject
    if row.fault.names(first, subject.thinness, subject.parts):
        return Naming.RIGHT
    if row.fault.is_in_place(first, subject.thinness, subject.parts):
        return Naming.OTHER_CAUSE
    return Naming.WRONG_PLACE
