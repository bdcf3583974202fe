"""What a run's own policy file changed: a row a limit, setting, operating point or requirement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from validation.policy.given import ChangedGivenRequirement, RequiredOfGiven
from validation.policy.limits import Rule
from validation.policy.overlay import ChangedLimit, ChangedOperatingPoint
from validation.record import formatting
from validation.record.store import Record


@dataclass(frozen=True)
class OwnLimit:
    """One row of the table.

    Args:
        name: Check and measure, setting, operating point or required check.
        value: The user's own.
        built_in: The built-in values that it replaced, empty where there was none.
        scope: Models and variants that it holds for; empty for all.
        reason: The user's own; a requirement has none.
        judged: How many values of this run it judged, or files it held for; empty for the rest.
    """

    name: str
    value: str
    built_in: tuple[str, ...]
    scope: str = ""
    reason: str = ""
    judged: str = ""


def own_limits(record: Record) -> tuple[OwnLimit, ...]:
    """Everything that was not built in when the run was judged, in the file's order."""
    overlay = record.header.policy_overlay
    if overlay is None:
        return ()
    rows = list(_limits(record, overlay.limits))
    for setting in overlay.settings:
        value, built_in = formatting.number(setting.value), formatting.number(setting.built_in)
        rows.append(OwnLimit(setting.name, value, (built_in,), reason=setting.reason))
    rows += _operating_points(record, overlay.operating_points)
    for each in overlay.required:
        value, built_in = _variants(each.variants), _variants(each.built_in)
        rows.append(OwnLimit(f"{each.check}: required", value, (built_in,)))
    rows += _of_given(record, overlay.required_of_given)
    if overlay.ship is not None:
        ship = overlay.ship
        rows.append(OwnLimit("file to ship", ship.prefer, (ship.built_in,), reason=ship.reason))
    return tuple(rows)


def _limits(record: Record, changed: tuple[ChangedLimit, ...]) -> Iterator[OwnLimit]:
    for rule, built_in in ((each.rule, each.built_in) for each in changed):
        judged = sum(
            measure.limit == rule.limit
            for result in record.results
            for measure in result.measures
            if rule.covers(result.check, measure.name, result.model, result.variant)
        )
        yield OwnLimit(
            f"{rule.check}: {rule.measure}",
            formatting.limit_text(rule.limit),
            tuple(_with_scope(each) for each in built_in),
            _scope(rule),
            rule.limit.reason,
            formatting.number(judged),
        )


def _operating_points(
    record: Record, changed: tuple[ChangedOperatingPoint, ...]
) -> Iterator[OwnLimit]:
    for point, built_in in ((each.point, each.built_in) for each in changed):
        used = sum(
            losses.asked == point.min_score and point.covers(losses.model)
            for losses in record.operating_points
        )
        yield OwnLimit(
            "operating point: min_score",
            formatting.number(point.min_score),
            tuple(formatting.number(each.min_score) for each in built_in),
            "" if point.models == ("*",) else ", ".join(point.models),
            point.reason,
            formatting.number(used),
        )


def _of_given(record: Record, changed: tuple[ChangedGivenRequirement, ...]) -> Iterator[OwnLimit]:
    for each in changed:
        asked = sum(each.now.covers(file.reference, file.variant) for file in record.header.given)
        yield OwnLimit(
            f"{each.check}: required of given files",
            _of_files(each.now),
            () if each.built_in is None else (_of_files(each.built_in),),
            judged=formatting.number(asked),
        )


def _of_files(required: RequiredOfGiven) -> str:
    """``judged by graph, tflite; for float, raw``: what a pattern leaves open is not named."""
    references, variants = required.references, required.variants
    if not references or not variants:
        return "for no file"
    texts = [
        *([] if "*" in references else [f"judged by {', '.join(references)}"]),
        *([] if "*" in variants else [_variants(variants)]),
    ]
    return "; ".join(texts) or "for every file"


def _variants(patterns: tuple[str, ...]) -> str:
    return "for " + (", ".join(patterns) or "no variant")


def _scope(rule: Rule) -> str:
    return "; ".join(
        ", ".join(patterns) for patterns in (rule.models, rule.variants) if patterns != ("*",)
    )


def _with_scope(rule: Rule) -> str:
    scope = _scope(rule)
    text = formatting.limit_text(rule.limit)
    return f"{text} ({scope})" if scope else text
