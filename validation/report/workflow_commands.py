"""Lines by which a program tells GitHub Actions of errors and warnings: one for each cause."""

from __future__ import annotations

from validation.errors import first_few
from validation.files.terminal import printable
from validation.policy.limits import Status
from validation.record.formatting import plural
from validation.signoff.causes import FindingGroup, diagnosis_of, grouped_findings
from validation.signoff.rules import Judgement

# GitHub shows ten of each kind for a step.
_MOST = 10
_WORDS = {Status.FAIL: "error", Status.UNKNOWN: "error", Status.WARN: "warning"}


def workflow_commands(judgement: Judgement) -> tuple[str, ...]:
    """An ``::error`` for each cause of a FAIL or an UNKNOWN, a ``::warning`` for each of a WARN.

    Args:
        judgement: Of the run.
    """
    groups = grouped_findings(judgement.run.findings)
    lines = []
    for word in dict.fromkeys(_WORDS.values()):
        own = [each for each in groups if _WORDS.get(each.status) == word]
        shown = own if len(own) <= _MOST else own[: _MOST - 1]
        lines += [_command(word, *_words_of(each)) for each in shown]
        if left := len(own) - len(shown):
            lines.append(_command(word, "validation", f"{plural(left, 'more cause')}, see the log"))
    return tuple(lines)


def _words_of(group: FindingGroup) -> tuple[str, str]:
    """Title and message: the verdict with the checks, then what happened and to what."""
    checks = first_few(group.checks, 2)
    title = f"{group.status.upper()}: {checks}" if checks else group.status.upper()
    names = first_few(group.touched, 4)
    text = "; ".join(filter(None, (group.text, diagnosis_of(group))))
    return title, f"{names}: {text}" if names else text


def _command(word: str, title: str, message: str) -> str:
    return f"::{word} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """As the runner reads it back; control characters are written as escapes."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
