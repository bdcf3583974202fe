"""End to end: image to detections, against the archive's own inference graph."""

from __future__ import annotations

from collections.abc import Mapping

from validation.checks.both_sides import candidate_detections, reference_detections
from validation.checks.first_divergence import with_first_divergence
from validation.checks.hypotheses import disagreement_explained
from validation.checks.pictures import pictures
from validation.checks.subject_feed import feed_of_subject
from validation.comparison import disagreements
from validation.comparison.detections import compare_detections
from validation.comparison.ties import TieRule
from validation.errors import NotProvided
from validation.policy.limits import Status
from validation.record.detections import Detections
from validation.record.lines import Entry
from validation.record.pictures import Picture
from validation.record.types import CheckResult, ModelKey
from validation.specs.references import ReferenceKind
from validation.specs.tensors import fed_by
from validation.specs.variants import VARIANTS, Scheme, variant_of
from validation.workspace.context import CheckContext
from validation.workspace.model_build import EVALUATION

_CHECK = "end_to_end_parity"


def end_to_end_parity(context: CheckContext) -> list[Entry]:
    """The .tflite detects what the archive's own graph detects, on every image."""
    try:
        expected = reference_detections(context)
    except NotProvided as error:
        # Labels remain to be drawn beside what it detects.
        unknown = CheckResult.unknown(_CHECK, context.key, str(error))
        return [*pictures(context), feed_of_subject(context), unknown]
    found = _found(context)
    result = compare_detections(
        expected,
        # Detections of another system are of the labelled images alone.
        {key: each for key, each in found.items() if key in expected}
        if context.reference.kind is ReferenceKind.DETECTIONS
        else found,
        policy=context.policy,
        key=context.key,
        min_score=context.policy.setting("parity_min_score"),
        score_epsilon=score_epsilon(context),
        min_iou=context.policy.setting("parity_min_iou"),
        capacity=context.build.exported(EVALUATION).contract.postprocess.max_detections
        if context.has_shipped_flags
        else capacity(context),
        ties=ties(context),
        fed=_fed(context),
    )
    entries: list[Entry] = [
        feed_of_subject(context),
        context.subject.evidence(),
        *with_first_divergence(context, result),
    ]
    # The reference belongs to the model: once, whichever variant comes first.
    reference: list[Entry] = [context.reference.evidence()] if context.is_first else []
    if result.status is not Status.PASS:
        entries += disagreement_explained(context)
    return [*_pictures(context, result), *reference, *entries]


def _found(context: CheckContext) -> Mapping[str, Detections]:
    """Of the file; of one with a shipped graph's flags, with those that the reference has.

    Fewer slots and another suppression are no disagreement: accuracy has what they cost.
    """
    if context.has_shipped_flags:
        return context.inference.candidate(context.key.variant, EVALUATION)
    return candidate_detections(context)


def _fed(context: CheckContext) -> str:
    """What both sides were given, where the reference takes images of one size only."""
    only = context.reference.only_image_size
    return "" if only is None else fed_by(only, context.subject.shared_size)


def _pictures(context: CheckContext, result: CheckResult) -> list[Picture]:
    """Of a file that disagrees, and of the variant most at risk; variants that agree look alike.

    Of other variants in fewer bits the images that disagree, if any: accuracy may yet find one of
    them the worst of the model.
    """
    if context.given is not None or result.status is not Status.PASS or _is_most_at_risk(context):
        return pictures(context)
    if variant_of(context.key.variant).is_quantised:
        return pictures(context, where_all_agree=False)
    return []


def _is_most_at_risk(context: CheckContext) -> bool:
    """It has the fewest bits of the model's variants; schemes are listed by that."""
    schemes = list(Scheme)
    made = [each for each in context.subjects if not each.file and each.variant in VARIANTS]

    def risk(key: ModelKey) -> tuple[int, bool]:
        variant = VARIANTS[key.variant]
        return schemes.index(variant.scheme), variant.add_postprocessing_op

    return bool(made) and context.key == max(made, key=risk)


def capacity(context: CheckContext) -> int:
    """How many detections the file has room for; of one without the op, as many as it gave."""
    try:
        return context.subject.postprocess.max_detections
    except NotProvided:
        return max(map(len, candidate_detections(context).values()), default=0)


def ties(context: CheckContext) -> TieRule | None:
    """Rounding of floats exchanges equal scores; what 8 bits exchange is their cost."""
    if variant_of(context.key.variant).is_quantised:
        return None
    try:
        nms_iou = context.subject.postprocess.nms_iou_threshold
    except NotProvided:
        return None
    return TieRule(
        nms_iou=nms_iou,
        score_epsilon=context.policy.setting("parity_tie_epsilon"),
        same_iou=context.policy.setting("parity_tie_same_iou"),
        most_share=context.policy.setting("parity_tie_share"),
    )


def score_epsilon(context: CheckContext) -> float:
    """`disagreements.score_epsilon` of the file under test."""
    quantised = variant_of(context.key.variant).is_quantised
    return disagreements.score_epsilon(context.policy, in_8_bits=quantised)
