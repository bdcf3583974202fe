"""Every limit of the harness, read from policy.toml: a bound and its reason.

Code asks for the limit of (check, measure, model, variant) and gets exactly one
or an error; no tolerance stands in code.
"""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from validation.errors import CatalogueError
from validation.policy.limits import Limit

POLICY_VERSION = 1
DEFAULT_POLICY = Path(__file__).with_name("policy.toml")

_RELATIONS = ("max", "min", "equal")
_LIMIT_KEYS = {"check", "measure", "models", "variants", "reason", "warn", *_RELATIONS}
_TOP_KEYS = {"version", "setting", "required", "limit"}

_Kind = TypeVar("_Kind", list[Any], dict[str, Any])


@dataclass(frozen=True)
class Rule:
    """One [[limit]] table: where it holds, and the limit.

    Args:
        check: Name of the check.
        measure: Name of the measured value.
        models: Shell patterns of model names.
        variants: Shell patterns of variants.
        limit: Relation, bound and reason.
    """

    check: str
    measure: str
    models: tuple[str, ...]
    variants: tuple[str, ...]
    limit: Limit

    def covers(self, check: str, measure: str, model: str, variant: str) -> bool:
        """True when this rule speaks about that value."""
        return (
            self.check == check
            and self.measure == measure
            and any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)
            and any(fnmatch.fnmatchcase(variant, pattern) for pattern in self.variants)
        )


@dataclass(frozen=True)
class Policy:
    """The limits, the settings that measurements run with, and what a signature needs.

    Args:
        rules: In file order; of two that cover a value the later one holds, so
            general rules stand first and exceptions follow them.
        settings: Numbers that shape a measurement without judging it.
        required: For each check that a signature needs, the patterns of its variants.
        sha256: Of the file, for the record.
    """

    rules: tuple[Rule, ...]
    settings: Mapping[str, int | float]
    required: Mapping[str, tuple[str, ...]]
    sha256: str

    def limit(self, check: str, measure: str, model: str, variant: str) -> Limit:
        """The limit that holds for one value.

        Raises:
            CatalogueError: No rule covers the value.
        """
        found = [rule for rule in self.rules if rule.covers(check, measure, model, variant)]
        if not found:
            raise CatalogueError(
                "no limit for a measured value",
                expected=f"a [[limit]] with check = {check!r}, measure = {measure!r}",
                where=f"policy, {model}-{variant}",
                next_step="add it to policy.toml with its reason",
            )
        return found[-1].limit

    def setting(self, name: str) -> int | float:
        """A number that shapes a measurement, for example the number of warm-up calls.

        Raises:
            CatalogueError: The policy does not set it.
        """
        if name not in self.settings:
            raise _unknown("setting", name, self.settings, "policy")
        return self.settings[name]

    def required_checks(self, variant: str) -> tuple[str, ...]:
        """Checks without which a variant cannot be signed, in file order."""
        return tuple(
            check
            for check, patterns in self.required.items()
            if any(fnmatch.fnmatchcase(variant, pattern) for pattern in patterns)
        )


def load_policy(path: Path = DEFAULT_POLICY) -> Policy:
    """Read and check a policy file.

    Raises:
        CatalogueError: Not TOML, unknown keys, a limit without a reason or a finite bound,
            or doubled limits.
    """
    try:
        data = path.read_bytes()
        table = tomllib.loads(data.decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError("the policy cannot be read", got=error, where=path.name) from error
    _only_known(table, _TOP_KEYS, path.name)
    if table.get("version") != POLICY_VERSION:
        raise CatalogueError(
            "the policy has another layout",
            expected=f"version = {POLICY_VERSION}",
            got=table.get("version"),
            where=path.name,
        )
    limits = _expected(list, table.get("limit", []), f"{path.name}, limit")
    rules = tuple(
        _rule(_expected(dict, entry, where), where)
        for where, entry in (
            (f"{path.name}, limit {n}", limit) for n, limit in enumerate(limits, 1)
        )
    )
    _refuse_doubles(rules, path.name)
    settings = {
        name: _setting(name, entry, path.name)
        for name, entry in _expected(dict, table.get("setting", {}), path.name).items()
    }
    required = {
        check: _patterns(variants, f"{path.name}, required {check}")
        for check, variants in _expected(dict, table.get("required", {}), path.name).items()
    }
    return Policy(rules, settings, required, hashlib.sha256(data).hexdigest())


def _rule(entry: Mapping[str, Any], where: str) -> Rule:
    _only_known(entry, _LIMIT_KEYS, where)
    relations = [name for name in _RELATIONS if name in entry]
    if len(relations) != 1:
        raise CatalogueError(
            "a limit needs one bound",
            expected="exactly one of max, min, equal",
            got=", ".join(relations) or "none",
            where=where,
        )
    for key in ("check", "measure", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise CatalogueError(f"a limit without {key}", where=where)
    relation = relations[0]
    bound, warn = entry[relation], entry.get("warn")
    if relation != "equal":
        _number(bound, f"{where}, {relation}")
    if warn is not None:
        _number(warn, f"{where}, warn")
        if relation == "equal" or (warn >= bound if relation == "max" else warn <= bound):
            raise CatalogueError(
                "a warning that comes no sooner than the limit",
                expected="warn inside of max or min",
                got=f"{relation} = {bound}, warn = {warn}",
                where=where,
            )
    return Rule(
        entry["check"],
        entry["measure"],
        _patterns(entry.get("models", "*"), where),
        _patterns(entry.get("variants", "*"), where),
        Limit(relation, bound, entry["reason"], warn),
    )


def _patterns(value: Any, where: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else _texts(value, where)


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise CatalogueError("not a list of names", got=repr(value), where=where)
    return tuple(value)


def _number(value: Any, where: str) -> int | float:
    """A finite number: NaN and infinity would be limits that nothing breaks."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise CatalogueError("not a finite number", got=repr(value), where=where)
    return value


def _expected(kind: type[_Kind], value: Any, where: str) -> _Kind:
    if not isinstance(value, kind):
        said = "[[limit]] tables" if kind is list else "a table"
        raise CatalogueError(
            "not what the policy is made of", expected=said, got=repr(value), where=where
        )
    return value


def _setting(name: str, entry: Any, where: str) -> int | float:
    if not isinstance(entry, Mapping) or set(entry) != {"value", "reason"}:
        raise CatalogueError(
            "a setting needs value and reason", got=entry, where=f"{where}, {name}"
        )
    if not isinstance(entry["reason"], str) or not entry["reason"].strip():
        raise CatalogueError("a setting without reason", where=f"{where}, {name}")
    return _number(entry["value"], f"{where}, {name}")


def _refuse_doubles(rules: Iterable[Rule], where: str) -> None:
    seen: set[tuple[object, ...]] = set()
    for rule in rules:
        place = (rule.check, rule.measure, rule.models, rule.variants)
        if place in seen:
            raise CatalogueError(
                "two limits for the same value",
                got=f"{rule.check}.{rule.measure} for {rule.models} x {rule.variants}",
                where=where,
            )
        seen.add(place)


def _only_known(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise _unknown("key", key, known, where)


def _unknown(kind: str, key: str, known: Iterable[str], where: str) -> CatalogueError:
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
    return CatalogueError(
        f"unknown {kind} {key!r}",
        where=where,
        next_step=f"did you mean {close[0]!r}?" if close else None,
    )
