"""What a record says of its baseline, made again from the copy of the facts in the run's folder."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from validation.errors import ValidationError
from validation.files.structured import unstructure
from validation.policy.limits import Status
from validation.policy.load import Policy
from validation.record.baseline import (
    BASELINE_CHECK,
    Aspect,
    Baseline,
    BaselineComparison,
    BaselineKind,
    Why,
)
from validation.record.baseline_facts import BaselineFacts, parse_baseline
from validation.record.machine_class import MachineClass
from validation.record.run import Evidence, EvidenceContent
from validation.record.store import Record
from validation.signoff.differences import differences
from validation.signoff.recomputed import Contradiction

if TYPE_CHECKING:
    from validation.record.ap_difference import ApDifference

# Figures in another order of sums, by another release of NumPy, differ by less.
_DIGITS = 9


def baseline_contradictions(
    record: Record, policy: Policy, files: Mapping[str, bytes], *, redraw: bool
) -> Iterator[Contradiction]:
    """Everything that a record says of its baseline and that does not follow from what it kept.

    Args:
        record: Of the run.
        policy: Of the run.
        files: Bytes by path below the run's folder, each the one that the record names.
        redraw: Draw the images of the bootstrap again; else the interval of AP is taken as it is,
            and what follows from it is judged again.
    """
    baseline = record.baseline
    compared = [each.key for each in record.baseline_comparisons]
    judged = [each.key for each in record.results if each.check == BASELINE_CHECK]
    if baseline is None:
        for key in dict.fromkeys([*compared, *judged]):
            yield Contradiction(f"the baseline of {key}", "the record", "no baseline", "compared")
        return
    try:
        facts = parse_baseline(files[baseline.path], baseline.path)
    except (ValidationError, KeyError) as error:
        yield Contradiction("the baseline", baseline.path, "its facts", str(error))
        return
    yield from _of_entry(baseline, facts, record)
    for comparison in record.baseline_comparisons:
        yield from _of_subject(comparison, facts, record, policy, files, redraw=redraw)
    for key in judged:
        if key not in compared:
            what = f"the check against the baseline of {key}"
            yield Contradiction(what, "the record", "a comparison", "none")


def _of_entry(baseline: Baseline, facts: BaselineFacts, record: Record) -> Iterator[Contradiction]:
    from validation.comparison.baseline import key_differences

    header = record.header
    right = replace(
        baseline,
        **facts.entry_fields(),
        differs=key_differences(
            (facts.versions, facts.machine), (header.versions, MachineClass.of(header.machine))
        ),
    )
    yield from _differing("the baseline", "its copied facts", right, baseline)


def _of_subject(
    comparison: BaselineComparison,
    facts: BaselineFacts,
    record: Record,
    policy: Policy,
    files: Mapping[str, bytes],
    *,
    redraw: bool,
) -> Iterator[Contradiction]:
    from validation.comparison.baseline import Evidence as ComparedBy
    from validation.comparison.baseline import compare_subject, limits_of
    from validation.comparison.baseline_check import check_baseline
    from validation.comparison.baseline_trial import judged_trial
    from validation.signoff.run_facts import facts_of

    key, header = comparison.key, record.header
    what = f"the comparison of {key} with the baseline"
    trial = next((each for each in record.latency_trials if each.key == key), None)
    images = "" if header.dataset is None else header.dataset.sha256
    before = facts.of(key)
    try:
        difference, same_data = _difference(comparison, record, policy, files, redraw=redraw)
        shift, slow = (None, None) if trial is None else judged_trial(trial, policy)
        right = compare_subject(
            key,
            before,
            facts_of(record, key, Status.UNKNOWN, files),
            ComparedBy(
                limits_of(each for each in record.results if each.key == key),
                facts.images_sha256 == images and same_data,
                difference,
                shift,
                record.baseline.differs if record.baseline else (),
                # Where the file was is not in the folder; nothing is judged by it.
                all(each.why is not Why.NO_FILE for each in comparison.of(Aspect.LATENCY)),
                slow,
                "" if trial is None else trial.file_of,
                None if trial is None else trial.clock,
            ),
            policy,
        )
    except ValidationError as error:
        yield Contradiction(what, "what the run kept", str(error), "a comparison")
        return
    if trial is not None and (before is None or trial.baseline_sha256 != before.sha256):
        yield Contradiction(what, "the baseline's facts", "its own file", trial.baseline_sha256)
    run = facts.run if record.baseline and record.baseline.named is BaselineKind.FILE else ""
    if trial is not None and trial.file_of != run:
        yield Contradiction(what, "the baseline's facts", f"the file of {run!r}", trial.file_of)
    yield from _differing(what, "the copied facts and the run's own", right, comparison)
    accepted = record.baseline.accepted if record.baseline else ""
    for result in record.results:
        if result.key == key and result.check == BASELINE_CHECK and result.error is None:
            again = check_baseline(comparison, policy, accepted)
            values = [
                {each.name: [each.value, each.interval] for each in side.measures}
                for side in (again, result)
            ]
            yield from _differing(
                f"the check of {key} against the baseline", "its comparison", *values
            )


def _difference(
    comparison: BaselineComparison,
    record: Record,
    policy: Policy,
    files: Mapping[str, bytes],
    *,
    redraw: bool,
) -> tuple[ApDifference | None, bool]:
    """How far AP is from the baseline's, and whether both are of the same images and objects."""
    from validation.coco.intervals import ap_difference
    from validation.coco.matches import parse_matches

    key = comparison.key
    found = {each.content: each.path for each in record.of(key) if isinstance(each, Evidence)}
    paths = [
        found.get(content, "")
        for content in (EvidenceContent.BASELINE_MATCHES, EvidenceContent.MATCHES)
    ]
    if not all(path in files for path in paths):
        return None, True
    before, now = (parse_matches(files[path], PurePosixPath(path)) for path in paths)
    if not before.same_data(now):
        return None, False
    replicates = int(policy.setting("bootstrap_replicates"))
    seed = int(policy.setting("bootstrap_seed"))
    if redraw or before.ranked_alike(now):
        return ap_difference(key, "", before, now, replicates, seed), True
    return _as_recorded(comparison, replicates, seed), True


def _as_recorded(comparison: BaselineComparison, replicates: int, seed: int) -> ApDifference:
    """With the recorded interval, which is judged again and not drawn again."""
    from validation.record.ap_difference import ApDifference, Difference, Figure

    differences = tuple(
        Difference(
            Figure.AP,
            0.0,
            math.nan if change.estimate is None else change.estimate,
            0,
            *(change.interval or (math.nan, math.nan)),
            standard_error=math.nan,
            replicates=replicates,
        )
        for change in comparison.of(Aspect.AP)
    )
    model, variant = comparison.model, comparison.variant
    return ApDifference(
        model, variant, "", 0, replicates, seed, False, differences, file=comparison.file
    )


def _differing(what: str, source: str, right: Any, got: Any) -> Iterator[Contradiction]:
    for each in differences(_plain(unstructure(right)), _plain(unstructure(got))):
        yield Contradiction(f"{what}, {each.where}", source, each.first, each.second)


def _plain(value: Any) -> Any:
    """JSON types with numbers rounded, so that sums in another order are the same."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and math.isfinite(value):
        rounded = round(value, _DIGITS)
        return int(rounded) if rounded.is_integer() else rounded
    return value
