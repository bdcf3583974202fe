"""The record's entry of a difference in average precision, made now or again from evidence."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from pathlib import PurePosixPath

from validation.coco.bootstrap import ap_differences
from validation.coco.matches import Matches, load_matches, parse_matches
from validation.comparison.share_intervals import LEVEL
from validation.errors import RecordError
from validation.record.ap_difference import ApDifference, Difference
from validation.record.run import Evidence, EvidenceContent
from validation.record.store import Record
from validation.record.types import REFERENCE, ModelKey

# Sums in another order, by another release of NumPy, differ by less.
_ROUNDING = 1e-9


def ap_difference(
    key: ModelKey,
    subject: str,
    reference: Matches,
    matches: Matches,
    replicates: int,
    seed: int,
    level: float = LEVEL,
) -> ApDifference:
    """How far a file is from its reference, with intervals where they are not one and the same.

    Args:
        key: Of the file.
        subject: See `ApDifference`.
        reference: On the same images.
        matches: Of the file.
        replicates: See `ap_differences`.
        seed: See `ap_differences`.
        level: Of the intervals.
    """
    alike = reference.ranked_alike(matches)
    return ApDifference(
        key.model,
        key.variant,
        subject,
        len(matches.image_ids),
        replicates,
        seed,
        alike,
        () if alike else ap_differences(reference, matches, replicates, seed, level),
        file=key.file,
        level=level,
    )


def recompute_difference(
    run_folder: str | os.PathLike[str], record: Record, key: ModelKey
) -> ApDifference:
    """The difference of one file made again from the matches that its run kept.

    Neither data set nor model is needed. What the matches do not know, names of categories and
    the check's `images_needed`, is taken from the record.

    Args:
        run_folder: Of the run.
        record: Of the same.
        key: Of the file.

    Raises:
        RecordError: The record has no difference or no matches of it.
        ArtefactMissing, IntegrityError: An evidence file is lost or another one.
    """
    recorded = _recorded(record, key)
    sides = [
        load_matches(run_folder, _evidence_of(record, each))
        for each in (ModelKey(key.model, REFERENCE), key)
    ]
    return _made_again(recorded, sides[0], sides[1])


def recompute_from(files: Mapping[str, bytes], record: Record, key: ModelKey) -> ApDifference:
    """As `recompute_difference`, of files that were read: bytes by path below the run's folder.

    Raises:
        RecordError: The record has no difference or no matches of it, or they are none.
    """
    recorded, sides = _recorded(record, key), []
    for each in (ModelKey(key.model, REFERENCE), key):
        path = _evidence_of(record, each).path
        if path not in files:
            raise RecordError("an evidence file is not there", expected=path, where=each)
        sides.append(parse_matches(files[path], PurePosixPath(path)))
    return _made_again(recorded, sides[0], sides[1])


def same_difference(one: ApDifference, other: ApDifference) -> bool:
    """True where both say the same but for rounding."""
    facts = [
        (
            each.key,
            each.subject,
            each.images,
            each.replicates,
            each.seed,
            each.level,
            each.ranked_alike,
            each.images_needed,
            [
                (own.figure, own.category_id, own.objects, own.replicates)
                for own in each.differences
            ],
        )
        for each in (one, other)
    ]
    return facts[0] == facts[1] and all(
        _near(*pair)
        for pairs in map(
            lambda *both: zip(*map(_values, both), strict=True), one.differences, other.differences
        )
        for pair in pairs
    )


def _values(difference: Difference) -> tuple[float, ...]:
    of = difference
    return of.reference, of.subject, of.low, of.high, of.standard_error


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _ROUNDING or (math.isnan(one) and math.isnan(other))


def _made_again(recorded: ApDifference, reference: Matches, matches: Matches) -> ApDifference:
    fresh = ap_difference(
        recorded.key,
        recorded.subject,
        reference,
        matches,
        recorded.replicates,
        recorded.seed,
        recorded.level,
    )
    return dataclasses.replace(fresh, images_needed=recorded.images_needed, names=recorded.names)


def _recorded(record: Record, key: ModelKey) -> ApDifference:
    for each in record.ap_differences:
        if each.key == key:
            return each
    raise RecordError("the record has no difference of this file", expected=key)


def _evidence_of(record: Record, key: ModelKey) -> Evidence:
    for each in record.evidence:
        if each.key == key and each.content is EvidenceContent.MATCHES:
            return each
    raise RecordError("the record names no matches", expected=key)
