"""The trial of a group: every change in a fork of its own, and the sum of what became of them."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mutations.changes import Change, code_changes, gone_limits, gone_requirements, passing
from mutations.session import (
    Broken,
    Forks,
    Functions,
    Outcome,
    Reached,
    collect,
    limited,
    ordered,
    reached_by,
)
from mutations.targets import ROOT, Group, equivalents

__all__ = ["Summary", "changes_of", "try_group"]


@dataclass
class Summary:
    """What became of all changes.

    Args:
        killed: Changes that turned a test red, and which.
        survivors: Changes that no test sees; `Outcome.tests` says how many came by.
        known: Survivors that are listed as equivalent.
        wrong_equivalents: Listed as equivalent, though a test sees them or nothing is so called.
        complete: False where a group could not be tried.
    """

    killed: list[tuple[Change, Outcome]] = field(default_factory=list)
    survivors: list[tuple[Change, Outcome]] = field(default_factory=list)
    known: list[Change] = field(default_factory=list)
    wrong_equivalents: list[str] = field(default_factory=list)
    complete: bool = True

    def as_text(self) -> str:
        """Counts by kind, then each survivor."""
        lines = ["kind | tried | killed | equivalent | survived", "---|---|---|---|---"]
        sides = (
            Counter(change.kind for change, _ in self.killed),
            Counter(change.kind for change in self.known),
            Counter(change.kind for change, _ in self.survivors),
        )
        for kind in sorted({kind for side in sides for kind in side}):
            counts = [side[kind] for side in sides]
            lines.append(" | ".join(map(str, (kind, sum(counts), *counts))))
        totals = [sum(side.values()) for side in sides]
        lines.append(" | ".join(map(str, ("all", sum(totals), *totals))))
        for change, outcome in self.survivors:
            line = f":{change.mutant.line}" if change.mutant else ""
            lines.append(
                f"SURVIVED {change.module}{line} {change.kind} | {change.name} -> {change.after}"
                f" | {outcome.tests} tests"
            )
        lines += [f"NOT EQUIVALENT {name}" for name in self.wrong_equivalents]
        return "\n".join(lines)


def changes_of(group: Group, functions: Functions) -> list[Change]:
    """All that a group has."""
    from validation.checks.registry import CHECKS
    from validation.policy.load import Policy, load_policy

    found: list[Change] = []
    if "checks" in group.gone:
        found += [passing(check, ROOT) for check in CHECKS]
    if "limits" in group.gone:
        found += gone_limits(load_policy())
    if "requirements" in group.gone:
        code = Policy.required_checks.__code__
        lines = [line for _, _, line in code.co_lines() if line]
        found += gone_requirements(load_policy(), Path(code.co_filename), lines)
    for path in group.paths:
        boundary = path.relative_to(ROOT).as_posix() in group.boundary
        found += code_changes(path, ROOT, functions, boundary=boundary)
    return found


def try_group(group: Group, summary: Summary, *, only: str, workers: int) -> None:
    """Try every change of a group, and add to the summary."""
    # As `validation.cli.main` sets it before TensorFlow is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for package in group.preload:
        importlib.import_module(package)

    def then(items: list[pytest.Item], forks: Forks) -> int:
        return _tried(group, items, forks, summary, only, workers)

    os.chdir(ROOT)
    code = collect(group.tests, then)
    summary.complete = summary.complete and code == 0


def _tried(
    group: Group,
    items: list[pytest.Item],
    forks: Forks,
    summary: Summary,
    only: str,
    workers: int,
) -> int:
    from validation.policy import load

    # Where the tests have not, so that a change finds every module loaded.
    for path in group.paths:
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    checks = sorted(ROOT.glob("validation/checks/*.py")) if "checks" in group.gone else []
    functions = Functions([*group.paths, Path(str(load.__file__)), *checks])
    changes = [each for each in changes_of(group, functions) if only in f"{each.kind} {each.name}"]
    found: list[Reached] = []
    baseline = functools.partial(
        reached_by, forks, len(items), functools.partial(functions.probe, ROOT)
    )
    forks.mapped([baseline], 1, lambda _, each: found.append(each))
    (reached,) = found
    if not isinstance(reached, Reached):
        sys.stderr.write(f"{group.name}: the tests ended early: {reached}\n")
        return 3
    if reached.failed:
        sys.stderr.write(f"{group.name}: red without any change: {reached.failed}\n")
        return 3
    sys.stderr.write(f"{group.name}: {len(items)} tests, {len(changes)} changes\n")
    plans = [ordered(each.tests(reached), each.module, items, reached) for each in changes]
    jobs = [
        limited(functools.partial(forks.run_until_red, change.apply, plan))
        for change, plan in zip(changes, plans, strict=True)
    ]
    listed = equivalents()

    def done(number: int, outcome: Outcome | Broken | str) -> None:
        change = changes[number]
        if isinstance(outcome, Broken):
            sys.stderr.write(f"{change.name}: {outcome.error}\n")
            summary.complete = False
            return
        if isinstance(outcome, str):
            outcome = Outcome(outcome, len(plans[number]), 0.0)
        own = [each for each in listed if change.mutant and each.covers(change.mutant)]
        if outcome.killed_by:
            summary.killed.append((change, outcome))
            summary.wrong_equivalents += [f"{change.name}: {outcome.killed_by}" for _ in own]
        elif own:
            summary.known.append(change)
        else:
            summary.survivors.append((change, outcome))

    forks.mapped(jobs, workers, done)
    return 0
