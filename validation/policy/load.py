"""Every limit of the harness, read from policy.toml and a user's own file: a bound and its reason.

Code asks for the limit of (check, measure, model, variant) and gets exactly one
or an error; there is no tolerance in code.
"""

from __future__ import annotations

import fnmatch
import functools
import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from validation.errors import CatalogueError, did_you_mean
from validation.files.outside import Size, read_bytes
from validation.files.structured import parse_toml
from validation.policy.given import ChangedGivenRequirement, RequiredOfGiven, required_of_given
from validation.policy.limits import Limit, Rule, Status
from validation.policy.operating_points import (
    OperatingPoint,
    operating_points_of,
    point_for,
    points_with,
    replaced_points,
)
from validation.policy.overlay import (
    ChangedLimit,
    ChangedOperatingPoint,
    ChangedRequirement,
    ChangedSetting,
    Overlay,
    overlapping,
)
from validation.policy.preference import ChangedPreference, Prefer, Preference
from validation.policy.tables import LimitTable, OwnTables, Tables
from validation.specs.variants import VARIANTS

POLICY_VERSION = 1
_RELATIONS = ("max", "min", "equal", "any")
DEFAULT_POLICY = Path(__file__).with_name("policy.toml")

_AnyTables = TypeVar("_AnyTables", OwnTables, Tables)
_SMALLEST = Preference(Prefer.SMALLEST, "nothing else was asked for")


@dataclass(frozen=True)
class PolicyFiles:
    """The bytes that a policy was read from: enough to judge by it again.

    Args:
        built_in: Of policy.toml.
        own: Of the user's file; None without one.
    """

    built_in: bytes
    own: bytes | None = None


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
        of_trained_weights: Checks that say nothing of a model with seeded weights.
        ship: Which of the files that pass is to be shipped.
        operating_points: In file order; of two that cover a model the later one holds.
        files: What it was read from; None for one that was not.
        required_of_given: For each check that a signature of given files needs: of which.
    """

    rules: tuple[Rule, ...]
    settings: Mapping[str, int | float]
    required: Mapping[str, tuple[str, ...]]
    sha256: str
    overlay: Overlay | None = None
    of_trained_weights: tuple[str, ...] = ()
    ship: Preference = _SMALLEST
    operating_points: tuple[OperatingPoint, ...] = ()
    files: PolicyFiles | None = field(default=None, compare=False)
    required_of_given: Mapping[str, RequiredOfGiven] = field(default_factory=dict)

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
            self.of_trained_weights,
            self.ship
            if overlay.ship is None
            else Preference(overlay.ship.prefer, overlay.ship.reason),
            points_with(
                self.operating_points, [changed.point for changed in overlay.operating_points]
            ),
            self.files,
            {
                **self.required_of_given,
                **{each.check: each.now for each in overlay.required_of_given},
            },
        )

    def limit(self, check: str, measure: str, model: str, variant: str) -> Limit:
        """The limit that holds for one value.

        Raises:
            CatalogueError: No rule covers the value.
        """
        rules = [rule for rule in self.rules if rule.covers(check, measure, model, variant)]
        if not rules:
            raise CatalogueError(
                "no limit for a measured value",
                expected=f"a [[limit]] with check = {check!r}, measure = {measure!r}",
                where=f"policy, {model}-{variant}",
                next_step="add it to policy.toml with its reason",
            )
        return rules[-1].limit

    def setting(self, name: str) -> int | float:
        """A number that shapes a measurement, for example the number of warm-up calls.

        Raises:
            CatalogueError: The policy does not set it.
        """
        if name not in self.settings:
            raise _unknown("setting", name, self.settings, "policy")
        return self.settings[name]

    def operating_point(self, model: str) -> OperatingPoint:
        """From which score an app shows this model's detections.

        Raises:
            CatalogueError: The policy names none for it.
        """
        return point_for(model, self.operating_points)

    def required_checks(
        self, variant: str, *, structure_only: bool = False, given_by: str = ""
    ) -> tuple[str, ...]:
        """Checks without which a subject cannot be signed, in file order.

        Args:
            variant: Its name; of a given file, its form.
            structure_only: The model's weights are seeded: it has no accuracy to lose.
            given_by: Of a given file: the kind of the reference that it is judged by.
        """
        if given_by:
            return tuple(
                check
                for check, files in self.required_of_given.items()
                if files.covers(given_by, variant)
            )
        left_out = self.of_trained_weights if structure_only else ()
        return tuple(
            check
            for check, patterns in self.required.items()
            if check not in left_out
            and any(fnmatch.fnmatchcase(variant, pattern) for pattern in patterns)
        )


def load_policy(own: str | os.PathLike[str] | None = None, checks: Collection[str] = ()) -> Policy:
    """The built-in policy, with a user's file laid over it, key by key.

    A setting is replaced, and so is what decides which file is shipped; a limit goes behind the
    built-in ones, or takes the place of the one with the same check, measure, models and
    variants; the variants that a check is required for replace the built-in ones, and may be none.

    Args:
        own: The user's file, in the layout of policy.toml but without ranges of settings.
            None: the built-in policy alone.
        checks: Names of checks that the built-in policy does not limit, as those of a plugin;
            their measures can have any name.

    Raises:
        CatalogueError: As `read_policy`, or a setting, check, measure or variant that does
            not exist, a setting out of its range, or a bound on the other side than the
            built-in one.
    """
    built_in = _bytes(DEFAULT_POLICY)
    if own is None:
        return policy_from(PolicyFiles(built_in))
    path = Path(own)
    return policy_from(PolicyFiles(built_in, _bytes(path)), path.name, checks)


def policy_from(files: PolicyFiles, own_name: str = "", checks: Collection[str] = ()) -> Policy:
    """The policy that these bytes make, whatever the built-in one is today.

    Args:
        files: Of the built-in policy and the user's own.
        own_name: What the user's file is called.
        checks: As for `load_policy`.

    Raises:
        CatalogueError: As `load_policy`.
    """
    built_in = _policy(DEFAULT_POLICY.name, files.built_in)
    if files.own is None:
        return replace(built_in, files=files)
    overlay = _overlay(built_in, files, own_name, checks)
    return replace(built_in.overlaid(overlay), files=files)


def read_policy(path: Path) -> Policy:
    """Read and check a policy that stands by itself, as the built-in one.

    Raises:
        CatalogueError: Not TOML, unknown keys, a limit without a reason or a finite bound,
            doubled limits, or a setting out of its own range.
    """
    return _policy(path.name, _bytes(path))


def _policy(name: str, data: bytes) -> Policy:
    file, rules = _built_in(data, name)
    for key, setting in file.setting.items():
        setting.check(setting.value, f"{name}, setting {key}")
    settings = {key: setting.value for key, setting in file.setting.items()}
    ship = _SMALLEST if file.ship is None else Preference(file.ship.prefer, file.ship.reason)
    return Policy(
        rules,
        settings,
        file.required,
        _sha256(data),
        None,
        file.of_trained_weights,
        ship,
        operating_points_of(file.operating_point, name),
        required_of_given=required_of_given(file.required_of_given, name),
    )


def _overlay(built_in: Policy, files: PolicyFiles, name: str, checks: Collection[str]) -> Overlay:
    own_bytes = files.own or b""
    settings = _built_in(files.built_in, DEFAULT_POLICY.name)[0].setting
    file, rules = _read(own_bytes, name, OwnTables)
    known = {*(rule.check for rule in built_in.rules), *checks}
    known.update(built_in.required)
    for number, rule in enumerate(rules, 1):
        _check_fit(rule, built_in.rules, known, f"{name}, limit {number}")
    for key, own in file.setting.items():
        if key not in settings:
            raise _unknown("setting", key, settings, name)
        settings[key].check(own.value, f"{name}, setting {key}")
    for key, variants in file.required.items():
        if key not in known:
            raise _unknown("check", key, known, f"{name}, required")
        _check_variants(variants, f"{name}, required {key}")
    for key in file.required_of_given:
        if key not in known:
            raise _unknown("check", key, known, f"{name}, required_of_given")
    return Overlay(
        name,
        _sha256(own_bytes),
        tuple(ChangedLimit(rule, overlapping(rule, built_in.rules)) for rule in rules),
        tuple(
            ChangedSetting(key, setting.value, setting.reason, built_in.settings[key])
            for key, setting in file.setting.items()
        ),
        tuple(
            ChangedRequirement(key, variants, built_in.required.get(key, ()))
            for key, variants in file.required.items()
        ),
        None
        if file.ship is None
        else ChangedPreference(file.ship.prefer, file.ship.reason, built_in.ship.prefer),
        tuple(
            ChangedOperatingPoint(point, replaced_points(point, built_in.operating_points))
            for point in operating_points_of(file.operating_point, name)
        ),
        tuple(
            ChangedGivenRequirement(key, now, built_in.required_of_given.get(key))
            for key, now in required_of_given(file.required_of_given, name).items()
        ),
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


@functools.cache
def _built_in(data: bytes, name: str) -> tuple[Tables, tuple[Rule, ...]]:
    """A program reads the package's own file again and again."""
    return _read(data, name, Tables)


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, Size.TEXT)
    except OSError as error:
        raise CatalogueError("the file cannot be read", got=error, where=path.name) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _read(data: bytes, name: str, kind: type[_AnyTables]) -> tuple[_AnyTables, tuple[Rule, ...]]:
    tables = parse_toml(data, kind, POLICY_VERSION, where=name)
    rules = tuple(
        _rule(table, f"{name}, limit {number}") for number, table in enumerate(tables.limit, 1)
    )
    _refuse_doubles(rules, name)
    return tables, rules


