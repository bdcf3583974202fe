"""At the score from which an app shows detections: what the .tflite loses of the reference's."""

from __future__ import annotations

import numpy as np

from validation.checks.accuracy import NO_DATA, score_threshold
from validation.checks.both_sides import candidate_detections, reference_detections
from validation.checks.end_to_end_parity import capacity, score_epsilon, ties
from validation.coco.labelled_images import category_names, labelled_images
from validation.comparison.operating_point import check_operating_point
from validation.comparison.operating_sides import OperatingRule
from validation.record.lines import Entry
from validation.record.types import CheckResult
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join


def operating_point(context: CheckContext) -> list[Entry]:
    """An app that shows detections from its own score on misses none that it had before."""
    dataset = context.dataset
    if dataset is None:
        return [CheckResult.unknown("operating_point", context.key, NO_DATA)]
    categories = class_join(context, dataset).categories
    asked = context.policy.operating_point(context.key.model).min_score
    result, losses = check_operating_point(
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
        # Flags of a shipped graph cost as fewer bits do.
        exact=not (variant_of(context.key.variant).is_quantised or context.has_shipped_flags),
        policy=context.policy,
        key=context.key,
    )
    return [result] if losses is None else [losses, result]


def _threshold(asked: float, own: float) -> float:
    """Below a model's own threshold, which graphs keep in float32, neither side shows anything."""
    return own if np.float32(own) > np.float32(asked) else asked
