"""The same picture as the reference and the file under test see it, and as it was labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from validation.checks.accuracy import REFERENCE_TITLES
from validation.checks.both_sides import candidate_detections, reference_detections
from validation.coco.labelled_images import category_names, ground_truth
from validation.comparison.disagreements import DisagreementRule, disagreements, worst_images
from validation.errors import NotProvided
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.types import GROUND_TRUTH, Panel, Picture
from validation.report.pictures import picture_of
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext, class_join

_Side = Mapping[str, Detections]


def pictures(context: CheckContext) -> list[Picture]:
    """The images with most disagreement, then those with most to see: reference beside candidate.

    The objects stand beside them where the image is labelled. Without a reference the candidate is
    held against the objects alone, on the images that are labelled.
    """
    candidate, reference = candidate_detections(context), _reference(context)
    truth, categories = _ground_truth(context)
    title = REFERENCE_TITLES.get(context.reference.kind, "reference")
    sides = {title: reference, _title(context): candidate}
    threshold = context.policy.setting("picture_min_score")

    def panels(image: ImageFile) -> Iterator[Panel]:
        for title, side in sides.items():
            if image.key in side:
                yield Panel.of(title, _above(side[image.key], threshold))
        if image.key in truth:
            yield Panel.of(GROUND_TRUTH, truth[image.key])

    return [
        picture_of(
            context.key,
            image,
            int(context.policy.setting("picture_width")),
            list(panels(image)),
            {**categories, **context.class_names().names},
        )
        for image in _chosen(context, reference or truth, candidate)
    ]


def _title(context: CheckContext) -> str:
    return context.key.file or f"{context.key.variant} .tflite"


def _reference(context: CheckContext) -> _Side:
    try:
        return reference_detections(context)
    except NotProvided:
        return {}


def _chosen(context: CheckContext, expected: _Side, candidate: _Side) -> list[ImageFile]:
    """Most disagreement first; where too few images disagree, those with most detections."""
    policy, most = context.policy, int(context.policy.setting("pictures"))
    quantised = variant_of(context.key.variant).is_quantised
    rule = DisagreementRule.of(policy, policy.setting("picture_min_score"), in_8_bits=quantised)
    images = {image.key: image for image in context.images if image.key in expected}
    # Images that the file lost are named by the check itself.
    both = {key: expected[key] for key in images if key in candidate}
    worst = [each.image for each in worst_images(disagreements(both, candidate, rule), most)]
    shown = {key: len(_above(expected[key], rule.min_score)) for key in images}
    rest = sorted((key for key in images if key not in worst), key=lambda key: -shown[key])
    return [images[key] for key in [*worst, *rest][:most]]


def _ground_truth(context: CheckContext) -> tuple[_Side, Mapping[int, str]]:
    """Objects by image key, and the categories' names by class id; empty without labels."""
    dataset = context.dataset
    if dataset is None:
        return {}, {}
    joined = class_join(context, dataset).categories
    return ground_truth(dataset, joined), category_names(dataset, joined)


def _above(detections: Detections, threshold: float) -> Detections:
    return detections.take(detections.scores >= threshold)
