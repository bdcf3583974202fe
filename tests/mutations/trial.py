"""The trial of a group: every change in a fork of its own, and the sum of what became of them."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from mutations.changes import (
    Change,
    code_changes,
    gone_limits,
    gone_requirements,
    passing,
    short_tables,
)
from mutations.sample import sampled
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
from mutations.summary import Summary, described
from mutations.targets import ROOT, Group, Known, known_survivors
from mutations.tripped import Tripped, read_tripped

__all__ = ["Selection", "chosen", "loaded", "try_group", "try_listed", "updated"]


def updated(tripped: Tripped, summary: Summary) -> Tripped:
    """The table with the tests that went red in this trial, without the reasons of those.

    What was not tried, or is still seen by the test that the table names, stays as it is.
    """
    found = {
        kind: {
            change.name: f"tests/{outcome.killed_by}"
            for change, outcome in summary.killed
            if change.kind == kind
        }
        for kind in ("check passes", "limit ignored")
    }
    checks = {**tripped.checks, **found["check passes"]}
    limits = {**tripped.limits, **found["limit ignored"]}
    reasons = {
        name: reason
        for name, reason in tripped.reasons.items()
        if name not in checks and name not in limits
    }
    return Tripped(checks, limits, reasons)


@dataclass(frozen=True)
class Selection:
    """Which changes of a group are tried.

    Args:
        only: What kind and name have to hold; empty for any. Where it is given, all of these.
        listed: Those alone that unseen.toml and equivalent.toml speak about.
        whole: No sample: every mutant of every module.
        seed: Of the sample.
    """

    only: str = ""
    listed: bool = False
    whole: bool = False
    seed: int = 0


def chosen(group: Group, functions: Functions, selection: Selection) -> list[Change]:
    """The changes of a group that are tried."""
    found = _changes_of(group, functions)
    if selection.only:
        return [each for each in found if selection.only in each.label]
    if selection.listed:
        known = known_survivors()
        return [
            each for each in found if each.mutant and any(one.covers(each.mutant) for one in known)
        ]
    if selection.whole:
        return found
    return sampled(found, whole=group.whole, seed=selection.seed)


def _gone(group: Group, functions: Functions) -> list[str]:
    """Entries of the group's modules that no mutant is meant by any more."""
    own = {path.relative_to(ROOT).as_posix() for path in group.paths}
    mutants = [each.mutant for each in _changes_of(group, functions) if each.mutant]
    return [
        f"{each.module}::{each.function}: {each.operator}: {each.before}: there is no such mutant"
        for each in known_survivors()
        if each.module in own and not any(map(each.covers, mutants))
    ]


def _changes_of(group: Group, functions: Functions) -> list[Change]:
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
        found += short_tables(path, ROOT, functions)
    return found


def try_group(group: Group, summary: Summary, selection: Selection, *, workers: int) -> None:
    """Try changes of a group, each with the tests that come by it, and add to the summary."""

    def then(items: list[pytest.Item], forks: Forks) -> int:
        functions = loaded(group)
        named = chosen(group, functions, selection)
        summary.wrongly_listed += _gone(group, functions)
        probe = functools.partial(functions.probe, ROOT)
        reached = _green(forks, range(len(items)), probe, group.name)
        if reached is None:
            return 3
        table = read_tripped().tests
        places = _by_name(items)
        plans = []
        for each in named:
            known = _places(table[each.name], places) if each.name in table else []
            plans.append(ordered(each.tests(reached), each.module, items, reached, known))
        _try_all(named, plans, forks, summary, workers)
        return 0

    _collected(group.preload, group.tests, then, summary)


