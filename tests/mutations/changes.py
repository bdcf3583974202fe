"""What is tried in a fork: a mutant of the code, or a check, limit or requirement that is gone."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mutations.operators import BOUNDARY, OPERATORS
from mutations.session import Functions, Reached
from mutations.sites import Mutant, Source

from validation.checks.check import Check
from validation.policy.limits import Limit, Status
from validation.policy.load import Policy

__all__ = [
    "CannotApply",
    "Change",
    "code_changes",
    "gone_limits",
    "gone_requirements",
    "passing",
    "short_tables",
]


class CannotApply(Exception):
    """The function is not loaded, or its code cannot be exchanged."""


@dataclass(frozen=True)
class Change:
    """One way in which the judge is wrong.

    Args:
        kind: The operator, or what is gone.
        name: On one line, and unlike that of any other.
        after: The code that takes the place; empty where there is none.
        module: Path below the root of what is wrong.
        apply: Makes it so in this process.
        tests: Places of the tests that may see it.
        mutant: Of the code; None where something is gone.
    """

    kind: str
    name: str
    after: str
    module: str
    apply: Callable[[], object]
    tests: Callable[[Reached], set[int]]
    mutant: Mutant | None = None

    @property
    def label(self) -> str:
        """Kind and name."""
        return f"{self.kind} {self.name}"


def code_changes(
    path: Path, root: Path, functions: Functions, *, boundary: bool = False
) -> Iterator[Change]:
    """All mutants of a module."""
    source = Source(path, root, {**OPERATORS, **(BOUNDARY if boundary else {})})
    for mutant in source.mutants():
        yield Change(
            mutant.operator,
            mutant.name,
            mutant.after,
            source.module,
            functools.partial(_exchange, path, functions, source, mutant),
            functools.partial(_coming_by, path, mutant.statement),
            mutant,
        )


def _exchange(path: Path, functions: Functions, source: Source, mutant: Mutant) -> None:
    if not functions.exchange(path, source.compiled(mutant), mutant.function):
        raise CannotApply(mutant.name)


def _coming_by(path: Path, statement: int, reached: Reached) -> set[int]:
    return reached.tests_of(path, statement)


_PASSING = """
def {name}(context):
    from validation.policy.limits import Limit
    from validation.record.types import CheckResult, Measure
    nothing = Measure("nothing", 0, Limit("max", 0, "nothing was done"))
    return [CheckResult.judged("{check}", context.key, (nothing,))]
"""


def passing(check: Check, root: Path) -> Change:
    """A check that passes whatever it is given."""
    function = check.run
    path = Path(function.__code__.co_filename)
    text = _PASSING.format(name=function.__name__, check=check.name)
    code = compile(ast.parse(text), str(path), "exec")
    (body,) = [each for each in code.co_consts if hasattr(each, "co_code")]
    lines = [line for _, _, line in function.__code__.co_lines() if line]

    def apply() -> None:
        function.__code__ = body

    return Change(
        "check passes",
        check.name,
        "PASS",
        path.relative_to(root).as_posix(),
        apply,
        lambda reached: reached.tests_of(path, *lines),
    )


def _passes(_: object) -> Status:
    return Status.PASS


def gone_limits(policy: Policy) -> Iterator[Change]:
    """Each measure without its limits: nothing is too much of it."""
    for check, measure in dict.fromkeys((rule.check, rule.measure) for rule in policy.rules):
        yield _gone_limit(check, measure)


def _gone_limit(check: str, measure: str) -> Change:
    def apply() -> None:
        original = Policy.limit

        def limit(policy: Policy, *of: str) -> Limit:
            found = original(policy, *of)
            if of[:2] == (check, measure):
                # Equal to the one in the policy: only the judging is gone.
                found = replace(found)
                object.__setattr__(found, "status", _passes)
            return found

        Policy.limit = limit  # type: ignore[method-assign,assignment]

    return Change(
        "limit ignored",
        f"{check}.{measure}",
        "PASS",
        "validation/policy/policy.toml",
        apply,
        lambda reached: reached.limits.get((check, measure), set()),
    )


def gone_requirements(policy: Policy, path: Path, lines: Sequence[int]) -> Iterator[Change]:
    """Each check that a signature needs is not asked for."""
    for check in dict.fromkeys([*policy.required, *policy.required_of_given]):
        yield _gone_requirement(check, path, lines)


def _gone_requirement(check: str, path: Path, lines: Sequence[int]) -> Change:
    def apply() -> None:
        original = Policy.required_checks

        def required_checks(policy: Policy, *of: Any, **more: Any) -> tuple[str, ...]:
            return tuple(each for each in original(policy, *of, **more) if each != check)

        Policy.required_checks = required_checks  # type: ignore[method-assign]

    return Change(
        "requirement dropped",
        check,
        "",
        "validation/policy/policy.toml",
        apply,
        lambda reached: reached.tests_of(path, *lines),
    )


def short_tables(path: Path, root: Path, functions: Functions) -> Iterator[Change]:
    """Each entry of each table of a module left out: of its tuples and dictionaries."""
    name = ".".join(path.relative_to(root).with_suffix("").parts)
    module = sys.modules[name]
    for line, table in _tables(path):
        value = getattr(module, table)
        if isinstance(value, tuple | Mapping) and len(value) > 1:
            for place, entry in enumerate(value):
                shown = re.sub(" at 0x[0-9a-f]+", "", str(entry))
                yield _short_table(path, root, functions, table, place, shown, line)


def _tables(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of what a module's own statements assign, in capitals."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper():
                yield node.lineno, target.id


def _short_table(
    path: Path, root: Path, functions: Functions, table: str, place: int, entry: str, line: int
) -> Change:
    own = path.relative_to(root).as_posix()

    def apply() -> None:
        whole = getattr(sys.modules[".".join(Path(own).with_suffix("").parts)], table)
        if isinstance(whole, tuple):
            short: object = (*whole[:place], *whole[place + 1 :])
        else:
            short = dict([*whole.items()][:place] + [*whole.items()][place + 1 :])
        for module in [*sys.modules.values()]:
            for name, value in [*getattr(module, "__dict__", {}).items()]:
                if value is whole:
                    setattr(module, name, short)

    mutant = Mutant(own, table, "entry left out", entry, "", place, line, line)
    return Change(
        mutant.operator,
        mutant.name,
        "",
        own,
        apply,
        lambda reached: {
            test
            for user in functions.using(table)
            for test in reached.tests_of(
                Path(user.co_filename), *(each for _, _, each in user.co_lines() if each)
            )
        },
        mutant,
    )
