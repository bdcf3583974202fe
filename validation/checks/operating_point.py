"""At the score from which an app shows detections: what the .tflite loses of the reference's."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from validation.checks.accuracy import NO_DATA
from validation.checks.both_sides import candidate_detections, reference_detections
from validation.checks.end_to_end_parity import capacity, score_epsilon, ties
from validation.checks.scored_sides import score_threshold
from validation.coco.dataset import Dataset
from validation.coco.labelled_images import category_names, labelled_images
from validation.comparison.operating_point import check_operating_point
from validation.comparison.operating_sides import OperatingRule
from validation.record.lines import Entry
from validation.record.operating_point import OperatingPointLosses
from validation.record.types import CheckResult, Measure, ModelKey
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join


def operating_point(context: CheckContext) -> list[Entry]:
    """An app that shows detections from its own score on misses none that it had before."""
    dataset = context.dataset
    if dataset is None:
        return [CheckResult.unknown("operating_point", context.key, NO_DATA)]
    result, losses = _judged(context, dataset)
    return [result] if losses is None else [losses, result]


def operating_result(context: CheckContext, dataset: Dataset) -> CheckResult:
    """What the check finds, without its table."""
    return _judged(context, dataset)[0]


def undecided_shares(context: CheckContext) -> tuple[Measure, ...]:
    """Shares whose intervals lie on both sides of their limits: too few images to tell.

    Of a file that computes what its reference does no share is a sample of a rate.
    """
    if context.dataset is None or _is_exact(context):
        return ()
    result, _ = _judged(context, context.dataset)
    return tuple(each for each in result.measures if each.is_undecided)


@dataclass(frozen=True, eq=False)
class _Known:
    """What was found last of a subject, and of what.

    Args:
        made_of: Policy, and detections of both sides.
        found: See `check_operating_point`.
    """

    made_of: tuple[object, ...]
    found: tuple[CheckResult, OperatingPointLosses | None]


# Evidence asks for the same: half a second of a file on 600 images.
_known: WeakKeyDictionary[object, dict[ModelKey, _Known]] = WeakKeyDictionary()


def _judged(
    context: CheckContext, dataset: Dataset
) -> tuple[CheckResult, OperatingPointLosses | None]:
    made_of = (context.policy, reference_detections(context), candidate_detections(context))
    of_session = _known.setdefault(context.runs, {})
    known = of_session.get(context.key)
    is_same = known is not None and all(
        one is other for one, other in zip(known.made_of, made_of, strict=True)
    )
    if known is None or not is_same:
        known = _Known(made_of, _judge(context, dataset))
        of_session[context.key] = known
    return known.found


def _judge(
    context: CheckContext, dataset: Dataset
) -> tuple[CheckResult, OperatingPointLosses | None]:
    categories = class_join(context, dataset).categories
    asked = context.policy.operating_point(context.key.model).min_score
    return check_operating_point(
        reference_detections(context),
        candidate_detections(context),
        labelled_images(dataset, categories),
        OperatingRule(
            min_score=_threshold(asked, score_threshold(context)),
            score_epsilon=score_epsilon(context),
            min_iou=context.policy.setting("parity_min_iou"),
            moved_iou=context.policy.setting("operating_moved_iou"),
            capacity=capacity(context),
            ties=ties(context),
        ),
        asked=asked,
        # The model's own names go before those of the categories.
        names={**category_names(dataset, categories), **context.class_names().names},
        unlabelled=[class_id for class_id, category in categories.items() if category is None],
        exact=_is_exact(context),
        policy=context.policy,
        key=context.key,
        level=context.level,
    )


def _is_exact(context: CheckContext) -> bool:
    """Flags of a shipped graph cost as fewer bits do."""
    return not (variant_of(context.key.variant).is_quantised or context.has_shipped_flags)


def _threshold(asked: float, own: float) -> float:
    """Below a model's own threshold, which graphs keep in float32, neither side shows anything."""
    return own if np.float32(own) > np.float32(asked) else asked
