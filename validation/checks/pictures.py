"""The same picture as the reference and the file under test see it, and as it was labelled."""

from __future__ import annotations

from collections.abc import Mapping

from validation.checks.needs import candidate_detections, class_join, reference_detections
from validation.coco.labelled_images import labelled_images
from validation.comparison.disagreements import DisagreementRule, disagreements, worst_images
from validation.preprocess.image import ImageFile
from validation.record.detections import Detections
from validation.record.types import GROUND_TRUTH, Panel, Picture
from validation.report.pictures import picture_of
from validation.specs.variants import variant_of
from validation.workspace.context import CheckContext


def pictures(context: CheckContext) -> list[Picture]:
    """The images with most disagreement, then those with most to see: reference beside candidate.

    The objects stand beside them where the image is labelled.
    """
    reference, candidate = reference_detections(context), candidate_detections(context)
    threshold = context.policy.setting("picture_min_score")
    truth, categories = _ground_truth(context)
    return [
        picture_of(
            context.key.model,
            image,
            int(context.policy.setting("picture_width")),
            [
                Panel.of("inference graph in TensorFlow", _above(reference[image.key], threshold)),
                Panel.of(f"{context.key.variant} .tflite", _above(candidate[image.key], threshold)),
                *([Panel.of(GROUND_TRUTH, truth[image.key])] if image.key in truth else []),
            ],
            {**categories, **context.class_names().names},
        )
        for image in _chosen(context, reference, candidate)
    ]


def _chosen(
    context: CheckContext,
    reference: Mapping[str, Detections],
    candidate: Mapping[str, Detections],
) -> list[ImageFile]:
    """Most disagreement first; where too few images disagree, those with most detections."""
    policy, most = context.policy, int(context.policy.setting("pictures"))
    quantised = variant_of(context.key.variant).is_quantised
    rule = DisagreementRule(
        min_score=policy.setting("picture_min_score"),
        score_epsilon=policy.setting("quantised_score_epsilon")
        if quantised
        else policy.setting("parity_score_epsilon"),
        min_iou=policy.setting("parity_min_iou"),
        moved_iou=policy.setting("operating_moved_iou"),
    )
    images = {image.key: image for image in context.inference.images}
    worst = [each.image for each in worst_images(disagreements(reference, candidate, rule), most)]
    shown = {key: len(_above(reference[key], rule.min_score)) for key in images}
    rest = sorted((key for key in images if key not in worst), key=lambda key: -shown[key])
    return [images[key] for key in [*worst, *rest][:most]]


def _ground_truth(context: CheckContext) -> tuple[Mapping[str, Detections], Mapping[int, str]]:
    """Objects by image key, and the categories' names by class id; empty without labels."""
    dataset = context.dataset
    if dataset is None:
        return {}, {}
    joined = class_join(context, dataset).categories
    names = {
        class_id: dataset.categories[category]
        for class_id, category in joined.items()
        if category is not None
    }
    return {key: image.objects for key, image in labelled_images(dataset, joined).items()}, names


def _above(detections: Detections, threshold: float) -> Detections:
    return detections.take(detections.scores >= threshold)
