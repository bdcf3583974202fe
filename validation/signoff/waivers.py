"""Failures that a user accepts, until a day and for a reason: read strictly, never left unused."""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import glob
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NewType

from validation.errors import did_you_mean, first_few
from validation.files.structured import Text, parse_toml, register
from validation.policy.limits import Status
from validation.record.store import Record
from validation.record.types import CheckResult, ModelKey
from validation.signoff.exit_codes import FAILED, INTERRUPTED
from validation.signoff.findings import Cause, Finding
from validation.signoff.rules import Judgement, evidence

WAIVERS_VERSION = 1

Day = NewType("Day", str)
"""A date as ISO 8601 has it, for example 2027-01-31."""

# In a user's file: its TOML parser does not say on which lines an entry is.
_TABLE = re.compile(r"\s*\[\[\s*waiver\s*\]\]")
# What stands at the end of a run that went wrong; no reason makes it a run that went well.
_OF_CHECKS = frozenset({Cause.RESULT, Cause.MISSING})


@dataclass(frozen=True)
class Waiver:
    """One entry of a user's file. Model, variant, check, measure and file are shell patterns.

    Args:
        model: Models that it is for.
        variant: Their variants, or forms of given files.
        check: Checks whose FAIL or UNKNOWN is accepted.
        reason: Why.
        expires: The last day on which it holds.
        by: Who accepts it.
        measure: The measures alone that are accepted; None: whatever the check found.
        file: The given files that it is for; None: what was made here, and no given file.
    """

    model: Text
    variant: Text
    check: Text
    reason: Text
    expires: Day
    by: Text
    measure: Text | None = None
    file: Text | None = None

    def covers(self, problem: Problem) -> bool:
        """Whether it is for this problem."""
        if not self._names(problem.key, problem.check):
            return False
        if self.measure is None:
            return True
        return bool(problem.measure) and fnmatch.fnmatchcase(problem.measure, self.measure)

    def _names(self, key: ModelKey, check: str) -> bool:
        return (
            fnmatch.fnmatchcase(key.model, self.model)
            and fnmatch.fnmatchcase(key.variant, self.variant)
            and fnmatch.fnmatchcase(check, self.check)
            and self._names_file(key.file)
        )

    def _names_file(self, file: str) -> bool:
        if self.file is None or not file:
            return self.file is None and not file
        return fnmatch.fnmatchcase(file, self.file)

    def is_about(self, result: CheckResult) -> bool:
        """Whether it names a result, good or bad."""
        names = (measure.name for measure in result.measures)
        return self._names(result.key, result.check) and (
            self.measure is None or any(fnmatch.fnmatchcase(each, self.measure) for each in names)
        )

    def describe(self) -> str:
        """As the file has it, on one line."""
        keys = ("model", "variant", "check", "file", "measure")
        named = ((key, getattr(self, key)) for key in keys)
        return ", ".join(f"{key} = {_quoted(name)}" for key, name in named if name is not None)


