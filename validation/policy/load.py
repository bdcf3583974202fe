"""Every limit of the harness, read from policy.toml and a user's own file: a bound and its reason.

Code asks for the limit of (check, measure, model, variant) and gets exactly one
or an error; no tolerance stands in code.
"""

from __future__ import annotations

import difflib
import fnmatch
import hashlib
import math
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from validation.errors import CatalogueError
from validation.policy.limits import Limit, Rule
from validation.policy.overlay import (
    ChangedLimit,
    ChangedRequirement,
    ChangedSetting,
    Overlay,
    overlapping,
)
from validation.specs.variants import VARIANTS

POLICY_VERSION = 1
DEFAULT_POLICY = Path(__file__).with_name("policy.toml")

_RELATIONS = ("max", "min", "equal")
_LIMIT_KEYS = {"check", "measure", "models", "variants", "reason", "warn", *_RELATIONS}
_TOP_KEYS = {"version", "setting", "required", "limit"}

_Kind = TypeVar("_Kind", list[Any], dict[str, Any])


@dataclass(frozen=True)
class Policy:
    """The limits, the settings that measurements run with, and what a signature needs.

    Args:
        rules: In file order; of two that cover a value the later one holds, so
            general rules stand first and exceptions follow them.
        settings: Numbers that shape a measurement without judging it.
        required: For each check that a signature needs, the patterns of its variants.
        sha256: Of the built-in file, for the record.
        overlay: What a user's own file changed; None where all is built in.
    """

    rules: tuple[Rule, ...]
    settings: Mapping[str, int | float]
    required: Mapping[str, tuple[str, ...]]
    sha256: str
    overlay: Overlay | None = None

    def overlaid(self, overlay: Overlay | None) -> Policy:
        """The same with a user's changes: their limits come last, so that they hold."""
        if overlay is None:
            return self
        own = tuple(changed.rule for changed in overlay.limits)
        scopes = {rule.scope for rule in own}
        return Policy(
            (*(rule for rule in self.rules if rule.scope not in scopes), *own),
            {**self.settings, **{each.name: each.value for each in overlay.settings}},
            {**self.required, **{each.check: each.variants for each in overlay.required}},
            self.sha256,
            overlay,
        )

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


@dataclass(frozen=True)
class _Setting:
    value: int | float
    reason: str


@dataclass(frozen=True)
class _PolicyFile:
    """One file, checked by itself: rules, settings and required checks in file order."""

    rules: tuple[Rule, ...]
    settings: Mapping[str, _Setting]
    required: Mapping[str, tuple[str, ...]]
    sha256: str


def load_policy(path: Path = DEFAULT_POLICY) -> Policy:
    """Read and check a policy that stands by itself.

    Raises:
        CatalogueError: Not TOML, unknown keys, a limit without a reason or a finite bound,
            or doubled limits.
    """
    file = _read(path)
    settings = {name: setting.value for name, setting in file.settings.items()}
    return Policy(file.rules, settings, file.required, file.sha256)


def load_user_policy(path: Path, checks: Collection[str] = ()) -> Policy:
    """The built-in policy with a user's file laid over it, key by key.

    A setting is replaced; a limit goes behind the built-in ones, or takes the place of the
    one with the same check, measure, models and variants; the variants that a check is
    required for replace the built-in ones, and may be none.

    Args:
        path: In the layout of policy.toml.
        checks: Names of checks that the built-in policy does not limit, as those of a plugin;
            their measures can have any name.

    Raises:
        CatalogueError: As `load_policy`, or a setting, check, measure or variant that does
            not exist, or a bound on the other side than the built-in one.
    """
    built_in, file = load_policy(), _read(path)
    known = {*(rule.check for rule in built_in.rules), *checks}
    known.update(built_in.required)
    for number, rule in enumerate(file.rules, 1):
        _check_fit(rule, built_in.rules, known, f"{path.name}, limit {number}")
    for name in file.settings:
        if name not in built_in.settings:
            raise _unknown("setting", name, built_in.settings, path.name)
    for name, variants in file.required.items():
        if name not in known:
            raise _unknown("check", name, known, f"{path.name}, required")
        _check_variants(variants, f"{path.name}, required {name}")
    return built_in.overlaid(
        Overlay(
            path.name,
            file.sha256,
            tuple(ChangedLimit(rule, overlapping(rule, built_in.rules)) for rule in file.rules),
            tuple(
                ChangedSetting(name, setting.value, setting.reason, built_in.settings[name])
                for name, setting in file.settings.items()
            ),
            tuple(
                ChangedRequirement(name, variants, built_in.required.get(name, ()))
                for name, variants in file.required.items()
            ),
        )
    )


def _check_fit(rule: Rule, built_in: Iterable[Rule], checks: set[str], where: str) -> None:
    """A limit that no value would ever meet is a slip, and would go unnoticed."""
    if rule.check not in checks:
        raise _unknown("check", rule.check, checks, where)
    _check_variants(rule.variants, where)
    measures = {each.measure: each.limit.relation for each in built_in if each.check == rule.check}
    if not measures:
        return
    if rule.measure not in measures:
        raise _unknown(f"measure of {rule.check}", rule.measure, measures, where)
    sides = {rule.limit.relation, measures[rule.measure]}
    if sides == {"max", "min"}:
        raise CatalogueError(
            "a bound on the other side than the built-in one",
            expected=f"{measures[rule.measure]}, as for {rule.check}.{rule.measure}",
            got=rule.limit.relation,
            where=where,
        )


def _check_variants(patterns: Iterable[str], where: str) -> None:
    for pattern in patterns:
        if not fnmatch.filter(VARIANTS, pattern):
            raise _unknown("variant", pattern, VARIANTS, where)


def _read(path: Path) -> _PolicyFile:
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
        check: () if variants == [] else _patterns(variants, f"{path.name}, required {check}")
        for check, variants in _expected(dict, table.get("required", {}), path.name).items()
    }
    return _PolicyFile(rules, settings, required, hashlib.sha256(data).hexdigest())


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


def _setting(name: str, entry: Any, where: str) -> _Setting:
    if not isinstance(entry, Mapping) or set(entry) != {"value", "reason"}:
        raise CatalogueError(
            "a setting needs value and reason", got=entry, where=f"{where}, {name}"
        )
    if not isinstance(entry["reason"], str) or not entry["reason"].strip():
        raise CatalogueError("a setting without reason", where=f"{where}, {name}")
    return _Setting(_number(entry["value"], f"{where}, {name}"), entry["reason"])


def _refuse_doubles(rules: Iterable[Rule], where: str) -> None:
    seen: set[tuple[object, ...]] = set()
    for rule in rules:
        if rule.scope in seen:
            raise CatalogueError(
                "two limits for the same value",
                got=f"{rule.check}.{rule.measure} for {rule.models} x {rule.variants}",
                where=where,
            )
        seen.add(rule.scope)


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
