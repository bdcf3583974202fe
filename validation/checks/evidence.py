"""Whether there is enough independent evidence to judge a file by."""

from __future__ import annotations

from collections import Counter

from validation.checks.accuracy import undecided_figures
from validation.checks.doubts import doubts_of
from validation.checks.operating_point import undecided_shares
from validation.checks.shipped_flags import shipped_flags
from validation.comparison.evidence_rules import (
    CalibrationEvidence,
    EvidenceFacts,
    check_evidence,
)
from validation.comparison.unlabelled import unlabelled_classes
from validation.errors import ValidationError
from validation.files.digest import file_sha256
from validation.record.diagnosis import Diagnosis
from validation.record.lines import Entry
from validation.record.types import CheckResult, Measure
from validation.specs.references import ReferenceKind
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join


def evidence(context: CheckContext) -> list[Entry]:
    """Images, objects, canaries and references are enough, and apart from calibration."""
    names = set(context.class_names().names.values())
    facts = EvidenceFacts(
        images=0 if context.dataset is None else len(context.dataset.images),
        objects=labelled_objects(context),
        canaries=sum(canary.label in names for canary in context.canaries),
        reference=context.reference.origin,
        is_independent=context.reference.is_independent,
        has_reference=context.reference.kind is not ReferenceKind.NONE,
        routes=_routes(context),
        unconfirmed=_unconfirmed(context),
        calibration=_calibration(context),
        changed_flags=shipped_flags(context),
        doubts=doubts_of(context),
        undecided=_undecided(context),
    )
    result = check_evidence(facts, context.policy, context.key)
    return [*_unlabelled(facts, result, context), result]


def _unlabelled(
    facts: EvidenceFacts, result: CheckResult, context: CheckContext
) -> list[Diagnosis]:
    if context.dataset is None:
        return []
    names = context.class_names().names
    categories = class_join(context, context.dataset).categories
    unknown = {names.get(each, str(each)) for each, key in categories.items() if key is None}
    where = context.dataset.annotation_path.name
    return unlabelled_classes(facts, result, where, unknown)


def _undecided(context: CheckContext) -> tuple[Measure, ...]:
    """What these images are too few for."""
    try:
        return (*undecided_figures(context), *undecided_shares(context))
    except ValidationError:
        # What cannot be scored or compared is said by the checks that need it.
        return ()


def _routes(context: CheckContext) -> int | None:
    """A given file came by a route of its own: it was not made by what it is compared with."""
    return None if context.given is not None else context.routes.routes


def _unconfirmed(context: CheckContext) -> tuple[str, ...] | None:
    """What one file of the archive says alone; a given file is compared by other rules."""
    return None if context.given is not None else context.routes.missing_in_words()


def labelled_objects(context: CheckContext) -> dict[str, int]:
    """Objects of each class on the labelled images; empty without such."""
    if context.dataset is None:
        return {}
    join = class_join(context, context.dataset)
    names = context.class_names().names
    of_category = Counter(
        item.category_id for item in context.dataset.ground_truth if not item.is_crowd
    )
    return {
        names.get(class_id, str(class_id)): 0 if category is None else of_category[category]
        for class_id, category in join.categories.items()
    }


def _calibration(context: CheckContext) -> CalibrationEvidence | None:
    """Of int8, and of the uint8 form of a float model; a trained one has ranges of its own."""
    if context.given is not None:
        # It does not say what it was calibrated on.
        return None
    calibrated = variant_of(context.key.variant).is_full_integer
    chosen = context.build.representative
    if not calibrated or context.build.entry.quantised or chosen is None:
        return None
    hashes = {file_sha256(image.path) for image in chosen.images}
    # Most are told apart by their size, without being read.
    sizes = {image.path.stat().st_size for image in chosen.images}
    scored = () if context.dataset is None else context.dataset.images
    alike = [image.path for image in scored if image.path.stat().st_size in sizes]
    return CalibrationEvidence(
        len(chosen.images), sum(file_sha256(path) in hashes for path in alike)
    )
