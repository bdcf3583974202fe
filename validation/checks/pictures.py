"""The same picture as the reference and the file under test see it, and as it was labelled."""

from __future__ import annotations

from collections.abc import Mapping

from validation.checks.both_sides import candidate_detections, reference_detections
from validation.checks.scored_sides import REFERENCE_TITLES
from validation.coco.labelled_images import category_names, ground_truth
from validation.comparison.disagreements import (
    DisagreementRule,
    box_states,
    disagreements,
    worst_images,
)
from validation.errors import NotProvided
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.pictures import GROUND_TRUTH, BoxState, Panel, Picture
from validation.report.pictures import picture_of
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join

_Side = Mapping[str, Detections]


def pictures(context: CheckContext, *, where_all_agree: bool = True) -> list[Picture]:
    """The images with most disagreement, then those with most to see: reference beside candidate.

    The objects are a panel of their own where the image is labelled. Without a reference the
    candidate is held against the objects alone, on the images that are labelled.

    Args:
        context: Of the file.
        where_all_agree: Images without disagreement too, where there are too few others.
    """
    candidate, reference = candidate_detections(context), _reference(context)
    truth, categories = _ground_truth(context)
    rule = _rule(context)
    title = REFERENCE_TITLES.get(context.reference.kind, "reference")
    return [
        picture_of(
            context.key,
            image,
            int(context.policy.setting("picture_width")),
            [
                *_panels(
                    {
                        name: side[image.key]
                        for name, side in ((title, reference), (_title(context, title), candidate))
                        if image.key in side
                    },
                    rule,
                ),
                *([Panel.of(GROUND_TRUTH, truth[image.key])] if image.key in truth else []),
            ],
            {**categories, **context.class_names().names},
        )
        for image in _chosen(context, reference or truth, candidate, rule, where_all_agree)
    ]


def _panels(sides: _Side, rule: DisagreementRule) -> list[Panel]:
    """Each side by its title, with what the other makes of it where there are two."""
    states: Mapping[str, tuple[BoxState, ...]] = {}
    if len(sides) == 2:
        first, second = sides.values()
        states = dict(zip(sides, box_states(first, second, rule), strict=True))
    panels = []
    for title, found in sides.items():
        shown = (found.scores >= rule.min_score).nonzero()[0]
        own = states.get(title, ())
        panels.append(
            Panel.of(title, found.take(shown), [own[index] for index in shown] if own else ())
        )
    return panels


def _title(context: CheckContext, reference: str) -> str:
    """What its panel is called; a given file may have the name of another panel."""
    title = context.key.file or f"{context.key.variant} .tflite"
    return f"{title} (given file)" if title in (GROUND_TRUTH, reference) else title


def _reference(context: CheckContext) -> _Side:
    try:
        return reference_detections(context)
    except NotProvided:
        return {}


def _rule(context: CheckContext) -> DisagreementRule:
    policy = context.policy
    quantised = variant_of(context.key.variant).is_quantised
    return DisagreementRule.of(policy, policy.setting("picture_min_score"), in_8_bits=quantised)


def _chosen(
    context: CheckContext,
    expected: _Side,
    candidate: _Side,
    rule: DisagreementRule,
    where_all_agree: bool,
) -> list[ImageFile]:
    """Most disagreement first; where too few images disagree, those with most detections."""
    most = int(context.policy.setting("pictures"))
    images = {image.key: image for image in context.images if image.key in expected}
    # Images that the file lost are named by the check itself.
    both = {key: expected[key] for key in images if key in candidate}
    worst = [each.image for each in worst_images(disagreements(both, candidate, rule), most)]
    if not where_all_agree:
        return [images[key] for key in worst]
    shown = {key: int((expected[key].scores >= rule.min_score).sum()) for key in images}
    rest = sorted((key for key in images if key not in worst), key=lambda key: -shown[key])
    return [images[key] for key in [*worst, *rest][:most]]


def _ground_truth(context: CheckContext) -> tuple[_Side, Mapping[int, str]]:
    """Objects by image key, and the categories' names by class id; empty without labels."""
    dataset = context.dataset
    if dataset is None:
        return {}, {}
    joined = class_join(context, dataset).categories
    return ground_truth(dataset, joined), category_names(dataset, joined)