def try_listed(tripped: Tripped, summary: Summary, *, only: str, workers: int) -> None:
    """Try checks that pass blindly and ignored limits, each with the test of the table alone."""

    def then(items: list[pytest.Item], forks: Forks) -> int:
        from validation.checks.registry import CHECKS
        from validation.policy.load import load_policy

        gone = [*(passing(check, ROOT) for check in CHECKS), *gone_limits(load_policy())]
        named = [each for each in gone if each.name in tests and only in each.label]
        places = _by_name(items)
        plans = [_places(tests[each.name], places) for each in named]
        asked = sorted({place for plan in plans for place in plan})
        if _green(forks, asked, lambda: None, "listed") is None:
            return 3
        _try_all(named, plans, forks, summary, workers)
        return 0

    tests = {
        name: test
        for name, test in tripped.tests.items()
        if only in (f"check passes {name}" if name in tripped.checks else f"limit ignored {name}")
    }
    # pytest does not take every parameter on its command line.
    functions = dict.fromkeys(test.partition("[")[0] for test in tests.values())
    _collected(("tensorflow",), [*functions], then, summary)


def _by_name(items: Sequence[pytest.Item]) -> dict[str, int]:
    return {f"tests/{item.nodeid}": place for place, item in enumerate(items)}


def _places(test: str, places: Mapping[str, int]) -> list[int]:
    """That of the test; of all its parameters, where the one that is named has another number."""
    if test in places:
        return [places[test]]
    function = test.partition("[")[0]
    return [place for name, place in places.items() if name.partition("[")[0] == function]


def _collected(
    preload: Sequence[str],
    tests: Sequence[str],
    then: Callable[[list[pytest.Item], Forks], int],
    summary: Summary,
) -> None:
    # As `validation.cli.main` sets it before TensorFlow is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for package in preload:
        importlib.import_module(package)
    os.chdir(ROOT)
    code = collect(tests, then)
    summary.complete = summary.complete and code == 0


def loaded(group: Group) -> Functions:
    """Functions of the group's modules, and of those that what is gone belongs to."""
    from validation.policy import load

    # Where the tests have not, so that a change finds every module loaded.
    for path in group.paths:
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return Functions([*group.paths, Path(str(load.__file__))])


def _green(
    forks: Forks, tests: Sequence[int], probe: Callable[[], object], name: str
) -> Reached | None:
    """What the tests come by; None where one is red without any change."""
    found: list[object] = []
    baseline = functools.partial(reached_by, forks, tests, probe)
    forks.mapped([baseline], 1, lambda _, each: found.append(each))
    (reached,) = found
    if isinstance(reached, Reached) and not reached.failed:
        return reached
    said = reached.failed if isinstance(reached, Reached) else reached
    sys.stderr.write(f"{name}: red without any change: {said}\n")
    return None


def _try_all(
    changes: Sequence[Change],
    plans: Sequence[Sequence[int]],
    forks: Forks,
    summary: Summary,
    workers: int,
) -> None:
    jobs = [
        limited(functools.partial(forks.run_until_red, change.apply, plan))
        for change, plan in zip(changes, plans, strict=True)
    ]
    listed = known_survivors()
    seen: dict[Known, list[str]] = {}
    survived: set[Known] = set()

    def done(number: int, outcome: Outcome | Broken | str) -> None:
        change = changes[number]
        if isinstance(outcome, Broken):
            sys.stderr.write(f"{change.name}: {outcome.error}\n")
            summary.complete = False
            return
        if isinstance(outcome, str):
            outcome = Outcome(outcome, len(plans[number]), 0.0, is_signal=True)
        own = [each for each in listed if change.mutant and each.covers(change.mutant)]
        if outcome.killed_by:
            summary.killed.append((change, outcome))
            for each in own:
                seen.setdefault(each, []).append(f"{change.name}: {outcome.killed_by}")
            return
        survived.update(own)
        if any(each.is_equivalent for each in own):
            summary.equivalent.append(change)
        elif own:
            summary.unseen.append(change)
        else:
            summary.survivors.append((change, outcome))
            sys.stderr.write(f"survived: {described(change, outcome)}\n")

    forks.mapped(jobs, workers, done)
    for each, killed in seen.items():
        if each not in survived:
            summary.wrongly_listed += killed