@dataclass(frozen=True)
class _File:
    version: int
    waiver: tuple[Waiver, ...] = ()


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a run from being signed.

    Args:
        key: Of the subject.
        check: Name of the check.
        status: FAIL or UNKNOWN.
        measure: The measure that is outside of its limit; empty where no number says it.
    """

    key: ModelKey
    check: str
    status: Status
    measure: str = ""

    def describe(self) -> str:
        """Subject, check and measure with the status."""
        name = f"{self.check}, {self.measure}" if self.measure else self.check
        return f"{self.key}: {name}: {self.status}"

    def as_waiver(self) -> str:
        """The keys of a waiver that would cover it and nothing else."""
        key = self.key
        names = {"model": key.model, "variant": key.variant, "check": self.check}
        names |= {"file": key.file} if key.file else {}
        names |= {"measure": self.measure} if self.measure else {}
        return ", ".join(f"{word} = {_quoted(glob.escape(name))}" for word, name in names.items())


@dataclass(frozen=True)
class StaleWaiver:
    """A waiver that does not hold, and what to do about it.

    Args:
        number: Of the entry, from 1.
        waiver: The entry.
        what: What is wrong with it.
        next_step: The command or the edit that puts it right.
    """

    number: int
    waiver: Waiver
    what: str
    next_step: str

    def describe(self, file: str) -> str:
        """One line."""
        return (
            f"{file}, waiver {self.number} ({self.waiver.describe()}): {self.what}; "
            f"{self.next_step}"
        )


@dataclass(frozen=True)
class Waived:
    """What waivers make of a judgement.

    Args:
        status: PASS or WARN where everything is accepted, else what is left: FAIL or UNKNOWN.
        covered: For each waiver, in their order, the problems that it covers.
        open: Problems that no waiver covers.
        unwaivable: Findings that no waiver can cover: the run itself went wrong.
        stale: Waivers that do not hold.
    """

    status: Status
    covered: tuple[tuple[Problem, ...], ...]
    open: tuple[Problem, ...]
    unwaivable: tuple[Finding, ...]
    stale: tuple[StaleWaiver, ...]


def parse_waivers(data: bytes, name: str) -> tuple[Waiver, ...]:
    """The entries of a user's file.

    Raises:
        CatalogueError: Not TOML, another version, or keys or values that are wrong.
    """
    return parse_toml(data, _File, WAIVERS_VERSION, where=name).waiver


def apply_waivers(
    record: Record,
    judgement: Judgement,
    waivers: Sequence[Waiver],
    today: str,
    source: tuple[str, str] = ("", ""),
) -> Waived:
    """Hold waivers against what keeps a run from being signed.

    Args:
        record: Of the run.
        judgement: On that record.
        waivers: Each has to be used.
        today: As ISO 8601 has it.
        source: Name and text of the file that has them, for the commands that mend it.
    """
    bad = [each for each in judgement.run.findings if each.status in (Status.FAIL, Status.UNKNOWN)]
    waivable = [each for each in bad if each.cause in _OF_CHECKS and each.check]
    problems = [problem for each in waivable for problem in problems_of(each)]
    holding = [waiver for waiver in waivers if waiver.expires >= today]
    left = tuple(each for each in problems if not any(waiver.covers(each) for waiver in holding))
    unwaivable = (*(each for each in bad if each not in waivable), *_hidden(record, bad))
    worst = [*(each.status for each in left), *(each.status for each in unwaivable)]
    status = next((each for each in (Status.FAIL, Status.UNKNOWN) if each in worst), Status.PASS)
    if status is Status.PASS and _warns(judgement, waivable):
        status = Status.WARN
    return Waived(
        status,
        tuple(tuple(each for each in problems if waiver.covers(each)) for waiver in waivers),
        left,
        unwaivable,
        tuple(_stale(record, problems, waivers, today, *source)),
    )


def _hidden(record: Record, bad: Sequence[Finding]) -> Iterable[Finding]:
    """How the session ended, which a verdict leaves unsaid beside a failure that explains it."""
    code = record.footer.exit_code if record.footer else 0
    cause = Cause.INTERRUPTED if code == INTERRUPTED else Cause.EXIT_CODE
    if code not in (0, FAILED) and all(each.cause is not cause for each in bad):
        yield Finding(Status.UNKNOWN, cause, exit_code=code)


def problems_of(finding: Finding) -> tuple[Problem, ...]:
    """What has to be accepted of a finding: each measure outside of its limit by itself."""
    if finding.key is None:
        return ()
    bad = (Status.FAIL, Status.UNKNOWN)
    measures = [
        Problem(finding.key, finding.check, measure.status, measure.name)
        for measure in (finding.result.measures if finding.result else ())
        if measure.limit is not None and measure.status in bad
    ]
    explained = any(each.status is finding.status for each in measures)
    own = [] if explained else [Problem(finding.key, finding.check, finding.status)]
    return (*own, *measures)


def _warns(judgement: Judgement, waived: Iterable[Finding]) -> bool:
    """Whether something else is inside its limit, but worse than it should be."""
    if any(each.status is Status.WARN for each in judgement.run.findings):
        return True
    results = [each.result for each in waived if each.result is not None]
    return any(measure.status is Status.WARN for each in results for measure in each.measures)


def _stale(
    record: Record,
    problems: Sequence[Problem],
    waivers: Sequence[Waiver],
    today: str,
    name: str,
    text: str,
) -> Iterable[StaleWaiver]:
    spans = _spans(text, len(waivers))
    for number, waiver in enumerate(waivers, 1):
        lines = spans[number - 1] if spans else None
        remove = _edit(f"remove waiver {number}", lines, "d", name)
        used = any(waiver.covers(each) for each in problems)
        about = [each for each in record.results if waiver.is_about(each)]
        if not used and not about:
            advice = _nearest(record, waiver)
            yield StaleWaiver(number, waiver, f"it matches nothing in this run{advice}", remove)
        elif not used:
            statuses = ", ".join(dict.fromkeys(evidence(each).upper() for each in about))
            yield StaleWaiver(
                number, waiver, f"nothing is left to accept, the check says {statuses}", remove
            )
        elif waiver.expires < today:
            renew = _edit(
                "decide anew",
                lines,
                "s/^ *expires *=.*/expires = NEW-DATE/",
                name,
            )
            what = f"it expired on {waiver.expires}, today is {today}"
            yield StaleWaiver(number, waiver, what, f"{renew}; or {remove}")


def _nearest(record: Record, waiver: Waiver) -> str:
    """The name that was probably meant, where one of them is no pattern and is unknown."""
    if waiver.file is None:
        as_given = dataclasses.replace(waiver, file=Text("*"))
        files = {each.file for each in record.results if as_given.is_about(each)}
        if files:
            return f" (a file that was given is named by `file`: {first_few(sorted(files))})"
    known = {
        "model": {each.model for each in record.results},
        "variant": {each.variant for each in record.results},
        "check": {each.check for each in record.results},
        "file": {each.file for each in record.results if each.file},
    }
    for key, names in known.items():
        pattern = getattr(waiver, key)
        if pattern is not None and not fnmatch.filter(names, pattern):
            advice = did_you_mean(pattern, sorted(names))
            return f" ({key}: {advice})" if advice else ""
    return ""


def _quoted(name: str) -> str:
    """As TOML has it: its basic strings are JSON's."""
    return json.dumps(name, ensure_ascii=False)


def _spans(text: str, count: int) -> list[tuple[int, int]]:
    """First and last line of each entry, from 1; none where the lines do not show them."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines, 1) if _TABLE.match(line)]
    if len(starts) != count:
        return []
    ends = [start - 1 for start in starts[1:]] + [len(lines)]
    return list(zip(starts, ends, strict=False))


def _edit(words: str, lines: tuple[int, int] | None, command: str, name: str) -> str:
    """What to do, with the command that does it where its lines are known."""
    if lines is None:
        return words
    return f"{words}: sed -i '{lines[0]},{lines[1]}{command}' {shlex.quote(name)}"


def _day(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        raise TypeError
    if isinstance(value, datetime.date):
        return value.isoformat()
    return datetime.date.fromisoformat(value).isoformat()


register(Day, "a date such as 2027-01-31", _day)