def _rule(table: LimitTable, where: str) -> Rule:
    bounds = {name: getattr(table, name) for name in _RELATIONS}
    stated = {name: bound for name, bound in bounds.items() if bound is not None}
    if len(stated) != 1:
        raise CatalogueError(
            "a limit needs one bound",
            expected=f"exactly one of {', '.join(_RELATIONS)}",
            got=", ".join(stated) or "none",
            where=where,
        )
    ((relation, bound),) = stated.items()
    warn = table.warn
    if warn is not None and (
        relation in ("equal", "any") or (warn >= bound if relation == "max" else warn <= bound)
    ):
        raise CatalogueError(
            "a warning that comes no sooner than the limit",
            expected="warn inside of max or min",
            got=f"{relation} = {bound}, warn = {warn}",
            where=where,
        )
    if warn is not None and table.beyond is Status.WARN:
        raise CatalogueError(
            "a limit that only warns has one bound",
            expected=f"{relation} without warn",
            got=f"{relation} = {bound}, warn = {warn}",
            where=where,
        )
    limit = Limit(relation, bound, table.reason, warn, table.beyond)
    return Rule(table.check, table.measure, table.models, table.variants, limit)


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


def _unknown(kind: str, key: str, known: Collection[str], where: str) -> CatalogueError:
    return CatalogueError(
        f"unknown {kind} {key!r}", where=where, next_step=did_you_mean(key, known)
    )
